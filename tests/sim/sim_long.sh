#!/bin/bash
# The checks that need many jobs, and the speed of a large pool (shown, not
# asserted: machines differ)
set -euo pipefail
SIMTEST_LONG=1 "$top_builddir/tests/sim/check_queues"
for load in .3 .7 .95; do
    ckpt sim --selfcheck $load 1000 2 3
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/large.conf" <<'C'
stations = 10000
load = 0.5
jobs = 1000000
warmup_jobs = 20000
size = exp 1h
image = exp 200
owner_idle = exp 3h
owner_busy = exp 30m
checkpoint_every = 1h
info_period = 10m
info_max_age = 20m
C
# adaptive-printed diverges: it would not end
echo "10,000 stations, 1,000,000 jobs: processor seconds"
TIMEFORMAT=%U
for policy in $(ckpt sim --policies | awk '/^[a-z]/ { print $1 }' |
    grep -v adaptive-printed); do
    { time ckpt sim "$dir/large.conf" --policy "$policy" --json >"$dir/out"; } \
        2>"$dir/time"
    grep -q '"jobs": 1e+06' "$dir/out" || {
        echo "$policy: $(cat "$dir/time" "$dir/out")"
        exit 1
    }
    printf '%-20s %6.1f\n' "$policy" "$(tail -n 1 "$dir/time")"
done
