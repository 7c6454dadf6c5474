#!/bin/bash
# example_nbody.sh - examples/nbody-gsl is undisturbed by two moves
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc
pkg-config --exists gsl || skip "no GNU Scientific Library (libgsl-dev)"
for link in "" --static; do
    # shellcheck disable=SC2086 # no argument when empty
    timeout 120 "$top_srcdir/examples/nbody-gsl/run" --small $link "$work"
done
