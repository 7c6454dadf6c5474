#!/bin/bash
# coord_scale.sh - a coordinator with many stations and jobs
#
#     coord_scale.sh [STATIONS [HOMES [JOBS_EACH [SECONDS]]]]
#
# coord_play plays the stations and homes over the real protocol, a connection
# each; prints what the coordinator says of itself (the longest negotiation,
# matches), and its memory and processor time.
set -euo pipefail
. "$(dirname "$0")/../system/common.sh"
. "$(dirname "$0")/../system/pool_common.sh"
play=$top_builddir/tests/bench/coord_play
need_command ckpt "$play"

ckpt pool start --stations 1 --set poll=60s --set negotiation_cycle=5s >/dev/null
pid=$(tr -cd 0-9 <"$CKPT_POOL/coordinator/lock")
"$play" load "$CKPT_POOL" "${1:-10000}" "${2:-100}" "${3:-1000}" "${4:-60}"
grep -E 'VmHWM|VmRSS' "/proc/$pid/status"
awk -v hz="$(getconf CLK_TCK)" \
    '{ printf "processor seconds: %.1f\n", ($14 + $15) / hz }' "/proc/$pid/stat"
