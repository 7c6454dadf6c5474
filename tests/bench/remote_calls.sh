#!/bin/bash
# remote_calls.sh - the cost of file calls: local, and under ckpt-shadow on
# loopback; medians of interleaved rounds, microseconds per call
#
#     remote_calls.sh [ROUNDS]        (make bench-remote-calls)
set -euo pipefail
. "$(dirname "$0")/../system/common.sh"
rounds=${1:-5}
export CKPT_SHADOW=$top_builddir/ckpt-shadow
real_shadow=$top_builddir/tests/unit/real-shadow
[ -x "$CKPT_SHADOW" ] || skip "ckpt-shadow is not built"
[ -x "$real_shadow" ] || skip "real-shadow is not built: make check TESTS="

ckpt-cc -O2 "$top_srcdir/tests/bench/remote_calls.c" -o "$work/calls"
mkdir "$work/home"
cd "$work/home"
for round in $(seq "$rounds"); do
    "$work/calls" 2>&1 | sed 's/^/local /' >>"$work/all"
    "$real_shadow" "$work/job.$round" 1 "$work/calls"
    sed 's/^/remote /' "$work/job.$round.err" >>"$work/all"
done

median() { # SIDE NAME
    awk -v s="$1" -v n="$2" '$1 == s && $2 == n {print $3}' "$work/all" |
        sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}

printf '%-20s %10s %10s\n' call local remote
awk '$1 == "local" && !seen[$2]++ {print $2}' "$work/all" |
    while read -r name; do
        printf '%-20s %10s %10s\n' "$name" "$(median local "$name")" \
            "$(median remote "$name")"
    done
echo "microseconds; medians of $rounds rounds; load $(cut -d' ' -f1 /proc/loadavg)"
