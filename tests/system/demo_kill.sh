#!/bin/bash
# demo_kill.sh - the main job survives kill -9 of everything around it
#
# The demo's job, computing for about $DEMO_SECONDS, while one after the other
# in random order the job, its shadow, its starter, every station, the home
# station and the coordinator are killed with SIGKILL at random moments.  The
# outputs are the same as an undisturbed run's.  CKPT_SEED repeats an order.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
pkg-config --exists gsl || skip "no GNU Scientific Library (libgsl-dev)"
. "$top_srcdir/examples/demo/pool.sh"
reference=
leave() {
    [ -z "$reference" ] || kill "$reference" 2>/dev/null || true
    clean_pool
}
trap leave EXIT

seed=${CKPT_SEED:-$$}
RANDOM=$seed
seconds=${DEMO_SECONDS:-12}
rounds=${DEMO_ROUNDS:-1}
echo "CKPT_SEED=$seed"

# The processes, of this pool alone, whose command line holds both words.
find_processes() {
    local dir
    for dir in /proc/[0-9]*; do
        tr '\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -F -- "$1" |
            grep -qF -- "$work" && echo "${dir#/proc/}"
    done
    true
}

# `pool status` exits with 1 while a daemon that was killed is not back.
daemon_pid() {
    { ckpt pool status || true; } |
        sed -nE "s/^ *$1 +process ([0-9]+).*/\1/p"
}

pids_of() {
    local starter
    case $1 in
    shadow) find_processes ckpt-shadow ;;
    starter) find_processes ckpt-starter ;;
    job)
        for starter in $(find_processes ckpt-starter); do
            tr ' ' '\n' 2>/dev/null \
                <"/proc/$starter/task/$starter/children" | grep . || true
        done
        ;;
    *) daemon_pid "$1" ;;
    esac
}

kill_one() {
    local pid pids
    pids=$(pids_of "$1")
    for pid in $pids; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    echo "${SECONDS}s: killed $1: ${pids:-nobody}" | tr "\n" " "
    echo
}

in_random_order() {
    local word
    for word in "$@"; do echo "$((RANDOM * 32768 + RANDOM)) $word"; done |
        sort -n | sed 's/.* //'
}

cp "$example/../nbody-gsl/nbody.c" "$work/home"
cd "$work/home"
ckpt-cc -O2 -o nbody nbody.c -lgsl -lgslcblas -lm
make_input "$seconds"
mkdir "$work/undisturbed"
(cd "$work/undisturbed" && exec ../home/nbody ../home/cluster.in >stdout) &
reference=$!

start_pool checkpoint_every=2s lease=4s >"$work/started"
job=$(ckpt submit --out stdout --err stderr -- ./nbody cluster.in | tr -dc 0-9)
await 60 job_is "$job" R || fail "job $job does not start: $(ckpt why "$job")"

victims=(job shadow starter "${stations[@]/#/station.}" home coordinator)
for _ in $(seq "$rounds"); do
    for victim in $(in_random_order "${victims[@]}"); do
        await 30 job_is "$job" R C || true
        sleep "$((RANDOM % 3)).$((RANDOM % 10))"
        ! job_is "$job" C || break 2
        kill_one "$victim"
    done
done

status=0
timeout 180 ckpt wait "$job" || status=$?
ckpt log "$job"
[ "$status" -eq 0 ] || fail "job $job ended with status $status"
wait "$reference"
reference=
for file in stdout trajectory.csv run.log summary.dat density.pgm; do
    cmp "$work/undisturbed/$file" "$work/home/$file"
done
echo "the same output as that of an undisturbed run"
