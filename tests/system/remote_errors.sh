#!/bin/bash
# remote_errors.sh - a full disk at home is told by a later call; a shadow that
# serves a newer incarnation ends the job
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"

build remote_full.c dynamic || skip "no compiler"
full() {
    ulimit -f 1000
    exec "$fake_shadow" "$work/bin/remote_full.c.dynamic"
}
export -f full
export fake_shadow work
run_in "$work/remote" bash -c full
cat "$work/remote.err"
diff - "$work/remote.out" <<'OUT'
told EFBIG
read 10
close 0
close tells EFBIG
status 0
OUT

build remote_busy.c dynamic
run_in "$work/remote" "$fake_shadow" --supersede 100 \
    "$work/bin/remote_busy.c.dynamic" 100000
cat "$work/remote.out" "$work/remote.err"
grep -qx 'status 125' "$work/remote.out" || fail "the job did not end itself"
grep -q 'job 1, incarnation 1 ends: .*newer incarnation' "$work/remote.err" ||
    fail "it did not say why"
