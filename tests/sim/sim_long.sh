#!/bin/sh
# The checks that need many jobs, and the speed of a large pool (shown, not
# asserted: machines differ)
set -eu
SIMTEST_LONG=1 "$top_builddir/tests/sim/check_queues"
for load in .3 .7 .95; do
    ckpt sim --selfcheck $load 1000 2 3
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/large.conf" <<'C'
stations = 10000
load = 0.5
users = 500
jobs = 1000000
warmup_jobs = 20000
size = exp 1h
image = exp 200
owner_idle = exp 3h
owner_busy = exp 30m
checkpoint_every = 1h
info_period = 10m
C
for policy in condor threshold receiver; do
    begin=$(date +%s)
    ckpt sim "$dir/large.conf" --policy $policy >"$dir/out"
    echo "10,000 stations, 1,000,000 jobs, $policy:" \
        "$(($(date +%s) - begin)) s"
done
