#!/bin/bash
# structure_man.sh - the manual pages are well formed, and none is missing
set -euo pipefail
. "$(dirname "$0")/common.sh"

wrong=0
complain() {
    echo "$*"
    wrong=1
}

pages=$(tree_files '*.[1358]' | grep -v '^tests/golden/')
if command -v man >/dev/null && command -v groff >/dev/null; then
    for page in $pages; do
        ! grep -q '^\.so ' "$top_srcdir/$page" || continue # another's page
        MANROFFSEQ='' LC_ALL=C.UTF-8 man --warnings -l -Tutf8 -Z \
            "$top_srcdir/$page" 2>"$work/warnings" >/dev/null || true
        [ ! -s "$work/warnings" ] || complain "$page: $(cat "$work/warnings")"
    done
fi
for page in $pages; do
    for section in NAME SYNOPSIS DESCRIPTION; do
        grep -qE "^\.SH \"?$section" "$top_srcdir/$page" ||
            grep -qE "^\.so " "$top_srcdir/$page" ||
            complain "$page has no $section"
    done
done

# Every command of `ckpt` has a page and answers --help.
if command -v ckpt >/dev/null; then
    for command in $(ckpt --help | sed -nE 's/^  ([a-z]+)( .*|$)/\1/p'); do
        case " $pages " in
        *"/ckpt-$command.1"*) ;;
        *) complain "ckpt $command has no manual page" ;;
        esac
        ckpt "$command" --help >"$work/help" 2>&1 ||
            complain "ckpt $command --help fails"
        grep -qi example "$work/help" ||
            complain "ckpt $command --help has no example"
    done
fi

# Each option of --help is in its page, and each that the page describes (the
# first line after .TP) is in --help.
plain() { # PAGE
    sed -E 's/\\-/-/g; s/\\f[BIRP]//g' "$top_srcdir/$1"
}
long_options() {
    sed -E 's/(^|[^[:alnum:]_-])(--[a-z][a-z-]*)/\n\2\n/g' |
        sed -n '/^--[a-z]/p' | sort -u
}
documented=0
if command -v ckpt >/dev/null; then
    for command in $(ckpt --help | sed -nE 's/^  ([a-z]+)( .*|$)/\1/p'); do
        page=doc/man/ckpt-$command.1
        common='--help --json --pool' # of every command, in ckpt(1)
        help=$(ckpt "$command" --help | long_options)
        for option in $help; do
            plain "$page" | long_options | grep -qx -- "$option" ||
                complain "$page: no $option"
            documented=$((documented + 1))
        done
        for option in $(plain "$page" | sed -n '/^\.TP/{n;p;}' | long_options); do
            grep -qw -- "$option" <<<"$help $common" ||
                complain "ckpt $command --help: no $option"
        done
    done
    mapfile -t keys < <(ckpt config --json | sed -nE 's/^ *"key": "(.*)",$/\1/p')
    for key in "${keys[@]}"; do
        grep -qE "^\.BR? \"?$key( |$)" "$top_srcdir/doc/man/pool.conf.5" ||
            complain "pool.conf(5): no key $key"
        documented=$((documented + 1))
    done
    [ $documented -gt 90 ] || complain "only $documented options and keys seen"
fi

# Each function of ckpt.h has a page, or one that leads to another's.
functions=$(grep -oE '^[a-z].* \**ckpt_[a-z_]+\(' "$top_srcdir/lib/ckpt.h" |
    grep -oE 'ckpt_[a-z_]+' | sort -u)
[ -n "$functions" ] || complain "no function found in ckpt.h"
for function in $functions; do
    page=$top_srcdir/doc/man/$function.3
    [ -e "$page" ] || { complain "$function has no page" && continue; }
    to=$(sed -nE 's/^\.so man3\///p' "$page")
    grep -q "$function" "$top_srcdir/doc/man/${to:-$function.3}" ||
        complain "${to:-$function.3} does not speak of $function"
done
exit $wrong
