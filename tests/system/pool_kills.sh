#!/bin/bash
# pool_kills.sh - job, shadow and station are killed at random instants, while
# programs append, overwrite, truncate, rename and unlink: the files are the
# same as those of an undisturbed run
#
# KILLS (20): how many, in KILL_SECONDS (300) at most, and at least KILLS_LEAST
# (1); STEPS (by KILLS) of each program, which then has WAIT_SECONDS (400) to
# end; CKPT_SEED repeats an order.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/pool_victims.sh"
chmod 711 "$work"

RANDOM=${CKPT_SEED:=$$}
wanted=${KILLS:-20}
jobs=4
steps=${STEPS:-$((400 + wanted * 25))}
echo "CKPT_SEED=$CKPT_SEED KILLS=$wanted"

mkdir "$work/scratch"
chmod 711 "$work/scratch"
ckpt-cc -O2 -w -o "$work/changes" "$top_srcdir/tests/progs/remote_changes.c"
for ((i = 0; i < jobs; i++)); do
    mkdir "$work/undisturbed$i"
    (cd "$work/undisturbed$i" && ../changes "$steps" $i >stdout 2>stderr) &
done

pool_start $jobs --set checkpoint_every=1s --set lease=5s --set start_attempts=1000 \
    --set "scratch=$work/scratch"
ids=()
for ((i = 0; i < jobs; i++)); do
    mkdir "$work/job$i"
    ids+=("$(cd "$work/job$i" &&
        ckpt submit --out stdout --err stderr -- ../changes "$steps" $i | tr -dc 0-9)")
done

# A station that is killed takes its job with it for a while: less often.
kinds=(shadow shadow shadow shadow shadow shadow job job station)
declare -A count
kills=0
end=$((SECONDS + ${KILL_SECONDS:-300}))
while [ $kills -lt "$wanted" ] && [ $SECONDS -lt $end ]; do
    [ "$(ckpt q --json "${ids[@]}" | grep -c '"state"')" -gt 0 ] || break
    sleep "0.$((RANDOM % 4))"
    kind=${kinds[RANDOM % ${#kinds[@]}]}
    [ "$kind" != station ] || kind=station.s$((RANDOM % jobs + 1))
    for pid in $(victims "$kind" || true); do
        kill -9 "$pid" 2>/dev/null || continue
        kills=$((kills + 1))
        kind=${kind%.*}
        count[$kind]=$((${count[$kind]:-0} + 1))
    done
done
status=0
timeout "${WAIT_SECONDS:-400}" ckpt wait "${ids[@]}" || status=$?
[ "$status" -eq 0 ] ||
    fail "a job ended with $status: $(ckpt history; cat "$work"/job?/stderr)"
wait
for ((i = 0; i < jobs; i++)); do
    diff -r "$work/undisturbed$i" "$work/job$i" ||
        fail "job $i: other files than those of an undisturbed run"
done
[ "$kills" -ge "${KILLS_LEAST:-1}" ] || fail "only $kills kills"
resumed=$(grep -c 'was killed$' "$CKPT_POOL/home/log") || true
back=$(grep -c 'lost: now idle' "$CKPT_POOL/home/log") || true
for kind in "${!count[@]}"; do
    echo "$kind killed ${count[$kind]} times"
done
echo "$kills kills; $resumed shadows went on in place, $back times a job went" \
    "back to its image; $jobs jobs of $steps steps, all files as undisturbed"
