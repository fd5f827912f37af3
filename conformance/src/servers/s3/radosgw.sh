# A Ceph cluster of three processes with an S3 gateway: radosgw.sh GATEWAY_PORT MONITOR_PORT, in a folder of its own,
# with ACCESS_KEY and SECRET_KEY in the environment. Becomes the gateway; the monitor and the object store are its
# children.
set -e
folder=$PWD
fsid=$(cat /proc/sys/kernel/random/uuid)
# `osd create` and `--mkfs` must name the same id, else the store refuses to run.
osd=$(cat /proc/sys/kernel/random/uuid)
export CEPH_CONF="$folder/ceph.conf"
cat >"$CEPH_CONF" <<CONF
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$2
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
# The gateway wants a secure mode otherwise, which there is none of without authentication.
ms mon client mode = crc
run dir = $folder
admin socket = $folder/\$name.asok
mon data = $folder/mon
osd data = $folder/osd
rgw data = $folder/rgw
log file =
log to stderr = true
err to stderr = true
debug ms = 0/0
debug mon = 0/0
debug osd = 0/0
debug paxos = 0/0
debug rocksdb = 0/0
debug rgw = 0/0
paxos propose interval = 0.05
paxos min wait = 0.01
mon tick interval = 1
mon data avail crit = 1
mon data avail warn = 1
mon allow pool size one = true
mon max pg per osd = 1000
# Without a mgr nobody places the store in the tree but the command below.
osd class update on start = false
osd crush update on start = false
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw frontends = beast endpoint=127.0.0.1:$1
rgw enable apis = s3
rgw thread pool size = 64
CONF
mkdir mon osd rgw
monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$2]" monmap
ceph-mon --mkfs -i a --monmap monmap
ceph-mon -f -i a &
ceph --connect-timeout 30 osd create "$osd"
ceph --connect-timeout 30 osd crush add osd.0 1.0 root=default host=local
ceph-osd --mkfs -i 0 --osd-uuid "$osd"
ceph-osd -f -i 0 &
radosgw-admin user create --uid certstore --display-name certstore --access-key "$ACCESS_KEY" --secret-key "$SECRET_KEY" >user
exec radosgw -f -n client.admin
