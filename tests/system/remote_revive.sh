#!/bin/bash
# remote_revive.sh - quiesce, a new process's session, and the same files
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"

build remote_revive.c dynamic || skip "no compiler"
run_in "$work/remote" "$fake_shadow" "$work/bin/remote_revive.c.dynamic"
cat "$work/remote.err" "$work/remote.out"
printf '%s\n' one two three four >"$work/expected"
cmp "$work/expected" "$work/remote/revive.txt"
grep -qx 'done' "$work/remote.out"
