#!/bin/bash
# A pool's history becomes a workload that the simulator replays
set -euo pipefail
. "$top_srcdir/tests/system/common.sh"
. "$top_srcdir/tests/system/pool_common.sh"

pool_start 1
cd "$work"
for s in 1 2 3; do
    ckpt submit -- /bin/sh -c "i=0; while [ \$i -lt 20000 ]; do i=\$((i+$s)); done" \
        >/dev/null
done
timeout 60 ckpt wait 1-3
ckpt history --export >load.txt
cat load.txt
[ "$(grep -vc '^#' load.txt)" = 3 ]
grep -q "^0 $(id -un) " load.txt
printf 'stations = 2\nworkload = load.txt\npolicy = condor none\n' >s.conf
ckpt sim s.conf | tee out
grep -qE '^jobs +3 +3 *$' out
