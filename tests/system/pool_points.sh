#!/bin/bash
# pool_points.sh - daemons are killed at each transition of the tables of job
# and station states, before and after it is written down
#
#     POINTS=N       only N of the runs, evenly spread
#     POINT_ONLY='SCENARIO|POINT|WHEN|VICTIM'   one of them
#     POINTS_AT_ONCE=2
#
# First each scenario runs undisturbed and notes which points it passes
# (scheduler/pool/testpoint.h).  Then, for each transition of the tables
# (tests/unit/transitions prints them), the daemon that makes it stops there,
# before and after; it is killed, or another of the pool's processes is and it
# goes on.  However it went, the job ends as the scenario says, with the files of
# an undisturbed run.  A transition that is neither passed by a scenario nor
# listed below is an error.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
list=$top_builddir/tests/unit/transitions
need_command "$list"

# Transitions that need an accident within milliseconds, or a program that
# refuses its checkpoint at the right moment.
not_driven='
job idle fault
job starting not-started
job starting owner-back
job starting vacate
job starting checkpointed
job starting note
job starting evicted
job starting lost
job starting exited
job starting hold
job starting remove
job running evicted
job running fault
job suspended checkpointed
job suspended note
job suspended exited
job suspended fault
job vacating not-started
job vacating note
job vacating lost
job vacating exited
job vacating fault
job vacating hold
job vacating remove
job vacating stays
job holding not-started
job holding note
job holding lost
job holding exited
job holding fault
job holding release
job holding remove
job removing not-started
job removing checkpointed
job removing note
job removing lost
job removing exited
job removing fault
station Vacating stay
'
scenarios='plain owner evict vacate hold idle_hold idle_rm rm fault lost
suspended_vacate suspended_hold suspended_rm suspended_lost after after_rm
after_fails'
victims=(self shadow starter station home coordinator)

# --- one run: "$0" SCENARIO POINT WHEN VICTIM, in its own directory ----------

pid_of() { tr -cd 0-9 <"$CKPT_POOL/$1/lock"; }

kill_pool() {
    local lock pid
    for lock in "$CKPT_POOL"/master/lock "$CKPT_POOL"/*/lock; do
        pid=$(tr -cd 0-9 <"$lock" 2>/dev/null) || continue
        [ -n "$pid" ] && grep -qaF "$CKPT_POOL" "/proc/$pid/cmdline" \
            2>/dev/null && kill -9 "$pid" 2>/dev/null
    done
    for pid in $(pgrep -f "^[^ ]*ckpt-(shadow|starter) .*$work"); do
        kill -9 "$pid" 2>/dev/null
    done
}

run_ends() {
    local status=$?
    set +e
    [ -z "${watcher:-}" ] || kill "$watcher" 2>/dev/null
    if [ $status -ne 0 ]; then
        echo "== $scenario: $point $when, $victim killed"
        tail -n 15 "$CKPT_POOL"/*/log
    fi
    kill_pool
    clean_pool
    exit $status
}

