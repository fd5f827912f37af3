"""Drives the loopback OSS server with both of Alibaba's Python clients and expects what OSS documents.

The environment names the server (LOOPBACK_OSS_*). The first thing that differs ends the program with a
line that says so; at the end stands how many checks ran. Keys below "fault/" are struck by faults that
the test has switched on, see loopback_oss.rs.
"""

import datetime
import hashlib
import os
import socket
import threading

import alibabacloud_oss_v2 as v2
import oss2
from alibabacloud_oss_v2 import exceptions as v2_exceptions

ENV = {name[len("LOOPBACK_OSS_"):].lower(): value for name, value in os.environ.items() if name.startswith("LOOPBACK_OSS_")}
BUCKET, VERSIONED, REGION, ENDPOINT = ENV["bucket"], ENV["versioned_bucket"], ENV["region"], ENV["endpoint"]
PORT = ENDPOINT.rsplit(":", 1)[1]
VIRTUAL = f"http://oss.test:{PORT}"
ODD = ["a b", "ü/ß 😀", "+", "a+b", "&=?", "100%", "%41", "#hash", "star*", "q'uo\"te", "semi;colon", "a,b", "~tilde", "(x)", "a//b", "x:y", "@$!"]
CHECKS = 0

# Names under oss.test are this machine: the bucket then stands before the first dot.
real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: real("127.0.0.1" if str(host).endswith("oss.test") else host, *rest, **more)


def check(what, found, expected):
    global CHECKS
    CHECKS += 1
    if found != expected:
        raise SystemExit(f"{what}: found {found!r}, expected {expected!r}")


def md5(body):
    return hashlib.md5(body).hexdigest().upper()


def old(bucket=BUCKET, key=ENV["access_key"], secret=ENV["secret_key"], token=None, v4=True, endpoint=ENDPOINT, region=REGION):
    """The older client."""
    if token:
        auth = oss2.StsAuth(key, secret, token, auth_version="v4" if v4 else "v1")
    else:
        auth = oss2.AuthV4(key, secret) if v4 else oss2.Auth(key, secret)
    oss2.defaults.request_retries = 1
    return oss2.Bucket(auth, endpoint, bucket, region=region, connect_timeout=20)


def new(key=ENV["access_key"], secret=ENV["secret_key"], token=None, version="v4", endpoint=ENDPOINT, region=REGION):
    """The newer one."""
    config = v2.config.load_default()
    config.credentials_provider = v2.credentials.StaticCredentialsProvider(key, secret, token)
    config.region, config.endpoint, config.signature_version = region, endpoint, version
    config.retry_max_attempts = 1
    return v2.Client(config)


def refused(call, *arguments, **named):
    """Status, code and EC of a refusal; of a success, nothing."""
    try:
        call(*arguments, **named)
    except oss2.exceptions.ServerError as error:
        return error.status, error.code, error.ec
    except v2_exceptions.OperationError as error:
        inner = error.unwrap()
        while hasattr(inner, "unwrap"):
            inner = inner.unwrap()
        return inner.status_code, inner.code, inner.ec
    return None


EXISTS = (409, "FileAlreadyExists", "0026-00000002")
POSITION = (409, "PositionNotEqualToLength", "0026-00000016")
NORMAL = (409, "ObjectNotAppendable", "0026-00000017")
MISSING = (404, "NoSuchKey", "0026-00000001")
FORBID = {"x-oss-forbid-overwrite": "true"}


