#!/bin/bash
# pool_long.sh - 200 jobs over 5 stations whose owners come and go at random
#
# LONG_SECONDS (600): how long owners come and go; LONG_JOBS (200); CKPT_SEED
# repeats an order.  Each job appends every step it takes to a file and ends by
# adding up what it wrote: a job that was lost, run twice, or went on from the
# wrong place has other files than an undisturbed run.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$top_srcdir/examples/demo/pool.sh"
ends() {
    local status=$?
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null || true
    [ $status -eq 0 ] || tail -n 20 "$work"/pool/*/log
    clean_pool
    return $status
}
trap ends EXIT

RANDOM=${CKPT_SEED:=$$}
jobs=${LONG_JOBS:-200}
seconds=${LONG_SECONDS:-600}
echo "CKPT_SEED=$CKPT_SEED LONG_JOBS=$jobs LONG_SECONDS=$seconds"
stations=(s1 s2 s3 s4 s5)
steps=(200 400 600 800 1000) # of 20 ms

ckpt-cc -O2 -o "$work/home/counter" "$top_srcdir/tests/progs/remote_counter.c"
for n in "${steps[@]}"; do
    mkdir "$work/undisturbed$n"
    (cd "$work/undisturbed$n" && "$work/home/counter" "$n" >stdout) &
done
wait

start_pool idle_start=3s resume_idle=2s suspend_grace=2s vacate_limit=20s \
    poll=200ms negotiation_cycle=500ms checkpoint_every=4s lease=20s \
    >"$work/started"
for ((i = 0; i < jobs; i++)); do
    mkdir "$work/home/job$i"
    cd "$work/home/job$i"
    ckpt submit --out stdout -- ../counter "${steps[i % 5]}"
done | tr -dc '0-9\n' >"$work/ids"
mapfile -t ids <"$work/ids"
[ "${#ids[@]}" -eq "$jobs" ] || fail "${#ids[@]} jobs were queued, not $jobs"

# Owners: away for 4 to 33 s, then at the keyboard for up to 15 s.
end=$((SECONDS + seconds))
owner() { # STATION SEED
    RANDOM=$2
    while [ $SECONDS -lt $end ]; do
        sleep $((RANDOM % 30 + 4))
        owner_types "$1" $((RANDOM % 15 + 1)) || return
        echo "$1" >>"$work/visits"
    done
}
for s in "${stations[@]}"; do owner "$s" "$RANDOM" & done

left() {
    { ckpt q --json 2>/dev/null || true; } | grep -c '"st":' || true
}
while [ $SECONDS -lt $end ] && [ "$(left)" -gt 0 ]; do sleep 5; done
echo "after $((seconds - end + SECONDS)) s $(left) jobs are left"
status=0
timeout 1200 ckpt wait "${ids[@]}" || status=$?
[ $status -eq 0 ] || fail "a job ended with $status: $(ckpt q)"

for ((i = 0; i < jobs; i++)); do
    for file in stdout counter.log counter.tab counter.bin; do
        cmp "$work/undisturbed${steps[i % 5]}/$file" \
            "$work/home/job$i/$file" || fail "job ${ids[i]}: another $file"
    done
    ckpt log "${ids[i]}" >"$work/log"
    [ "$(grep -c '^005' "$work/log")" -eq 1 ] ||
        fail "job ${ids[i]} ended not once: $(cat "$work/log")"
    cat "$work/log" >>"$work/logs"
done
count() { grep -c "$1" "$work/logs" || true; }
echo "$jobs jobs done, all outputs right, each ended once;" \
    "$(wc -l <"$work/visits") visits of owners, $(count '^010') suspensions," \
    "$(count '^004') evictions ($(count '(1) Job was checkpointed') with a" \
    "checkpoint), $(count '^001') starts," \
    "$(grep -c 'lost: now' "$work/pool/home/log" || true) times lost"
grep -h 'lost: now' "$work/pool/home/log" || true
