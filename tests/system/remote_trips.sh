#!/bin/bash
# remote_trips.sh - how many calls go home for opening, reading and closing
# files, and for listing a directory with attributes
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt-cc
fake_shadow=$top_builddir/tests/unit/fake-shadow
[ -x "$fake_shadow" ] || fail "tests/unit/fake-shadow is not built"
mkdir "$work/home"
cd "$work/home"
ckpt-cc -O1 "$top_srcdir/tests/progs/remote_trips.c" -o "$work/trips"

# calls WHAT: how many the program made
calls() {
    FAKE_SHADOW_CALLS=$work/calls "$fake_shadow" "$work/trips" "$1" ||
        fail "$1: exit code $?"
    cat "$work/calls"
}
calls make >/dev/null
start=$(calls nothing)
files=$(($(calls read) - start))
listing=$(($(calls list) - start))
echo "50 files: $files calls; listing 50 files with attributes: $listing calls"
# One to open, with the content, and a close that nobody waits for.
[ "$files" -le 100 ] || fail "more than two calls for a file"
# open, the entries, their end, close, and the two directories . and ..
[ "$listing" -le 8 ] || fail "attributes are asked for one by one"