def old_operations(name, bucket):
    put = bucket.put_object(f"{name}/a", b"hello", headers={"Content-Type": "text/plain", "x-oss-meta-one": "1"})
    check("etag of a put", put.etag, md5(b"hello"))
    check("status of a put", put.status, 200)
    check("crc of a put", put.crc, crc64(b"hello"))
    got = bucket.get_object(f"{name}/a")
    check("body", got.read(), b"hello")
    check("type", got.content_type, "text/plain")
    check("metadata", got.headers["x-oss-meta-one"], "1")
    check("kind", got.headers["x-oss-object-type"], "Normal")
    head = bucket.head_object(f"{name}/a")
    check("head", (head.content_length, head.etag, head.object_type), (5, md5(b"hello"), "Normal"))
    meta = bucket.get_object_meta(f"{name}/a")
    check("meta", (meta.content_length, meta.etag), (5, md5(b"hello")))
    check("a range", bucket.get_object(f"{name}/a", byte_range=(1, 3)).read(), b"ell")
    check("from a byte on", bucket.get_object(f"{name}/a", byte_range=(3, None)).read(), b"lo")
    check("the last bytes", bucket.get_object(f"{name}/a", byte_range=(None, 2)).read(), b"lo")
    check("a range outside", bucket.get_object(f"{name}/a", byte_range=(9, 12)).read(), b"hello")
    strict = {"x-oss-range-behavior": "standard"}
    outside = refused(bucket.get_object, f"{name}/a", byte_range=(9, 12), headers=strict)
    check("by the standard", outside[:2], (416, "InvalidRange"))
    same = refused(bucket.get_object, f"{name}/a", headers={"If-None-Match": f'"{md5(b"hello")}"'})
    check("unchanged", same[0], 304)
    check("unlike", refused(bucket.get_object, f"{name}/a", headers={"If-Match": '"0"'})[0], 412)
    check("missing get", refused(bucket.get_object, f"{name}/none"), MISSING)
    check("missing head", refused(bucket.head_object, f"{name}/none"), (404, "NoSuchKey", "0026-00000001"))
    check("exists", (bucket.object_exists(f"{name}/a"), bucket.object_exists(f"{name}/none")), (True, False))
    check("create over it", refused(bucket.put_object, f"{name}/a", b"x", headers=FORBID), EXISTS)
    check("still the old", bucket.get_object(f"{name}/a").read(), b"hello")
    check("create", refused(bucket.put_object, f"{name}/b", b"x", headers=FORBID), None)
    odd = refused(bucket.put_object, f"{name}/b", b"x", headers={"x-oss-forbid-overwrite": "maybe"})
    check("neither true nor false", odd[0::2], (400, "0017-00000279"))
    check("wrong digest", refused(bucket.put_object, f"{name}/b", b"x", headers={"Content-MD5": "AAAA"})[:2], (400, "InvalidDigest"))
    check("delete", bucket.delete_object(f"{name}/b").status, 204)
    check("delete again", bucket.delete_object(f"{name}/b").status, 204)
    check("gone", refused(bucket.get_object, f"{name}/b"), MISSING)
    for key in ("x", "y&<>", "z ü"):
        bucket.put_object(f"{name}/many/{key}", b"")
    names = [f"{name}/many/{key}" for key in ("x", "y&<>", "z ü", "none")]
    check("delete many", sorted(bucket.batch_delete_objects(names).deleted_keys), sorted(names))
    check("all gone", [bucket.object_exists(key) for key in names], [False] * 4)


def old_appends(name, bucket):
    first = bucket.append_object(f"{name}/log", 0, b"abc")
    check("first append", (first.status, first.next_position), (200, 3))
    check("its checksum", first.crc, crc64(b"abc"))
    second = bucket.append_object(f"{name}/log", 3, b"def", init_crc=first.crc)
    check("second append", (second.next_position, second.crc), (6, crc64(b"abcdef")))
    check("body of a log", bucket.get_object(f"{name}/log").read(), b"abcdef")
    head = bucket.head_object(f"{name}/log")
    check("head of a log", (head.object_type, head.headers["x-oss-next-append-position"]), ("Appendable", "6"))
    for position in (0, 3, 7):
        try:
            bucket.append_object(f"{name}/log", position, b"x")
            raise SystemExit("an append at a wrong position went through")
        except oss2.exceptions.PositionNotEqualToLength as error:
            check(f"append at {position}", (error.status, error.ec, error.next_position), (409, "0026-00000016", 6))
    check("not begun at 1", refused(bucket.append_object, f"{name}/none", 1, b"x"), POSITION)
    empty = bucket.append_object(f"{name}/empty", 0, b"")
    check("an empty log", empty.next_position, 0)
    check("begun again at 0", bucket.append_object(f"{name}/empty", 0, b"x").next_position, 1)
    bucket.put_object(f"{name}/normal", b"x")
    check("append to a normal object", refused(bucket.append_object, f"{name}/normal", 1, b"x"), NORMAL)
    bucket.put_object(f"{name}/log", b"now normal")
    check("a log that was put over", refused(bucket.append_object, f"{name}/log", 10, b"x"), NORMAL)
    bucket.delete_object(f"{name}/log")
    check("a log begun anew", bucket.append_object(f"{name}/log", 0, b"xyz").next_position, 3)


