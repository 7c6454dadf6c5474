#!/bin/bash
# core_auto.sh - --every auto: the interval follows cost and failures
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"

cd "$work"
ckpt-cc -g -O1 -D_GNU_SOURCE -o pages "$top_srcdir/tests/progs/pages.c"
export CKPT_LOG=$work/log
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; cleanup' EXIT

await() { # PATTERN FILE
    for ((i = 0; i < 1500; i++)); do
        ! grep -q "$1" "$2" 2>/dev/null || return 0
        sleep 0.02
    done
    fail "no $1 in $2: $(cat err "$2")"
}

start() { # OPTION...
    ckpt run --image "$work/image" "$@" ./pages 8 >>out 2>err &
    pid=$!
}

# Given: the shortest interval, because failures come every two seconds.
start --every auto --mtbf 2s
await ready out
ckpt checkpoint $pid >/dev/null
await '^next checkpoint in 1.0s: a checkpoint costs .* failure 2.0s (given)' log
before=$(grep -c '^checkpoint of' log)
for ((i = 0; i < 1500; i++)); do
    [ "$(grep -c '^checkpoint of' log)" = "$before" ] || break
    sleep 0.02
done
[ "$(grep -c '^checkpoint of' log)" -gt "$before" ] || fail "none came: $(cat log)"
kill -9 $pid
wait $pid 2>/dev/null || true
ckpt image show image | grep '^interval' || fail "show tells no interval"
ckpt image show --json image >shown
grep -Eq '"interval_reason": ?"a checkpoint' shown ||
    fail "show --json tells no reason"

# Observed: the restart after the kill was the first failure.
: >log
start --every auto
await '^restarted' log
ckpt checkpoint $pid >/dev/null
await '^next checkpoint in .*(observed: 1 in ' log
grep '^next' log | tail -1
ckpt checkpoint --exit $pid >/dev/null || true
wait $pid || true
: >log
start --every auto
await '^restarted' log
ckpt checkpoint $pid >/dev/null
await '(observed: 1 in ' log # the end was wanted
: >stop
wait $pid || fail "$(cat out err)"
pid=
grep -q '^OK' out || fail "$(cat out)"

status=0
ckpt run --every sometimes ./pages 1 2>err || status=$?
if [ $status != 2 ] || ! grep -q CKPT_EVERY err; then
    fail "--every sometimes: $(cat err)"
fi
