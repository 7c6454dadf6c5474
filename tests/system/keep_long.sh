#!/bin/bash
# keep_long.sh - keep_files.sh for longer: CYCLES (12) stops with each of SEEDS
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
here=$(cd "$(dirname "$0")" && pwd)
for seed in ${SEEDS:-11 12 13}; do
    echo "seed $seed"
    CYCLES=${CYCLES:-12} SEED=$seed bash "$here/keep_files.sh"
done