def crc64(body):
    crc = oss2.utils.Crc64(0)
    crc.update(body)
    return crc.crc


def lists(old_one, new_one):
    keys = ["l/a", "l/a-b", "l/a/x", "l/a/y", "l/b", "l/c/1/2", "l/d"]
    for key in keys:
        old_one.put_object(key, b"1")
    check("all", [entry.key for entry in old_one.list_objects_v2("l/").object_list], keys)
    check("all of v1", [entry.key for entry in old_one.list_objects("l/").object_list], keys)
    flat = old_one.list_objects_v2("l/", delimiter="/")
    check("children", [entry.key for entry in flat.object_list], ["l/a", "l/a-b", "l/b", "l/d"])
    check("directories", flat.prefix_list, ["l/a/", "l/c/"])
    flat = old_one.list_objects("l/", delimiter="/")
    check("directories of v1", flat.prefix_list, ["l/a/", "l/c/"])
    for size in (1, 2, 3):
        found = [entry.key for entry in oss2.ObjectIteratorV2(old_one, prefix="l/", max_keys=size)]
        check(f"pages of {size}", found, keys)
        found = [entry.key for entry in oss2.ObjectIterator(old_one, prefix="l/", max_keys=size)]
        check(f"v1 pages of {size}", found, keys)
        found = [entry.key for entry in oss2.ObjectIteratorV2(old_one, prefix="l/", delimiter="/", max_keys=size)]
        check(f"rolled-up pages of {size}", found, ["l/a", "l/a-b", "l/a/", "l/b", "l/c/", "l/d"])
        pages = new_one.list_objects_v2_paginator(limit=size).iter_page(v2.ListObjectsV2Request(bucket=BUCKET, prefix="l/"))
        check(f"new pages of {size}", [entry.key for page in pages for entry in page.contents or []], keys)
    after = old_one.list_objects_v2("l/", start_after="l/a/x")
    check("start after", [entry.key for entry in after.object_list], keys[3:])
    entry = old_one.list_objects_v2("l/d", fetch_owner=True).object_list[0]
    check("an entry", (entry.size, entry.etag, entry.type, entry.owner.id), (1, md5(b"1"), "Normal", "loopback"))
    age = datetime.datetime.now(datetime.timezone.utc).timestamp() - entry.last_modified
    check("written now", 0 <= age < 60, True)
    check("too many", refused(old_one.list_objects_v2, "l/", max_keys=1001)[0], 400)
    check("wrong token", refused(old_one.list_objects_v2, "l/", continuation_token="nonsense")[0], 400)
    for number in range(150):
        old_one.put_object(f"page/{number:03}", b"")
    plain = new_one.list_objects_v2(v2.ListObjectsV2Request(bucket=BUCKET, prefix="page/"))
    check("a hundred where nothing is said", (plain.key_count, plain.is_truncated, plain.max_keys), (100, True, 100))


def odd_keys(name, old_one, new_one):
    for key in ODD:
        path = f"odd/{name}/{key}"
        old_one.put_object(path, key.encode())
        check("odd key " + path, new_one.get_object(v2.GetObjectRequest(bucket=BUCKET, key=path)).body.read(), key.encode())
        appended = new_one.append_object(v2.AppendObjectRequest(bucket=BUCKET, key=path + ".log", position=0, body=b"1"))
        check("odd log " + path, appended.next_position, 1)
    found = [entry.key for entry in old_one.list_objects_v2(f"odd/{name}/", max_keys=1000).object_list]
    check("odd keys in a list", found, sorted([f"odd/{name}/{key}" for key in ODD] + [f"odd/{name}/{key}.log" for key in ODD], key=str.encode))
    one = old_one.list_objects_v2(f"odd/{name}/ü/ß ", delimiter="/").object_list
    check("an odd prefix", [entry.key for entry in one], [f"odd/{name}/ü/ß 😀", f"odd/{name}/ü/ß 😀.log"])


