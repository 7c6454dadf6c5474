#!/bin/bash
# image_search.sh - search with libFuzzer for images that do harm
#
#   image_search.sh [SECONDS]
set -euo pipefail
. "$(dirname "$0")/../system/common.sh"
need_command clang
seconds=${1:-10}
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n)
{ return d == 0 && n == 1; }' >"$work/probe.c"
clang -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null ||
    skip "no clang with libFuzzer"

cd "$top_srcdir"
shopt -s extglob
# shellcheck disable=SC2046
clang -g -O1 -std=gnu11 -w -D_GNU_SOURCE -DCKPT_LIBFUZZER \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -I. -I"$top_builddir" -o "$work/fuzz" \
    tests/fuzz/fuzz_image.c tests/unit/image_sample.c \
    lib/image/!(corenotes).c lib/common/{err,io,bytes}.c lib/arch/x86_64.S \
    $(pkg-config --libs libzstd 2>/dev/null) -lz
mkdir "$work/found"
cp tests/golden/image-*.ckpt "$work/found"
"$work/fuzz" -max_total_time="$seconds" -max_len=65536 -timeout=20 \
    -artifact_prefix="${FUZZ_CORPUS:-$work}/" "$work/found" >"$work/log" 2>&1 ||
    fail "$(tail -n 60 "$work/log")"
tail -n 1 "$work/log"
