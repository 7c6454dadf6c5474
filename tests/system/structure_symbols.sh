#!/bin/bash
# structure_symbols.sh - what is linked into programs brings no names of its own
#
# A program may define any function it likes: libckpt's global names start with
# ckpt_, or are those of libc functions that lib/wrap stands in front of, or
# what the linker's --wrap makes of such names in static programs.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command nm

# PUBLIC TYPE NAME(...) in lib/wrap
grep -hE '^PUBLIC ' "$top_srcdir"/lib/wrap/*.c |
    sed -nE 's/^PUBLIC [^(]*[ *]([a-z_0-9]+)\(.*/\1/p' | sort -u >"$work/wrapped"

for library in libckpt.o libckpt.so; do
    nm -g --defined-only "$top_builddir/lib/$library" |
        awk 'NF == 3 && $2 ~ /^[A-Z]$/ {print $3}' | sort -u >"$work/all"
    grep -vE '^ckpt_|^__wrap_' "$work/all" | grep -vxFf "$work/wrapped" \
        >"$work/strange" || true
    [ ! -s "$work/strange" ] ||
        fail "$library defines $(tr '\n' ' ' <"$work/strange")"
    echo "$library: $(wc -l <"$work/all") global names," \
        "$(grep -cxFf "$work/wrapped" "$work/all") of them libc's"
done
