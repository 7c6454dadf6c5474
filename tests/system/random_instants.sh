#!/bin/bash
# random_instants.sh CYCLES SEED NAME WORKDIR COMMAND... - stop at any instant
#
# Runs COMMAND to its end once undisturbed and once through CYCLES random
# stops: checkpoint and kill -9 a little later, or checkpoint and exit; then
# resume.  Files and standard output must be the same.  Prints counts.
#
# ONLY_EXIT=1 leaves out the kills: for programs that rewrite a file in place,
# which a restart rightly refuses when it went on after the checkpoint.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"

cycles=$1 RANDOM=$2 prog=$3 dir=$4
shift 4
done_cycles=0 refused=0 ended=0

cp -a "$dir" "$work/undisturbed"
cp -a "$dir" "$work/moved"
(cd "$work/undisturbed" && "$@" >stdout)
cd "$work/moved"

nap() { # up to $1 milliseconds
    local ms=$((RANDOM % $1))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

: >stdout
while :; do
    ckpt run --image "$work/image" --codec "$([ $((RANDOM % 3)) = 0 ] && echo zstd || echo none)" "$@" >>stdout 2>"$work/err" &
    pid=$!
    nap "${NAP_MS:-400}"
    if [ $done_cycles -lt "$cycles" ] && kill -0 $pid 2>/dev/null; then
        exit_flag=--exit
        [ -n "${ONLY_EXIT:-}" ] || [ $((RANDOM % 2)) = 0 ] || exit_flag=
        if ckpt checkpoint $pid ${exit_flag:+--exit} >/dev/null 2>"$work/refusal"; then
            done_cycles=$((done_cycles + 1))
            [ -n "$exit_flag" ] || nap 100
        elif kill -0 $pid 2>/dev/null; then
            refused=$((refused + 1))
            cat "$work/refusal"
        fi
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null && ended=1 || status=$?
        [ $ended = 1 ] && break
        case $status in
        85 | 137) continue ;;
        *) cat "$work/err"; fail "$prog: ended with $status after $done_cycles cycles" ;;
        esac
    fi
    wait $pid || { cat "$work/err"; fail "$prog: ended with $?"; }
    break
done
rm -f "$work/image"
diff -r "$work/undisturbed" "$work/moved" >"$work/diff" || {
    head -20 "$work/diff"
    fail "$prog: the outputs differ after $done_cycles cycles"
}
echo "$prog: $done_cycles cycles, $refused refusals, output identical"
