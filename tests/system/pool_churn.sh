#!/bin/bash
# pool_churn.sh - everything of a pool is killed at random, again and again;
# every job's output is right, none is lost, none runs twice
#
# CHURN_SECONDS (60): how long; CHURN_JOBS (9); CKPT_SEED repeats an order.
# The program appends to one of its files: a second run of anything would show.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/pool_victims.sh"
chmod 711 "$work"

RANDOM=${CKPT_SEED:=$$}
echo "CKPT_SEED=$CKPT_SEED"
jobs=${CHURN_JOBS:-9}
steps=800

mkdir "$work/undisturbed" "$work/scratch"
chmod 711 "$work/scratch"
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
(cd "$work/undisturbed" && ../counter $steps >stdout)

pool_start 3 --set checkpoint_every=1s --set lease=5s \
    --set "scratch=$work/scratch"
ids=()
for ((i = 0; i < jobs; i++)); do
    mkdir "$work/job$i"
    ids+=("$(cd "$work/job$i" &&
        ckpt submit --out stdout -- ../counter $steps | tr -dc 0-9)")
done

kinds=(shadow starter job station.s1 station.s2 station.s3 home coordinator)
kills=0
end=$((SECONDS + ${CHURN_SECONDS:-60}))
while [ $SECONDS -lt $end ]; do
    sleep "$((RANDOM % 2)).$((RANDOM % 10))"
    for pid in $(victims "${kinds[RANDOM % ${#kinds[@]}]}" || true); do
        kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
    done
done
until_true ckpt q
status=0
timeout 240 ckpt wait "${ids[@]}" || status=$?
ckpt history
[ "$status" -eq 0 ] || fail "a job ended with $status: $(ckpt q)"
for ((i = 0; i < jobs; i++)); do
    for file in stdout counter.log counter.tab counter.bin; do
        cmp "$work/undisturbed/$file" "$work/job$i/$file"
    done
done
echo "$kills processes killed, $jobs outputs right"
