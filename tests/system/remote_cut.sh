#!/bin/bash
# remote_cut.sh - connections cut before and after calls are carried out: the
# program sees nothing of it, and nothing is done twice
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"

for program in "${remote_programs[@]}"; do
    build "$program" dynamic || continue
    for every in 2 7; do
        case $program.$every in # many calls: remote_cut_long.sh
        remote_fast.c.2 | remote_again.c.2) continue ;;
        esac
        compare "$program" dynamic "$fake_shadow" --cut $every
    done
done
