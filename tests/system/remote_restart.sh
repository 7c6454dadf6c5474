#!/bin/bash
# remote_restart.sh - a remote program leaves its image at home, ends, and
# goes on in a new process and session: the same output, the same files
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"
need_command ckpt ckpt-cc

# On a machine that is short of processors some seconds may pass between the
# line at 25 and the checkpoint: the program must still be there.
steps=300
export FAKE_SHADOW_IMAGE=$work/image
for mode in dynamic static; do
    flags=()
    [ $mode = dynamic ] || flags=(-static)
    program=$work/counter.$mode
    ckpt-cc -O1 -w "${flags[@]}" \
        "$top_srcdir/tests/progs/remote_counter.c" -o "$program"
    [ -d "$work/local" ] || run_in "$work/local" "$program" $steps

    rm -f "$FAKE_SHADOW_IMAGE" "$work/remote.out"
    run_in "$work/remote" "$fake_shadow" "$program" $steps &
    launcher=$!
    for _ in $(seq 100); do
        grep -qx 'at 25' "$work/remote.out" 2>/dev/null && break
        sleep 0.05
    done
    pid=$(pgrep -nf "^$program $steps") || fail "the program is not running"
    ckpt checkpoint --exit "$pid"
    wait $launcher
    [ -s "$FAKE_SHADOW_IMAGE" ] || fail "no image at home"
    grep -qx 'status 85' "$work/remote.out" || fail "it did not end with 85"
    sed -i '/^status 85$/d' "$work/remote.out"

    # shellcheck disable=SC2016  # for the inner shell
    (cd "$work/remote" && timeout 60 "$fake_shadow" /bin/sh -c \
        'exec "$0" restart --remote-fd "$CKPT_REMOTE_FD" "$FAKE_SHADOW_IMAGE"' \
        "$(command -v ckpt)" >>"$work/remote.out" 2>>"$work/remote.err")
    echo "status 0" >>"$work/remote.out"
    cmp "$work/local.out" "$work/remote.out"
    diff -r "$work/local" "$work/remote" || fail "$mode: files differ"
    echo "$mode: restarted, the same"
done

# Threads that write, rename and read, stopped at any point, some times over.
ckpt-cc -O1 -w "$top_srcdir/tests/progs/remote_busy.c" -lpthread -o "$work/busy"
run_in "$work/local" "$work/busy" 4000
rm -rf "$work/remote" "$work/busy.out"
mkdir "$work/remote"

# start COMMAND...: in the background, under the fake shadow; $launcher
start() {
    (cd "$work/remote" && exec "$fake_shadow" "$@" >>"$work/busy.out") &
    launcher=$!
}
program_of() {
    for _ in $(seq 50); do
        pgrep -P "$1" && return
        kill -0 "$1" 2>/dev/null || return
        sleep 0.05
    done
}

restarts=0
status=85
start "$work/busy" 4000
while :; do
    sleep 0.3
    pid=$(program_of "$launcher" || true)
    [ -z "$pid" ] || ckpt checkpoint --exit "$pid" || true
    wait "$launcher" && status=0 || status=$?
    [ $status -eq 85 ] || break
    restarts=$((restarts + 1))
    # shellcheck disable=SC2016  # for the inner shell
    start /bin/sh -c \
        'exec "$0" restart --remote-fd "$CKPT_REMOTE_FD" "$FAKE_SHADOW_IMAGE"' \
        "$(command -v ckpt)"
done
[ $status -eq 0 ] || fail "busy threads: status $status"
[ "$(cat "$work/busy.out")" = finished ] || fail "$(cat "$work/busy.out")"
diff -r "$work/local" "$work/remote" || fail "busy threads: files differ"
[ $restarts -gt 0 ] || fail "it was not restarted once"
echo "busy threads: $restarts restarts, the same"
