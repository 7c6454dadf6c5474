# lazy_common.sh - a program that goes on before its memory is loaded
#
# Sourced after common.sh.  Works in $work; the log is `log`, what an undisturbed
# run writes last is $expected.  Whoever restarts a program gives it `pipe` as
# another standard output.
#
# shellcheck shell=bash
need_command ckpt ckpt-cc cc dd
top_srcdir=$(readlink -f "$top_srcdir")
cd "$work"
export CKPT_LOG=$work/log
mkfifo pipe

# How many lines of the log have it so far.
lines() { # PATTERN
    grep -c "$1" log || true
}

await_line() { # PATTERN COUNT: more than so many lines of the log have it
    local i
    for ((i = 0; i < 3000; i++)); do
        [ "$(lines "$1")" -gt "$2" ] && return 0
        sleep 0.01
    done
    fail "no line '$1' in the log: $(cat log)"
}

is_right() { # FILE WHAT [EXPECTED]
    local want=${3:-$expected}
    [ "$(tail -1 "$1")" = "$want" ] || fail "$2: $(cat "$1"), not $want"
    echo "$2: the same"
}

# tests/progs/lazy.c, as it comes.
make_lazy() {
    cc -g -O1 -D_GNU_SOURCE -I"$top_srcdir" -I"$top_srcdir/lib" -pthread \
        -o lazy "$top_srcdir/tests/progs/lazy.c"
}
