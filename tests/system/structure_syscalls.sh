#!/bin/bash
# structure_syscalls.sh - the table of system calls has every call of this
# machine's kernel headers, by its number, with words that mean something; the
# page for readers has every line of it; what it calls wrapped is wrapped
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command cc awk
table=$top_srcdir/lib/wrap/syscalls.tbl

echo '#include <asm/unistd_64.h>' | cc -E -dM - >"$work/macros" 2>/dev/null ||
    skip "no kernel headers on this machine"
awk '/ __NR_/ { sub("__NR_", "", $2); print $3, $2 }' "$work/macros" | sort >"$work/kernel"
awk -F'\t' '!/^#/ && NF { print $1, $2 }' "$table" | sort >"$work/ours"
missing=$(comm -23 "$work/kernel" "$work/ours")
[ -z "$missing" ] || fail "not in syscalls.tbl: $missing"

awk -F'\t' '!/^#/ && NF && ($3 !~ /^(local|remote-fd|remote-path|identity|process|refused)$/ ||
    $4 !~ /^(native|wrapped|refuses)$/ ||
    $5 !~ /^(pass|trap|trap-nz[0-5]|trap-map|trap-fork|trap-mask|enosys)$/) { print; bad = 1 }
    END { exit bad }' "$table" || fail "words that are not explained"

awk -v out=doc -f "$top_srcdir/lib/wrap/gen.awk" "$table" >"$work/page"
[ "$(grep -c '^| [0-9]' "$work/page")" = "$(wc -l <"$work/ours")" ] ||
    fail "the page lacks lines"

# the libc function of each wrapped call is one of CKPT_WRAPPED
names=$(sed -n '/^CKPT_WRAPPED/,/[^\\]$/p' "$top_srcdir/lib/libckpt.mk")
while read -r call; do
    name=${call#rt_}
    case $call in
    pselect6) name=pselect ;;
    signalfd4) name=signalfd ;;
    execveat) name=fexecve ;;
    esac
    grep -qw "$name" <<<"$names" || fail "$call is not wrapped: no $name in CKPT_WRAPPED"
done < <(awk -F'\t' '$4 == "wrapped" { print $2 }' "$table")
echo "$(wc -l <"$work/ours") calls, $(wc -l <"$work/kernel") of them in this machine's headers"