def new_operations(name, client):
    put = client.put_object(v2.PutObjectRequest(bucket=BUCKET, key=f"{name}/a", body=b"hello"))
    check("new: put", (put.status_code, put.etag.strip('"')), (200, md5(b"hello")))
    check("new: checksum", int(put.hash_crc64), crc64(b"hello"))
    got = client.get_object(v2.GetObjectRequest(bucket=BUCKET, key=f"{name}/a"))
    check("new: get", got.body.read(), b"hello")
    head = client.head_object(v2.HeadObjectRequest(bucket=BUCKET, key=f"{name}/a"))
    check("new: head", (head.content_length, head.object_type), (5, "Normal"))
    part = client.get_object(v2.GetObjectRequest(bucket=BUCKET, key=f"{name}/a", range_header="bytes=1-2"))
    check("new: range", part.body.read(), b"el")
    again = v2.PutObjectRequest(bucket=BUCKET, key=f"{name}/a", body=b"x", forbid_overwrite=True)
    check("new: create over it", refused(client.put_object, again), EXISTS)
    missing = v2.HeadObjectRequest(bucket=BUCKET, key=f"{name}/none")
    check("new: missing head", refused(client.head_object, missing), MISSING)
    log = lambda position, body: client.append_object(
        v2.AppendObjectRequest(bucket=BUCKET, key=f"{name}/log", position=position, body=body)
    )
    check("new: append", log(0, b"abc").next_position, 3)
    check("new: append again", log(3, b"d").next_position, 4)
    check("new: wrong position", refused(log, 3, b"x"), POSITION)
    many = [v2.DeleteObject(key=f"{name}/{key}") for key in ("a", "log", "none")]
    done = client.delete_multiple_objects(v2.DeleteMultipleObjectsRequest(bucket=BUCKET, objects=many))
    check("new: delete many", len(done.deleted_objects), 3)
    check("new: gone", client.is_object_exist(bucket=BUCKET, key=f"{name}/a"), False)
    one = client.delete_object(v2.DeleteObjectRequest(bucket=BUCKET, key=f"{name}/a"))
    check("new: delete", one.status_code, 204)


def versions(bucket, plain):
    check("never versioned", plain.get_bucket_versioning().status, None)
    check("versioned", bucket.get_bucket_versioning().status, "Enabled")
    first = bucket.put_object("v/a", b"first")
    second = bucket.put_object("v/a", b"second", headers=FORBID)
    check("forbidding has no effect", second.status, 200)
    check("another version", first.versionid == second.versionid, False)
    get = lambda version: bucket.get_object("v/a", params={"versionId": version}).read()
    check("both versions", (get(first.versionid), get(second.versionid)), (b"first", b"second"))
    gone = bucket.delete_object("v/a")
    check("delete marker", gone.headers.get("x-oss-delete-marker"), "true")
    check("marked", refused(bucket.get_object, "v/a"), MISSING)
    check("behind it", get(second.versionid), b"second")
    bucket.append_object("v/log", 0, b"abc")
    log = bucket.append_object("v/log", 3, b"def")
    check("append to the current version", log.next_position, 6)
    frozen = bucket.head_object("v/log").versionid
    bucket.delete_object("v/log")
    check("a log begun on a marker", bucket.append_object("v/log", 0, b"new").next_position, 3)
    check("the old log", bucket.get_object("v/log", params={"versionId": frozen}).read(), b"abcdef")
    bucket.put_object("v/log", b"normal")
    check("a log that was put over", refused(bucket.append_object, "v/log", 6, b"x"), NORMAL)
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_SUSPEND))
    check("suspended", bucket.get_bucket_versioning().status, "Suspended")
    bucket.put_object("v/s", b"1")
    check("still no effect", refused(bucket.put_object, "v/s", b"2", headers=FORBID), None)
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))


