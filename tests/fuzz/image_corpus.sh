#!/bin/bash
# image_corpus.sh - the golden images, whole and with bytes changed, do no harm
set -euo pipefail
. "$(dirname "$0")/../system/common.sh"
"$top_builddir/tests/fuzz/fuzz_image" "$top_srcdir"/tests/golden/image-*.ckpt \
    "$top_srcdir"/tests/golden/chain-*.ckpt
