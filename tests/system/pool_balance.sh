#!/bin/bash
# pool_balance.sh - jobs that run move off overloaded stations, where the pool
# is told to
#
# Each station reads its load from files of this test instead of /proc.  By
# each policy that moves what runs: a job whose station becomes overloaded
# moves to the free one, by a checkpoint, after its minimum residence and not
# before; the output is that of an undisturbed run.  Without `balance` it
# stays.  Policies that make no sense are refused.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station

RESIDENCE=3

# load STATION RUNNABLE: what the kernel of that machine says
load() {
    mkdir -p "$work/proc.$1/pressure"
    cat >"$work/proc.$1/new" <<STAT
cpu 100 0 100 1000 0 0 0 0
cpu0 50 0 50 500 0 0 0 0
cpu1 50 0 50 500 0 0 0 0
procs_running $2
STAT
    echo "some avg10=$(($2 > 4 ? 90 : 0)).00 avg60=0.00 avg300=0.00 total=0" \
        >"$work/proc.$1/pressure/cpu"
    printf 'MemTotal: 1000000 kB\nMemAvailable: %d kB\n' \
        $(($2 > 4 ? 20000 : 900000)) >"$work/proc.$1/meminfo"
    mv "$work/proc.$1/new" "$work/proc.$1/stat"
}

begin() { # KEY=VALUE...
    local settings=() s
    for s; do settings+=(--set "$s"); done
    load s1 1
    load s2 1
    pool_start 2 --set "load_from.s1=$work/proc.s1" \
        --set "load_from.s2=$work/proc.s2" --set "residence=${RESIDENCE}s" --set info_period=300ms \
        --set candidate=10ms "${settings[@]}"
}

submit() { # sets job, here, there
    rm -f stdout counter.*
    job=$(ckpt submit --out stdout -- "$work/counter" "$1" | tr -dc 0-9)
    until_true job_is "$job" running
    here=$(job_member "$job" station)
    there=s2
    [ "$here" = s1 ] || there=s1
}

evicted() {
    [ "$(job_member "$job" evictions)" -ge 1 ]
}

milli() {
    date +%s%3N
}

finish() {
    timeout 90 ckpt wait "$job" || fail "$1: ended with $?"
    for file in stdout counter.log counter.tab counter.bin; do
        cmp "$work/undisturbed/$file" "$file"
    done
}

moves() { # POLICY
    local started left
    begin "policy=$1" balance=on
    submit 450
    started=$(milli)
    load "$here" 9
    until_true evicted
    left=$(milli)
    # the job was on the station before we saw it run; a second for that
    [ $((left - started)) -ge $((RESIDENCE * 1000 - 1000)) ] ||
        fail "$1: it left after $((left - started)) ms"
    until_true job_is "$job" running
    [ "$(job_member "$job" station)" = "$there" ] ||
        fail "$1: it is on $(job_member "$job" station), not on $there"
    ckpt log "$job" >"$work/log"
    grep -q '(1) Job was checkpointed' "$work/log" ||
        fail "$1: it lost its work: $(cat "$work/log")"
    finish "$1"
    [ "$(job_member "$job" evictions)" = 1 ] ||
        fail "$1: it was moved $(job_member "$job" evictions) times"
    grep "policy $1 moves it" "$CKPT_POOL/coordinator/log" >/dev/null ||
        fail "$1: the coordinator did not say so"
    echo "$1: left $here after $((left - started)) ms"
    ckpt pool stop >/dev/null
}

ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/undisturbed" "$work/run"
(cd "$work/undisturbed" && "$work/counter" 450 >stdout)
cd "$work/run"

[ $# -gt 0 ] || set -- mosix mpvm watermark offload age
for policy; do
    moves "$policy"
done

# Off, as it is by default: nothing moves.
rm -rf "$CKPT_POOL"
begin policy=age
submit 450
load "$here" 9
sleep $((RESIDENCE + 1))
evicted && fail "balance is off, and it was moved"
finish off
ckpt pool stop >/dev/null

refused() { # WORDS KEY=VALUE...
    local words=$1 settings=() s
    shift
    for s; do settings+=(--set "$s"); done
    if ckpt pool start "${settings[@]}" 2>"$work/says"; then
        fail "$* is not refused"
    fi
    grep -q "$words" "$work/says" || fail "$*: $(cat "$work/says")"
}
for policy in condor butler sprite threshold newborn; do
    refused "never moves a job that runs" "policy=$policy" balance=on
done
refused "a home station runs none" policy=none balance=off
refused "only a simulation can" policy=jsq
refused "only a simulation can" policy=ideal
refused "runs away" policy=adaptive-printed
refused "no such policy" policy=nonsense
refused "bad value" policy=age preempt_after=soon
refused "not FACTOR=LOW:HIGH" watermarks=cpu
