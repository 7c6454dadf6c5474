#!/bin/bash
# demo.sh - the demo comes to its end, and leaves nothing behind
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
pkg-config --exists gsl || skip "no GNU Scientific Library (libgsl-dev)"

chmod 711 "$work" # stations' jobs run as another user
TMPDIR=$work DEMO_SECONDS=14 timeout 300 "$top_srcdir/examples/demo/run" |
    tee "$work/said"
grep -q 'DEMO PASSED' "$work/said"
left=$(find "$work" -mindepth 1 ! -name said)
[ -z "$left" ] || fail "the demo left $left"
