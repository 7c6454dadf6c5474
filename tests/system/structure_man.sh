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
exit $wrong
