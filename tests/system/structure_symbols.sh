#!/bin/bash
# structure_symbols.sh - what is linked into programs brings no names of its own
#
# A program may define any function it likes: libckpt's global names start with
# ckpt_, or are those of libc that it stands in front of (lib/wrap).
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command nm

checked=0
for library in "$top_builddir"/lib/libckpt.a "$top_builddir"/lib/libckpt.o \
    "$top_builddir"/lib/libckpt.so; do
    [ -e "$library" ] || continue
    checked=1
    nm -g --defined-only "$library" 2>/dev/null |
        awk 'NF == 3 && $2 ~ /^[A-TV-Z]$/ {print $3}' | sort -u >"$work/all"
    # Wrappers of libc's functions are weak or listed.
    cat "$top_srcdir"/lib/wrap/*.names 2>/dev/null |
        sed 's/#.*//' >"$work/wrapped" || true
    grep -vE '^(ckpt_|__wrap_)' "$work/all" |
        grep -vxFf "$work/wrapped" >"$work/strange" || true
    [ ! -s "$work/strange" ] ||
        fail "$library defines $(tr '\n' ' ' <"$work/strange")"
    echo "$library: $(wc -l <"$work/all") global names, all ours"
done
[ "$checked" -eq 1 ] || skip "libckpt is not built"
