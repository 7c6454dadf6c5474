#!/bin/bash
# example_heat.sh - examples/heat-openmp is undisturbed by two moves
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-fc
need_command "${CKPT_FC:-gfortran}"
timeout 120 "$top_srcdir/examples/heat-openmp/run" --small "$work"
