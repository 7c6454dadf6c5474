# pool_points_common.sh - one run of pool_points.sh: a scenario, and who is
# killed when it comes by a point
#
# Sourced by it, after common.sh: one_run SCENARIO POINT WHEN VICTIM.  A
# scenario brings a transition about by what is done to processes and files of
# the pool, never by telling a daemon that it happened.  In a disturbed run
# things may go another way: the job must end well however.
#
# shellcheck shell=bash

# --- the pool of the run ------------------------------------------------------

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
        cat "$CKPT_POOL"/home/jobs/*/shadow.log; tail -n 60 "$CKPT_POOL"/*/log
    fi
    kill_pool
    clean_pool
    exit $status
}

begin() {
    local words
    [ -z "${begun:-}" ] || return 0
    begun=1
    read -ra words <<<"${settings:-}"
    start_pool suspend_grace=20s idle_start=1s resume_idle=1s vacate_limit=20s \
        poll=100ms negotiation_cycle=200ms checkpoint_every=1s lease=5s \
        "${words[@]}" >"$work/started" 2>&1 || fail "$(cat "$work/started")"
}

# Who is to be killed when a daemon has stopped at the point.
watch_point() {
    local at=$CKPT_TESTPOINT.at pid v
    until [ -s "$at" ]; do sleep 0.05; done
    pid=$(cat "$at")
    while ! grep -q '^State:.T' "/proc/$pid/status" 2>/dev/null; do
        [ -e "/proc/$pid" ] || break
        sleep 0.01
    done
    case $victim in
    self) kill -9 "$pid" ;;
    station) kill_one station.s1 ;;
    *) kill_one "$victim" ;;
    esac
    kill -CONT "$pid" 2>/dev/null || true
    touch "$work/reached"
    # Nothing starts it again but its user.
    if [ "$victim" = master ]; then
        for ((i = 0; i < 20; i++)); do
            ckpt pool start >/dev/null 2>&1 && break
            sleep 0.5
        done
    fi
}
kill_one() {
    local v
    for v in $(victims "$1" 2>/dev/null || true); do
        kill -9 "$v" 2>/dev/null || true
    done
}

# --- what scenarios are made of -----------------------------------------------

again() { await 60 "$@" >/dev/null 2>&1 || fail "$* does not succeed"; }
# What may not come any more, once somebody was killed.
try() { await 6 "$@" >/dev/null 2>&1 || true; }

job_known() { [ -n "$(job_get "$1" st)" ]; }
submit() { # ARGUMENT...: sets job, also when the answer is lost
    local i
    begin
    job=$((${job:-0} + 1))
    for ((i = 0; i < 100; i++)); do
        ckpt submit "$@" >/dev/null 2>&1 && break
        sleep 0.2
        job_known "$job" && break
    done
    job_known "$job" || fail "job $job was not queued"
}
counter() { submit --out stdout --map /var/tmp=local "$@" -- ../home/counter 100; }
is() { job_is "$job" "$@"; }
state_is() { [[ " $* " == *" $(job_get "$job" state) "* ]]; }

files_are_right() {
    local file
    for file in stdout counter.log counter.bin; do
        cmp "$work/undisturbed/$file" "$file" || fail "another $file"
    done
    ckpt log "$job" >"$work/log"
    [ "$(grep -c '^005' "$work/log")" -eq 1 ] ||
        fail "it ended not once: $(cat "$work/log")"
}
ends_well() {
    rm -f stubborn wait refuse
    release_starter
    again is C
    files_are_right
}
ends_removed() { # done before it could be removed is well, too
    again state_is removed completed
    ! state_is completed || files_are_right
}
ends_released() { # held perhaps, and again
    local i
    rm -f stubborn wait
    for ((i = 0; i < 5; i++)); do
        again is H C
        ! is C || break
        again state_is held completed
        is C || ask "I R S C" ckpt release "$job"
    done
    ends_well
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
runs() { again is R C; }

types_at_job() { # SECONDS, in the background
    local station
    station=$(job_get "$job" station)
    owner_types "${station:-s1}" "$1" >/dev/null &
}
station_is() { # NAME STATE
    grep -q "$2 *$" <<<"$(ckpt status --json "$1" | tr ',{}' '\n' |
        sed -n 's/.*"state": *"\([^"]*\)".*/\1/p' | head -n 1)"
}
# The starter stays where it is: "told" before the job is brought, "begun" before
# the shadow hears of it.
hold_starter() { echo "starter $1" >"$CKPT_TESTPOINT.hold"; }
release_starter() { rm -f "$CKPT_TESTPOINT.hold"; }
starter_there() { [ -n "$(victims starter)" ]; }