def credentials():
    secret, unknown = (403, "SignatureDoesNotMatch"), (403, "InvalidAccessKeyId")
    for v4 in (True, False):
        check("wrong secret", refused(old(secret="wrong", v4=v4).get_object, "x")[:2], secret)
        check("wrong secret, head", refused(old(secret="wrong", v4=v4).head_object, "x")[:2], secret)
        check("unknown key", refused(old(key="LTAINOBODY", v4=v4).get_object, "x")[:2], unknown)
        reader = old(key=ENV["reader_access_key"], secret=ENV["reader_secret_key"], v4=v4)
        check("a reader reads", refused(reader.list_objects_v2), None)
        check("and writes nothing", refused(reader.put_object, "x", b"")[:2], (403, "AccessDenied"))
        check("and appends nothing", refused(reader.append_object, "x", 0, b"x")[:2], (403, "AccessDenied"))
        token = {"key": ENV["token_access_key"], "secret": ENV["token_secret_key"], "v4": v4}
        check("a token", refused(old(token=ENV["session_token"], **token).put_object, "t", b""), None)
        check("another token", refused(old(token="another", **token).put_object, "t", b"")[:2], (403, "InvalidSecurityToken"))
        check("no token", refused(old(**token).put_object, "t", b"")[:2], unknown)
        needless = old(token="needless", v4=v4)
        check("a token too many", refused(needless.get_object, "t")[:2], (403, "InvalidSecurityToken"))
    anonymous = oss2.Bucket(oss2.AnonymousAuth(), ENDPOINT, BUCKET)
    check("unsigned", refused(anonymous.get_object, "x")[:2], (403, "AccessDenied"))
    check("wrong region", refused(old(region="cn-elsewhere").get_object, "x")[:2], (400, "InvalidArgument"))
    get = v2.GetObjectRequest(bucket=BUCKET, key="x")
    for version in ("v1", "v4"):
        check("new: wrong secret", refused(new(secret="wrong", version=version).get_object, get)[:2], secret)
        check("new: unknown key", refused(new(key="LTAINOBODY", version=version).get_object, get)[:2], unknown)
    check("no bucket", refused(old(bucket="nowhere").get_object, "x")[:2], (404, "NoSuchBucket"))
    check("a bucket elsewhere", refused(old(bucket=ENV["elsewhere"]).get_object, "x")[:2], (403, "AccessDenied"))


def races(bucket):
    def race(attempt):
        outcomes, barrier = [], threading.Barrier(12)

        def racer(number):
            barrier.wait()
            outcomes.append(refused(attempt, number))

        threads = [threading.Thread(target=racer, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    for turn in range(3):
        created = race(lambda number: bucket.put_object(f"race/{turn}", b"%d" % number, headers=FORBID))
        check("one creates", (created.count(None), created.count(EXISTS)), (1, 11))
        appended = race(lambda number: bucket.append_object(f"race/{turn}.log", 0, b"%02d" % number))
        check("one appends", (appended.count(None), appended.count(POSITION)), (1, 11))


def faults(bucket):
    check("unavailable", refused(bucket.put_object, "fault/unavailable", b"")[:2], (503, "ServiceUnavailable"))
    check("too fast", refused(bucket.put_object, "fault/qps", b"")[:2], (503, "QpsLimitExceeded"))
    check("internal", refused(bucket.put_object, "fault/internal", b"")[:2], (500, "InternalError"))
    check("against itself", refused(bucket.append_object, "fault/repeat", 0, b"x"), POSITION)
    check("was done", bucket.get_object("fault/repeat").read(), b"x")
    for key, there in (("fault/lose-request", False), ("fault/lose-reply", True)):
        try:
            bucket.append_object(key, 0, b"x")
            raise SystemExit(f"{key}: there was a reply")
        except oss2.exceptions.RequestError:
            check(key, bucket.object_exists(key), there)
    bucket.append_object("fault/position", 0, b"abc")
    check("positions ignored", bucket.append_object("fault/position", 77, b"d").next_position, 4)
    bucket.put_object("fault/overwrite", b"1", headers=FORBID)
    check("create-only ignored", refused(bucket.put_object, "fault/overwrite", b"2", headers=FORBID), None)


for style, endpoint in (("path", ENDPOINT), ("virtual", VIRTUAL)):
    for v4 in (True, False):
        name = f"{style}-{4 if v4 else 1}"
        old_operations(f"old/{name}", old(v4=v4, endpoint=endpoint))
        old_appends(f"append/{name}", old(v4=v4, endpoint=endpoint))
        client = new(version="v4" if v4 else "v1", endpoint=endpoint)
        new_operations(f"new/{name}", client)
        odd_keys(name, old(v4=v4, endpoint=endpoint), client)
lists(old(), new())
lists(old(v4=False), new(version="v1"))
versions(old(bucket=VERSIONED), old())
credentials()
races(old())
faults(old())
print(f"checks: {CHECKS}")
