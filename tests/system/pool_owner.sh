#!/bin/bash
# pool_owner.sh - owners who come back at real terminals
#
# Stopped at once; goes on when the owner leaves within the grace; otherwise
# leaves with a checkpoint and ends elsewhere with the same output.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$top_srcdir/examples/demo/pool.sh"
trap clean_pool EXIT

ckpt-cc -O2 -o "$work/home/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/undisturbed"
(cd "$work/undisturbed" && "$work/home/counter" 500 >stdout)

# On s1 the owner's visits are shorter than the grace, elsewhere longer.
start_pool idle_start=2s suspend_grace=500ms suspend_grace.s1=30s poll=200ms \
    >"$work/started"
cd "$work/home"
job=$(ckpt submit --out stdout --require 'name == "s1"' -- ./counter 500 |
    tr -dc 0-9)
await 60 job_is "$job" R || fail "it does not start: $(ckpt why "$job")"
owner_types s1 1
await 10 job_is "$job" S || fail "it was not stopped"
await 20 job_is "$job" R || fail "it did not go on"
[ "$(job_get "$job" evictions)" = 0 ] || fail "it was evicted"
status=0
timeout 60 ckpt wait "$job" || status=$?
[ "$status" -eq 0 ] || fail "ended with $status"
for file in stdout counter.log counter.tab counter.bin; do
    cmp "$work/undisturbed/$file" "$file"
done

rm -f stdout counter.*
job=$(ckpt submit --out stdout --require 'name != "s1"' -- ./counter 500 |
    tr -dc 0-9)
await 60 job_is "$job" R || fail "it does not start: $(ckpt why "$job")"
first=$(job_get "$job" station)
owner_types "$first" 2
await 60 job_left "$job" "$first" || fail "it did not leave $first"
status=0
timeout 90 ckpt wait "$job" || status=$?
ckpt log "$job" >"$work/log"
[ "$status" -eq 0 ] || fail "ended with $status: $(cat "$work/log")"
grep -q '^010' "$work/log" || fail "not suspended: $(cat "$work/log")"
grep -q '^004' "$work/log" || fail "not evicted: $(cat "$work/log")"
grep -q '(1) Job was checkpointed' "$work/log" ||
    fail "it lost its work: $(cat "$work/log")"
for file in stdout counter.log counter.tab counter.bin; do
    cmp "$work/undisturbed/$file" "$file"
done