suspend_daemon() { kill -STOP "$(pid_of "$1")" 2>/dev/null || true; }
continue_daemon() { kill -CONT "$(pid_of "$1")" 2>/dev/null || true; }
job_station() { echo "station.$(job_get "$job" station)"; }

# What the shadow wrote for the home station.
events() { echo "$CKPT_POOL/home/jobs/$job/events"; }
said() { grep -q " $1 " "$(events)"; }
said_more() { # WORD TIMES
    [ "$(grep -c " $1 " "$(events)")" -gt "$2" ]
}
# They were not on the disk when home lost power: those after line $1 that have
# the word $2.
lose_events() {
    local kept
    kept=$(awk -v from="$1" -v w=" $2 " '!(NR > from && index($0, w))' \
        "$(events)" 2>/dev/null) || return 0
    printf '%s\n' "$kept" >"$(events)"
}
lines_of_events() { wc -l <"$(events)" 2>/dev/null || echo 0; }

# --- the scenarios ---------------------------------------------------------------

do_plain() { counter && ends_well; }
do_owner() { counter && runs && types_at_job 1 && ends_well; }
do_idle_owner() {
    begin && again station_is s1 Idle && owner_types s1 1
    counter && ends_well
}
do_evict() {
    settings=suspend_grace=200ms
    counter && runs && types_at_job 3 && ends_well
}
do_vacate() { counter && runs && { ckpt vacate "$job" || true; } && ends_well; }
do_station_vacate() {
    counter && runs && { ckpt vacate "$(job_get "$job" station)" || true; }
    ends_well
}
do_hold() {
    counter && runs && ask "H C" ckpt hold "$job" && ends_released
}
do_rm() { counter && runs && ask "X C" ckpt rm "$job" && ends_removed; }
do_lost() { counter && runs && kill_one starter && ends_well; }
do_running_fault() {
    settings=start_attempts=1
    counter && runs && kill_one job && ends_released
}
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

# Nobody takes it.
do_idle_hold() {
    counter --require 'name == "nowhere"' && ask H ckpt hold "$job" &&
        ask I ckpt release "$job" && ask H ckpt hold "$job" &&
        ask X ckpt rm "$job"
}
do_idle_rm() { counter --require 'name == "nowhere"' && ask X ckpt rm "$job"; }
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