stopped_daemon() {
    local lock pid
    for lock in "$CKPT_POOL"/*/lock; do
        pid=$([ -e "$lock" ] && tr -cd 0-9 <"$lock") || continue
        if grep -q '^State:.T' "/proc/$pid/status" 2>/dev/null; then
            basename "$(dirname "$lock")"
            return
        fi
    done
}

# When a daemon stops at the point, kill whom we want.
watch_point() {
    local who pid
    until who=$(stopped_daemon) && [ -n "$who" ]; do sleep 0.05; done
    pid=$(pid_of "$who")
    [ "$victim" != self ] || victim=$who
    [ "$victim" != station ] || victim=station.s1
    for v in $(victims "$victim" 2>/dev/null || true); do
        kill -9 "$v" 2>/dev/null || true
    done
    kill -CONT "$pid" 2>/dev/null || true
    touch "$work/reached"
}

again() { await 40 "$@" >/dev/null 2>&1 || fail "$* does not succeed"; }

submit() { # SUBMIT ARGUMENT...: the job's number, also when the answer is lost
    local before=$next
    next=$((next + 1))
    for ((i = 0; i < 100; i++)); do
        ckpt submit "$@" >/dev/null 2>&1 && break
        sleep 0.2
        job_known "$next" && break
    done
    job_known "$next" || fail "job $next was not queued after $before"
    job=$next
}
job_known() {
    [ -n "$(job_get "$1" st)" ]
}
counter() {
    submit --out stdout --log log "$@" -- ../home/counter 100
}
is() { job_is "$job" "$@"; }

ends_well() { # the last job, and its files
    again is C
    for file in stdout counter.log counter.tab counter.bin; do
        cmp "$work/undisturbed/$file" "$file" || fail "another $file"
    done
    ckpt log "$job" >"$work/log"
    [ "$(grep -c '^005' "$work/log")" -eq 1 ] ||
        fail "it ended not once: $(cat "$work/log")"
}
# A command that may have been done though its answer was lost.
ask() { # STATES COMMAND...
    local states=$1 i
    shift
    for ((i = 0; i < 200; i++)); do
        "$@" >/dev/null 2>&1 || true
        # shellcheck disable=SC2086
        is $states && return
        sleep 0.2
    done
    fail "$*: the job is $(job_get "$job" st), not $states"
}
types_at_job() { # SECONDS, in the background
    owner_types "$(job_get "$job" station)" "$1" >/dev/null &
}

do_plain() { counter && ends_well; }
do_owner() { counter && again is R C && types_at_job 1 && ends_well; }
do_evict() {
    settings=suspend_grace=200ms
    begin && counter && again is R C && types_at_job 3 && ends_well
}
do_vacate() {
    counter && again is R C && { ckpt vacate "$job" || true; } && ends_well
}
do_hold() {
    counter && again is R C && ask "H C" ckpt hold "$job" &&
        ask "I R S C" ckpt release "$job" && ends_well
}
do_idle_hold() {
    counter --require 'name == "nowhere"' && ask H ckpt hold "$job" &&
        ask I ckpt release "$job" && ask H ckpt hold "$job" &&
        ask X ckpt rm "$job"
}
do_idle_rm() { counter --require 'name == "nowhere"' && ask X ckpt rm "$job"; }
do_rm() { counter && again is R C && ask "X C" ckpt rm "$job"; }
do_fault() {
    cp ../home/counter program
    submit --out stdout --require 'cpus > 0' -- ./program 100
    again is R C S
    ask "H C" ckpt hold "$job" && rm -f program stdout
    mkdir stdout && ask "I R S H C" ckpt release "$job"
    again is H C
    rmdir stdout 2>/dev/null || true
    cp ../home/counter program
    ask "I R S C" ckpt release "$job" && again is C
}
do_lost() { counter && again is R C && kill_one starter && ends_well; }
kill_one() {
    for v in $(victims "$1" || true); do kill -9 "$v" 2>/dev/null || true; done
}
suspended() {
    settings=suspend_grace=30s
    begin && counter && again is R C && types_at_job 3 && again is S C
}
do_suspended_vacate() {
    suspended && { ckpt vacate "$job" || true; } && ends_well
}
do_suspended_hold() {
    suspended && ask "H C" ckpt hold "$job" &&
        ask "I R S C" ckpt release "$job" && ends_well
}
do_suspended_rm() { suspended && ask "X C" ckpt rm "$job"; }
do_suspended_lost() { suspended && kill_one starter && ends_well; }
do_after() { counter && counter --after 1 --name second; again is C; }
do_after_rm() {
    counter --require 'name == "nowhere"'
    counter --after 1 && ask H ckpt hold "$job" && ask X ckpt rm "$job"
    counter --after 1 && ask X ckpt rm "$job"
}
do_after_fails() {
    counter --require 'name == "nowhere"'
    counter --after 1
    job=1 && ask X ckpt rm 1
    job=2 && again is H
}

begin() {
    [ -z "${begun:-}" ] || return 0
    begun=1
    start_pool idle_start=1s resume_idle=1s vacate_limit=20s poll=100ms \
        negotiation_cycle=200ms checkpoint_every=1s lease=5s \
        "${settings:-suspend_grace=20s}" >"$work/started" 2>&1 ||
        fail "$(cat "$work/started")"
}

one_run() {
    scenario=$1 point=$2 when=$3 victim=$4
    . "$top_srcdir/examples/demo/pool.sh"
    . "$top_srcdir/tests/system/pool_victims.sh"
    trap run_ends EXIT
    stations=(s1 s2)
    next=0
    ln "$COUNTER" "$work/home/counter"
    cp -r "$UNDISTURBED" "$work/undisturbed"
    mkdir "$work/run" && cd "$work/run"
    export CKPT_TESTPOINT=$work/point
    if [ "$point" != none ]; then
        echo "$point $when" >"$CKPT_TESTPOINT"
        watch_point &
        watcher=$!
    fi
    case $scenario in evict | suspended*) ;; *) begin ;; esac
    "do_$scenario"
    if [ "$point" = none ]; then
        sort -u "$CKPT_TESTPOINT.log" >"$RESULTS/$scenario.points"
    elif [ -e "$work/reached" ]; then
        echo reached >>"$RESULTS/reached"
    else
        echo "$scenario: $point $when" >>"$RESULTS/missed"
    fi
}

if [ -n "${RESULTS:-}" ]; then
    one_run "$@"
    exit 0
fi

# --- all of them --------------------------------------------------------------

export RESULTS=$work/results UNDISTURBED=$work/undisturbed
export COUNTER=$work/counter
chmod 711 "$work"
mkdir "$RESULTS" "$UNDISTURBED"
ckpt-cc -O2 -o "$COUNTER" "$top_srcdir/tests/progs/remote_counter.c"
(cd "$UNDISTURBED" && "$COUNTER" 100 >stdout)
run_all() { # lines "SCENARIO|POINT|WHEN|VICTIM" on standard input
    tr '|' '\n' | TMPDIR=$work xargs -d '\n' -n 4 \
        -P "${POINTS_AT_ONCE:-2}" timeout 200 bash "$0" >"$work/said" 2>&1
}

if [ -n "${POINT_ONLY:-}" ]; then
    echo "$POINT_ONLY" | run_all || fail "$(cat "$work/said")"
    cat "$RESULTS"/* 2>/dev/null
    exit 0
fi
for s in $scenarios; do echo "$s|none|none|none"; done | run_all ||
    fail "undisturbed: $(cat "$work/said")"

index=0
"$list" | while read -r point; do
    s=$(cd "$RESULTS" && grep -lE "^$point (before|after)\$" ./*.points |
        head -n 1 | sed 's|./\(.*\).points|\1|') || true
    if [ -z "$s" ]; then
        grep -qxF "$point" <<<"$not_driven" || echo "$point" >>"$work/forgotten"
        continue
    fi
    for when in before after; do
        grep -qx "$point $when" "$RESULTS/$s.points" || continue
        echo "$s|$point|$when|self"
        index=$((index + 1))
        other=${victims[index % (${#victims[@]} - 1) + 1]}
        echo "$s|$point|$when|$other"
    done
done >"$work/runs"
[ ! -s "$work/forgotten" ] ||
    fail "no scenario for: $(cat "$work/forgotten")"
total=$(wc -l <"$work/runs")
if [ "${POINTS:-0}" -gt 0 ] && [ "$POINTS" -lt "$total" ]; then
    awk -v n="$POINTS" -v t="$total" \
        'int(NR * n / t) != int((NR - 1) * n / t)' "$work/runs" >"$work/some"
    mv "$work/some" "$work/runs"
fi
runs=$(wc -l <"$work/runs")
run_all <"$work/runs" || fail "$(cat "$work/said")"
reached=$(wc -l <"$RESULTS/reached")
missed=$((runs - reached))
[ ! -e "$RESULTS/missed" ] || cat "$RESULTS/missed"
[ $missed -le $((runs / 10)) ] || fail "$missed of $runs points not reached"
echo "$(cut -d'|' -f2 "$work/runs" | sort -u | wc -l) of" \
    "$("$list" | wc -l) transitions, $runs kills at them ($missed points" \
    "not passed the second time), all jobs ended as they had to"
