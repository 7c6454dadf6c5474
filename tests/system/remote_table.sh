#!/bin/bash
# remote_table.sh - lib/wrap/syscalls.tbl agrees with the kernel's headers and
# leaves out no call that they know
set -euo pipefail
. "$(dirname "$0")/common.sh"
table=$top_srcdir/lib/wrap/syscalls.tbl

printf '#include <asm/unistd.h>\n' | cc -E -dM - |
    awk '$2 ~ /^__NR_/ {sub("__NR_", "", $2); print $3, $2}' |
    sort -n >"$work/kernel"
awk -F '\t' '!/^#/ {print $1, $2}' "$table" | sort -n >"$work/table"
[ -s "$work/kernel" ] || skip "no kernel headers"

last=$(tail -n 1 "$work/table" | cut -d' ' -f1)
awk -v last="$last" '$1 <= last' "$work/kernel" >"$work/known"
sort "$work/known" >"$work/a"
sort "$work/table" >"$work/b"
comm -23 "$work/a" "$work/b" >"$work/missing"
[ ! -s "$work/missing" ] || fail "not in the table: $(cat "$work/missing")"

# Each handler that is named is used only by calls that the filter traps, and
# each trapped call has one.
awk -F '\t' '!/^#/ && ($5 == "pass" || $5 == "enosys") != ($6 == "-") {print
    bad = 1} END {exit bad}' "$table" || fail "filter and handler disagree"
awk -v out=doc -f "$top_srcdir/lib/wrap/gen.awk" "$table" >"$work/page"
[ "$(grep -c '^| [0-9]' "$work/page")" -eq "$(wc -l <"$work/table")" ] ||
    fail "the page does not show every call"
echo "$(wc -l <"$work/table") calls, $(grep -c -P '\ttrap' "$table") trapped"