# Starting, for as long as the starter is held.
starts() { # told|begun
    hold_starter "$1" && counter && try starter_there
}
do_starting_vacate() {
    starts told && { ckpt vacate "$job" || true; } && ends_well
}
do_starting_hold() {
    starts told && ask "H C" ckpt hold "$job" && release_starter
    ends_released
}
do_starting_rm() {
    starts told && ask "X C" ckpt rm "$job" && release_starter
    ends_removed
}
do_starting_lost() {
    starts told && kill_one starter && try state_is idle && ends_well
}
vacating_now() { grep -q -- '-> Vacating' "$CKPT_POOL"/station.*/log; }
do_starting_evicted() {
    settings=suspend_grace=200ms
    starts told && types_at_job 3 && try vacating_now && ends_well
}
# Its station took the claim back before it was told to start it: by no
# accident, so it is not lost.
do_starting_taken() {
    [ "$point" = none ] || { counter && ends_well && return; }
    echo "job idle matched after" >"$CKPT_TESTPOINT"
    counter && again test -s "$CKPT_TESTPOINT.at"
    owner_types s1 1 && owner_types s2 1
    sleep 0.5
    kill -CONT "$(cat "$CKPT_TESTPOINT.at")" && ends_well
    ! grep 'lost: now' "$CKPT_POOL/home/log" || fail "it counts as lost"
    grep -q 'evicted: now idle' "$CKPT_POOL/home/log" ||
        fail "its station kept the claim"
}
do_starting_events() { # the program is there before its starter has said so
    touch deny && starts begun && try said denied && try said checkpointed
    try state_is_noted && ends_well
}
# Nobody told home of the start, for the shadow was killed: the next one does.
do_starting_shadow() {
    touch wait && starts begun && kill_one shadow && sleep 1
    release_starter
    again state_is running completed
    ends_well
}
state_is_noted() { ckpt log "$job" | grep -q nobody-granted; }
# The news of its start was lost, and it ended, or was suspended.
do_starting_exited() {
    starts told && suspend_daemon home && release_starter
    try test -e "$CKPT_POOL/home/jobs/$job/exit"
    lose_events 0 started && continue_daemon home && ends_well
}
do_starting_owner() {
    local station
    starts told && station=$(job_get "$job" station)
    suspend_daemon home && release_starter && try said started
    owner_types "${station:-s1}" 3 >/dev/null &
    try said suspended
    lose_events 0 started && continue_daemon home && ends_well
}
unstartable() {
    echo 'this is no program' >program && chmod +x program
    hold_starter told && submit -- ./program && try starter_there
}
do_unstartable() {
    settings=start_attempts=2
    unstartable && release_starter && again is H && ask X ckpt rm "$job"
}
# While its station cannot be reached to take it back.
leaves_unstarted() { # COMMAND STATE: then its program proves to be none
    local station
    settings=start_attempts=2
    unstartable && station=$(job_station) && suspend_daemon "$station"
    ckpt "$1" "$job" >/dev/null 2>&1 || true
    try state_is "$2" && release_starter
    try state_is idle held removed && continue_daemon "$station"
}
do_vacating_unstarted() {
    leaves_unstarted vacate vacating && again is H && ask X ckpt rm "$job"
}
do_holding_unstarted() {
    leaves_unstarted hold holding && again is H && ask X ckpt rm "$job"
}
do_removing_unstarted() {
    leaves_unstarted rm removing && ask X ckpt rm "$job"
    again state_is removed
}

suspended() {
    settings="suspend_grace=30s ${settings:-}"
    counter && runs && types_at_job 3 && again is S C
}
do_suspended_vacate() {
    suspended && { ckpt vacate "$job" || true; } && ends_well
}
do_suspended_hold() {
    suspended && ask "H C" ckpt hold "$job" && ends_released
}
do_suspended_rm() { suspended && ask "X C" ckpt rm "$job" && ends_removed; }
do_suspended_lost() { suspended && kill_one starter && ends_well; }
do_suspended_fault() {
    settings=start_attempts=1
    suspended && kill_one job && ends_released
}
# The news of its going on were lost.
do_suspended_events() {
    local lines checkpoints
    touch wait && suspended && suspend_daemon home
    lines=$(lines_of_events)
    checkpoints=$(grep -c ' checkpointed ' "$(events)" 2>/dev/null) || true
    try said resumed
    touch deny && try said denied
    try said_more checkpointed "${checkpoints:-0}"
    rm -f wait && try test -e "$CKPT_POOL/home/jobs/$job/exit"
    lose_events "$lines" resumed && continue_daemon home && ends_well
}

