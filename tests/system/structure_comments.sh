#!/bin/bash
# structure_comments.sh - every file opens with what it is for
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$top_srcdir"

# The first line (the second, after #!) must be a comment.
opening() {
    awk 'NR == 1 && /^#!/ {next} {print; exit}' "$1"
}

wrong=0
check() { # PATTERN-OF-COMMENT NAME...
    local comment=$1 file
    shift
    for file in $(tree_files "$@"); do
        opening "$file" | grep -qE "$comment" && continue
        echo "$file does not open with a comment"
        wrong=1
    done
}

check '^/[*/] .' '*.c' '*.h' '*.S' '*.x' '*.cc'
check '^! .' '*.f90'
check '^(# .|dnl .|##)' '*.sh' '*.mk' 'ckpt-cc.in' '*.tbl' '*.py' run
exit $wrong
