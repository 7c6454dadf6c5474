#!/bin/bash
# example_walkers.sh - examples/walkers-cxx is undisturbed by two moves
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-c++
need_command "${CKPT_CXX:-c++}"
timeout 120 "$top_srcdir/examples/walkers-cxx/run" --small "$work"
