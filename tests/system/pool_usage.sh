#!/bin/bash
# pool_usage.sh - who goes first: within a user by priority, among users by what
# they had lately (share = usage), without anybody being thrown off
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
play=$top_builddir/tests/bench/coord_play
need_command ckpt ckpt-shadow ckpt-station "$play"
chmod 711 "$work"
mkdir "$work/home"
cd "$work/home"

pool_start 1 --set share=usage --set half_life=1h --set preempt_after=never
# Priority: all three wait for the first; then the highest goes first.
# shellcheck disable=SC2016
say='echo $0 >>order'
first=$(ckpt submit -- /bin/sleep 4)
until_true job_is "$first" running
low=$(ckpt submit --prio -5 -- /bin/sh -c "$say" low)
middle=$(ckpt submit -- /bin/sh -c "$say" middle)
high=$(ckpt submit --prio 5 -- /bin/sh -c "$say" high)
last=$(ckpt submit --prio 5 -- /bin/sh -c "$say" last)
ckpt prio "$last" -- -9 >/dev/null
timeout 60 ckpt wait "$low" "$middle" "$high" "$last"
[ "$(tr '\n' ' ' <order)" = 'high middle low last ' ] ||
    fail "they ran in this order: $(tr '\n' ' ' <order)"

# Usage: somebody who had nothing yet goes before forty jobs that were there
# first, as soon as one of them has ended.
jobs=$(ckpt submit --count 40 -- /bin/sleep 0.5)
until_true job_is "${jobs%%$'\n'*}" running
read -r station waited <<<"$("$play" wait "$CKPT_POOL" light 15)"
[ "$station" = s1 ] || fail "the other user got \"$station\""
left=$(ckpt q | grep -c ' I ' || true)
[ "$left" -ge 10 ] || fail "only $left jobs still waited"
echo "another user got it after $waited ms, before $left waiting jobs"
[ "$(ckpt history --json | grep -c '"evictions": [1-9]' || true)" = 0 ] ||
    fail "somebody was thrown off"
ckpt rm "${jobs%%$'\n'*}-${jobs##*$'\n'}" >/dev/null 2>&1 || true