# Leaving, for as long as the program allows no checkpoint.
leaving() { # COMMAND STATE
    touch stubborn wait && counter && runs
    ckpt "$1" "$job" >/dev/null 2>&1 || true
    try state_is "$2"
}
noted() { touch deny && try said denied && try state_is_noted; }
vacating() { leaving vacate vacating; }
do_vacating_exited() {
    vacating && noted && rm -f wait && try is C && ends_well
}
do_vacating_lost() { vacating && kill_one starter && ends_well; }
do_vacating_fault() {
    settings=start_attempts=1
    vacating && kill_one job && ends_released
}
do_vacating_hold() {
    vacating && ask "H C" ckpt hold "$job" && ends_released
}
do_vacating_rm() { vacating && ask "X C" ckpt rm "$job" && ends_removed; }
holding() { leaving hold holding; }
do_holding_exited() {
    holding && noted && rm -f wait && try is C && ends_released
}
do_holding_lost() { holding && kill_one starter && ends_released; }
do_holding_fault() {
    settings=start_attempts=1
    holding && kill_one job && ends_released
}
do_holding_release() {
    holding && ask "I R S C" ckpt release "$job" && ends_well
}
do_holding_rm() { holding && ask "X C" ckpt rm "$job" && ends_removed; }

# Being removed, for as long as its station cannot be told.
removing() {
    touch wait && counter && runs
    station=$(job_station)
    suspend_daemon "$station"
    ckpt rm "$job" >/dev/null 2>&1 || true
    try state_is removing
}
removed() { try state_is removed; continue_daemon "$station"; ends_removed; }
do_removing_exited() {
    removing && touch deny && try said denied
    try said_more checkpointed "$(grep -c ' checkpointed ' "$(events)")"
    rm -f wait && removed
}
do_removing_lost() { removing && kill_one starter && removed; }
do_removing_fault() {
    settings=start_attempts=1
    removing && kill_one job && removed
}

# The coordinator wants it elsewhere, and it can make no checkpoint.
busy() { # STATION RUNNABLE: what the kernel of that machine says
    mkdir -p "$work/proc.$1/pressure"
    printf 'cpu 100 0 100 1000 0 0 0 0\ncpu0 50 0 50 500 0 0 0 0\n%s\n' \
        "cpu1 50 0 50 500 0 0 0 0
procs_running $2" >"$work/proc.$1/new"
    echo 'some avg10=0.00 avg60=0.00 avg300=0.00 total=0' \
        >"$work/proc.$1/pressure/cpu"
    printf 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n' \
        >"$work/proc.$1/meminfo"
    mv "$work/proc.$1/new" "$work/proc.$1/stat"
}
stayed() { grep -q 'stays: now running' "$CKPT_POOL/home/log"; }
do_vacating_stays() {
    local station
    settings="policy=mosix balance=on load_from.s1=$work/proc.s1
        load_from.s2=$work/proc.s2 residence=1s info_period=300ms
        candidate=10ms"
    settings=$(tr '\n' ' ' <<<"$settings")
    busy s1 1 && busy s2 1 && touch wait stubborn && counter && runs
    station=$(job_get "$job" station)
    busy "${station:-s1}" 9
    await 15 state_is vacating || true
    touch refuse && sleep 0.2 && rm -f stubborn
    try stayed
    busy s1 1 && busy s2 1 && ends_well
}

one_run() {
    scenario=$1 point=$2 when=$3 victim=$4
    . "$top_srcdir/examples/demo/pool.sh"
    . "$top_srcdir/tests/system/pool_victims.sh"
    trap run_ends EXIT
    stations=(s1 s2)
    ln "$PROGRAM" "$work/home/counter"
    cp -r "$UNDISTURBED" "$work/undisturbed"
    mkdir "$work/run" && cd "$work/run"
    export CKPT_TESTPOINT=$work/point
    if [ "$point" != none ]; then
        echo "$point $when" >"$CKPT_TESTPOINT"
        watch_point &
        watcher=$!
    fi
    "do_$scenario"
    if [ "$point" = none ]; then
        sort -u "$CKPT_TESTPOINT.log" >"$RESULTS/$scenario.points"
    elif [ -e "$work/reached" ]; then
        echo "$victim" >>"$RESULTS/reached"
    else
        echo "$scenario: $point $when" >>"$RESULTS/missed"
    fi
}
