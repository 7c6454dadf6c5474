#!/bin/bash
# remote_owner.sh - a remote program that holds a lock with its owner's id: it
# is moved when it has released it, and refused by name when it never does
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"
need_command ckpt ckpt-cc
export FAKE_SHADOW_IMAGE=$work/image
ckpt-cc -D_GNU_SOURCE -O1 -pthread "$top_srcdir/tests/progs/remote_owner.c" \
    -o "$work/owner"
mkdir "$work/files"
cd "$work/files"

start() { # COMMAND...: the program is $pid, its launcher $launcher
    : >"$work/out"
    "$fake_shadow" "$@" >"$work/out" 2>"$work/err" &
    launcher=$!
    for _ in $(seq 200); do
        grep -q ready "$work/out" && break
        sleep 0.05
    done
    pid=$(pgrep -P $launcher) || fail "it is not running: $(cat "$work/err")"
}
trap 'kill -9 $pid $launcher 2>/dev/null || true; cleanup' EXIT

start "$work/owner" often
for i in 1 2 3 4 5 6; do
    ckpt checkpoint "$pid" >/dev/null || fail "checkpoint $i"
done
ckpt checkpoint --exit "$pid" >/dev/null
wait $launcher && status=0 || status=$?
[ "$status" -eq 85 ] || fail "it ended with $status"
touch go
# shellcheck disable=SC2016  # for the inner shell
timeout 60 "$fake_shadow" /bin/sh -c \
    'exec "$0" restart --remote-fd "$CKPT_REMOTE_FD" "$FAKE_SHADOW_IMAGE"' \
    "$(command -v ckpt)" >"$work/out" || fail "restarted: $(cat "$work/out")"
grep -q 'all well' "$work/out" || fail "restarted: $(cat "$work/out")"
rm -f go "$FAKE_SHADOW_IMAGE"
echo "held often: moved"

start "$work/owner" ever
status=0
ckpt checkpoint --exit "$pid" >/dev/null 2>"$work/refusal" || status=$?
[ "$status" -eq 1 ] || fail "held for ever: exit status $status"
grep -q 'holds a lock that knows its owner by the id' "$work/refusal" ||
    fail "$(cat "$work/refusal")"
[ ! -e "$FAKE_SHADOW_IMAGE" ] || fail "there is an image"
touch go
wait $launcher || fail "it did not go on: $(cat "$work/out" "$work/err")"
grep -q 'all well' "$work/out" || fail "$(cat "$work/out")"
echo "held for ever: $(cat "$work/refusal")"
