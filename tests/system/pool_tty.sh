#!/bin/bash
# pool_tty.sh - an interactive job keeps the terminal it was started at
#
# Lines, echo, raw mode, ^C, a resize, ^Z and fg, and the exit code; the
# program's other thread goes on with its files while one waits for a line; and
# all of it goes on after an eviction in the middle of a read.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
terminal=$top_builddir/tests/unit/terminal
[ -x "$terminal" ] || fail "tests/unit/terminal is not built"

mkdir "$work/home"
cd "$work/home"
ckpt-cc -O1 -pthread "$top_srcdir/tests/progs/remote_tty.c" -o talk
pool_start 2

cat >"$work/script" <<"END"
expect terminal 1 1 1
expect size 24 80
expect ?
type hello$
expect hello
expect what is hello
type turns$
expect turning
resize 50 132
expect resized 50 132
type size$
expect size 50 132
type ^C
expect interrupted
type raw$
expect press
type ^C
expect got 3
expect ?
type ^Z
stopped
resize 30 90
continue
expect resized 30 90
type count$
expect count 5
sh ckpt vacate 1
sh until ckpt log 1 | grep -q '^004'; do sleep 0.1; done
type count$
expect count 6
type turns$
expect turning
type ^C
expect interrupted
type quit 7$
end 7
END
"$terminal" ckpt submit --tty ./talk <"$work/script" || {
    ckpt log 1
    fail "submit --tty"
}
echo "submit --tty: talked, moved and talked on"

cat >"$work/script" <<"END"
expect terminal 1 1 1
type quit 3$
end 3
END
"$terminal" ckpt run --on s2 ./talk <"$work/script" || fail "run --on"
ckpt log 2 | grep -q s2 || fail "not on s2: $(ckpt log 2)"
if ckpt submit --tty ./talk </dev/null 2>"$work/err"; then
    fail "--tty without a terminal"
fi
grep -q 'not a terminal' "$work/err"
echo "run --on: there, and its exit code"
