#!/bin/bash
# remote_programs.sh - programs do the same at home and through the client
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"

for program in "${remote_programs[@]}"; do
    for mode in static dynamic relinked relinked-static; do
        build "$program" $mode || { echo "$program $mode: cannot build"; continue; }
        compare "$program" $mode "$fake_shadow"
    done
done
