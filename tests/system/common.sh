# common.sh - what the shell tests share
#
# Sourced first.  Gives a test the two trees ($top_srcdir, $top_builddir: from
# `make check`, or found from the script's place when it is started by hand),
# the commands on PATH, a private directory $work that is gone at the end, and
# words for how it ended.
#
# shellcheck shell=bash
set -euo pipefail

top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
PATH=$top_builddir/bin:$PATH
export top_srcdir top_builddir PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/ckpt-test.XXXXXX")
cleanup() {
    rm -rf "$work"
}
trap cleanup EXIT

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "failed: $*"
    exit 1
}

need_command() {
    for name in "$@"; do
        command -v "$name" >/dev/null || skip "no $name on this machine"
    done
}

# The tree's own files of the given names (find's patterns), without what a
# build leaves.
tree_files() {
    local tests=() pattern
    for pattern in "$@"; do tests+=(-o -name "$pattern"); done
    (cd "$top_srcdir" && find cli doc examples lib mount scheduler shadow tests \
        \( -type d \( -name build -o -name .deps \) -prune \) -o \
        -type f \( "${tests[@]:1}" \) -print | sort)
}
