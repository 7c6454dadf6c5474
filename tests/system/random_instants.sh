#!/bin/bash
# random_instants.sh CYCLES SEED NAME WORKDIR COMMAND... - stop at any instant
#
# Runs COMMAND to its end once undisturbed and once through CYCLES random
# stops: checkpoint and kill -9 a little later, or checkpoint and exit; then
# resume.  Files, standard output and exit status
# must be the same.  Prints counts.  A file
# named stdin in WORKDIR is the standard input.
#
# NAP_MS       the longest time between a start and the stop (default 400)
# ONLY_EXIT=1  leaves out the kills: for programs that rewrite a file in place,
#              which a restart rightly refuses when it went on after the
#              checkpoint
# FILTER       what sed does to both standard outputs before they are compared:
#              times have to go
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"

cycles=$1 RANDOM=$2 prog=$3 dir=$4
shift 4
nap_ms=${NAP_MS:-400} done_cycles=0 refused=0
input=$dir/stdin
[ -f "$input" ] || input=/dev/null

cp -a "$dir" "$work/undisturbed"
cp -a "$dir" "$work/moved"
[ "$input" = /dev/null ] || input=$work/moved/stdin
expected=0 status=
(cd "$work/undisturbed" && exec timeout 300 "$@" <"$input" >stdout \
    2>"$work/err") || expected=$?
[ $expected -lt 124 ] || {
    cat "$work/err"
    echo "counts: 0 0"
    fail "$prog: ended with $expected undisturbed"
}
cd "$work/moved"

nap() { # up to $1 milliseconds
    local ms=$((RANDOM % $1))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

say_counts() {
    sed 's/\[[0-9]*\]$//' "$work/refusals" | sort | uniq -c | head -5
    echo "counts: $done_cycles $refused"
}

give_up() {
    kill -9 "$pid" 2>/dev/null || true
    cat "$work/err"
    say_counts
    fail "$prog: $* after $done_cycles cycles"
}

start() {
    local codec=none
    [ $((RANDOM % 3)) != 0 ] || codec=zstd
    ckpt run --image "$work/image" --codec $codec "$@" <"$input" \
        >>stdout 2>>"$work/err" &
    pid=$!
}

# Ask for one checkpoint; a refusal is no end of the program.  Says whether
# there is an image now, and the program is to be killed or has ended with 85.
checkpoint() {
    if ckpt checkpoint "$pid" ${1:+"$1"} >/dev/null 2>"$work/refusal"; then
        done_cycles=$((done_cycles + 1))
        [ -n "${1:-}" ] || nap 100
        return 0
    fi
    kill -0 "$pid" 2>/dev/null || return 1
    refused=$((refused + 1))
    cat "$work/refusal" >>"$work/refusals"
    return 1
}

running() {
    [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

: >stdout
: >"$work/err"
: >"$work/refusals"
start "$@"
while running; do
    nap "$nap_ms"
    if [ $done_cycles -ge "$cycles" ] || [ $refused -ge $((cycles + 20)) ]; then
        break
    fi
    exit_flag=--exit
    [ -n "${ONLY_EXIT:-}" ] || [ $((RANDOM % 2)) = 0 ] || exit_flag=
    if ! running || ! checkpoint ${exit_flag:+"$exit_flag"}; then
        continue
    fi
    [ -n "$exit_flag" ] || kill -9 "$pid" 2>/dev/null || true
    status=0
    wait "$pid" 2>/dev/null || status=$?
    case $status in
    85 | 137) start "$@" ;;
    "$expected") break ;; # it ended before the kill
    *) give_up "ended with $status" ;;
    esac
done
if [ "$status" != $expected ]; then
    status=0
    wait "$pid" || status=$?
    [ $status = $expected ] || give_up "ended with $status"
fi
rm -f "$work/image"
[ -z "${FILTER:-}" ] || sed -i "$FILTER" stdout ../undisturbed/stdout
diff -r "$work/undisturbed" "$work/moved" >"$work/diff" || {
    head -c 2000 "$work/diff"
    give_up "the outputs differ"
}
say_counts
echo "$prog: $done_cycles cycles, $refused refusals, output identical"
