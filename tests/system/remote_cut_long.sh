#!/bin/bash
# remote_cut_long.sh - remote_cut.sh for programs of so many calls that a cut at
# every second one of them takes minutes
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"

export RUN_LIMIT=1200
for program in remote_again.c remote_fast.c; do
    build "$program" dynamic || continue
    compare "$program" dynamic "$fake_shadow" --cut 2
done
