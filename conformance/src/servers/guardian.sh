# Owns a temporary folder and one server. Commands come on standard input, a line each; "done" answers each of them.
# When standard input ends - its writer ended, in whatever way - the server dies and the folder goes.
trap : HUP INT TERM
folder=$(mktemp -d "${TMPDIR:-/tmp}/certstore-test-XXXXXX") || exit 1
echo "$folder"
leader=

# The server and all that it started, which may have sessions of their own; not the shell that waits for it.
tree() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$leader" '
        { pid = $1; sub(/^.*\) /, ""); split($0, field, " "); parent[pid] = field[2] }
        END {
            do {
                more = 0
                for (pid in parent)
                    if (!(pid in found) && (parent[pid] == root || parent[pid] in found)) { found[pid]; more = 1 }
            } while (more)
            for (pid in found) print pid
        }'
}

signal_tree() {
    for pid in $(tree); do kill -s "$1" "$pid" 2>/dev/null; done
}

# The last of a pause is undone by SIGKILL alone.
kill_server() {
    [ -n "$leader" ] || return
    while [ -n "$(tree)" ]; do signal_tree KILL; done
    wait "$leader"
    leader=
}

while read -r word name; do
    case $word in
    start)
        kill_server
        rm -f "$folder/exit" "$folder/pid"
        setsid sh "$folder/start" </dev/null >>"$folder/log" 2>&1 &
        leader=$!
        # Until it runs its tree is empty, and nothing would be found to kill.
        for look in $(seq 500); do
            [ -s "$folder/pid" ] || [ -e "$folder/exit" ] && break
            sleep 0.01
        done
        ;;
    kill) kill_server ;;
    tree) signal_tree "$name" ;;
    esac
    echo done
done

kill_server
[ -f "$folder/cleanup" ] && sh "$folder/cleanup" >/dev/null 2>&1
for attempt in 1 2 3 4 5; do
    rm -rf "$folder" && break
    sleep 0.1
done
