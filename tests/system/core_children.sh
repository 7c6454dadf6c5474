#!/bin/bash
# core_children.sh - a checkpoint is refused while the program has a child of
# whatever kind, which is named; and works when that has been waited for
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc cc
cd "$work"
ckpt-cc -O1 -D_GNU_SOURCE -I"$top_srcdir" -pthread -o children \
    "$top_srcdir/tests/progs/children.c"
export PROG_READY=$work/ready PROG_REAP=$work/reap PROG_GO=$work/go
trap 'kill -9 $pid 2>/dev/null || true; touch reap; sleep 0.1; cleanup' EXIT

await() {
    for ((i = 0; i < 1000; i++)); do
        [ -e "$1" ] && return 0
        sleep 0.01
    done
    fail "$kind: $1 did not come: $(cat prog.err)"
}

# refused PATTERN: the cause in one line, and the program as it was
refused() {
    if ckpt checkpoint "$pid" --image "$work/image" >out 2>err; then
        fail "$kind: a checkpoint was taken, and the child was lost"
    fi
    grep -qE "$1" err || fail "$kind: $(cat err)"
    [ ! -e image ] || fail "$kind: there is an image"
    kill -0 "$pid" || fail "$kind: the program has ended"
    echo "$kind: $(cat err)"
}

for kind in fork thread quiet ignored ended; do
    rm -f ready reap reaped go image
    ./children "$kind" >prog.out 2>prog.err &
    pid=$!
    await ready
    case $kind in
    ended) refused 'child process [0-9]+ \(children\), which has ended' ;;
    *) refused 'child process [0-9]+ \(children\)' ;;
    esac
    touch reap
    await reaped
    ckpt checkpoint "$pid" --exit --image "$work/image" >/dev/null ||
        fail "$kind: refused without a child"
    wait "$pid" || [ $? -eq 85 ] || fail "$kind: ended otherwise"
    touch go
    timeout 20 ckpt restart image >out 2>err || fail "$kind: $(cat err)"
    [ "$(cat prog.out)" = OK ] || fail "$kind: $(cat prog.out prog.err)"
done
