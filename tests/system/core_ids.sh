#!/bin/bash
# core_ids.sh - ids that are kept over a restart, and what ckpt restart does as
# the program's parent: hand on signals, stop and end as the program does
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc cc
cd "$work"

cat >ids.c <<'END'
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t value, end;
static void take(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (sig == SIGTERM)
        end = 1;
    else
        value = info->si_value.sival_int;
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
    pid_t pid = getpid();
    long count = 0;
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);

    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    while (!end) {
        usleep(10000);
        dprintf(log, "%s %ld %d\n", pid == getpid() ? "same" : "other",
                ++count, value);
    }
    return 7;
}
END
ckpt-cc -O1 -o ids ids.c

pids=()
trap 'kill -9 ${pids[@]} 2>/dev/null || true; cleanup' EXIT

# The word $2 of the last line is at least $3 soon.
await_log() {
    for ((i = 0; i < 500; i++)); do
        [ "$(tail -1 log 2>/dev/null | cut -d' ' -f"$1")" = "$2" ] && return
        sleep 0.02
    done
    fail "$3: $(tail -1 log)"
}

count() { tail -1 log | cut -d' ' -f2; }

# It writes on within 5 s
await_progress() {
    local before
    before=$(count)
    for ((i = 0; i < 250; i++)); do
        [ "$(count)" != "$before" ] && return
        sleep 0.02
    done
    fail "$1: it does not go on"
}

await_stop() {
    local before now
    before=$(count)
    for ((i = 0; i < 50; i++)); do
        sleep 0.3
        now=$(count)
        [ "$now" = "$before" ] && return
        before=$now
    done
    fail "$1: it does not stop"
}

restart() {
    ckpt restart "$@" >/dev/null 2>err &
    pid=$!
    pids+=("$pid")
    await_progress "restart $*: $(cat err)"
    ! grep -q other log || fail "restart $*: it has another id: $(cat err)"
}

await_end() {
    status=0
    wait "$pid" || status=$?
    [ $status -eq "$1" ] || fail "$2: ended with $status"
}

: >log
./ids >/dev/null 2>&1 &
pid=$! first=$!
pids+=("$pid")
await_progress start
ckpt checkpoint $pid >/dev/null

# while the first one still runs, its ids are not free: a namespace, or refused
cp ids.ckpt second.ckpt
mkdir second
if ckpt restart --ids keep second.ckpt >/dev/null 2>err & other=$!; sleep 0.5; kill -0 $other 2>/dev/null; then
    ckpt checkpoint $other --image "$work/third.ckpt" >/dev/null ||
        fail "a program in a namespace is not checkpointed"
    kill -9 $other
    wait $other 2>/dev/null || true
    echo "two at once: in a namespace"
else
    grep -q "ids cannot be kept" err || fail "two at once: $(cat err)"
    echo "two at once: $(cat err)"
fi
kill -9 $first
wait $first 2>/dev/null || true

if ! ckpt restart --ids keep ids.ckpt >/dev/null 2>err & then :; fi
pid=$!
sleep 0.5
if ! kill -0 $pid 2>/dev/null; then
    grep -q "ids cannot be kept" err || fail "keep: $(cat err)"
    echo "skipped: $(cat err)"
    exit 77
fi
pids+=("$pid")
await_progress keep
! grep -q other log || fail "keep: it has another id"

# signals, with their values, and the other way to stop and go on
kill -STOP $pid
await_stop "SIGSTOP"
kill -CONT $pid
await_progress "SIGCONT"
# in a group without a parent in the session nothing stops by SIGTSTP
sleep 60 &
sleeper=$!
pids+=("$sleeper")
kill -TSTP $sleeper
sleep 0.2
if grep -q '^State:.T' /proc/$sleeper/status; then
    kill -TSTP $pid
    await_stop "SIGTSTP"
    grep -q '^State:.T' "/proc/$pid/status" || fail "SIGTSTP: ckpt restart goes on"
    kill -CONT $pid
    await_progress "SIGCONT after SIGTSTP"
else
    echo "SIGTSTP: not tried, the process group is orphaned"
fi
kill -9 $sleeper
/bin/kill -USR1 -q 42 $pid
await_log 3 42 "a signal's value"

# a second checkpoint and a restart of the restart
ckpt checkpoint $pid --exit >/dev/null || fail "no second checkpoint"
await_end 85 "checkpoint --exit"
restart ids.ckpt
[ "$(tail -1 log | cut -d' ' -f3)" = 42 ] || fail "the value was lost"
# by its own id
ckpt checkpoint $first --exit >/dev/null || fail "not found by its own id"
await_end 85 "checkpoint --exit by its own id"

restart ids.ckpt
kill $pid
await_end 7 SIGTERM
restart ids.ckpt
kill -ALRM $pid
await_end 142 SIGALRM
# killed with its parent
restart ids.ckpt
kill -9 $pid
await_end 137 SIGKILL
await_stop "SIGKILL"

# in place: the same process, another id
ckpt restart --ids new ids.ckpt >/dev/null &
pid=$!
pids+=("$pid")
await_log 1 other "--ids new"
kill $pid
await_end 7 "SIGTERM, in place"
echo "ids: kept over restarts"

# where namespaces are forbidden: new ids, and it is said; or refused
forbidden() {
    # shellcheck disable=SC2016
    unshare --user --map-root-user sh -c '
        echo 0 >/proc/sys/user/max_user_namespaces &&
            exec setpriv --inh-caps=-all --bounding-set=-all "$@"' sh "$@"
}
if forbidden true 2>/dev/null; then
    rm -f err
    status=0
    forbidden ckpt restart --ids keep ids.ckpt >/dev/null 2>err || status=$?
    [ $status -eq 1 ] || fail "forbidden, keep: $status"
    grep -q "ids cannot be kept" err || fail "forbidden, keep: $(cat err)"
    forbidden ckpt restart ids.ckpt >/dev/null 2>err &
    pid=$!
    pids+=("$pid")
    for ((i = 0; i < 250; i++)); do
        ! grep -q "new process and thread ids" err || break
        sleep 0.02
    done
    grep -q "new process and thread ids" err || fail "forbidden: $(cat err)"
    await_progress "forbidden"
    kill -9 "$(pgrep -P $pid)" $pid 2>/dev/null || true
    wait $pid || true
    echo "forbidden: $(cat err)"
else
    echo "forbidden: not tried, no user namespaces here"
fi

# python's asyncio compares its process id with the one at the loop's start
case $top_builddir in *[\ :]*) exit 0 ;; esac # preloading needs a plain path
command -v python3 >/dev/null || exit 0
cat >loop.py <<'END'
import asyncio
async def main():
    for i in range(20):
        await asyncio.sleep(0.05)
        print(i, flush=True)
asyncio.run(main())
END
ckpt run --fresh python3 loop.py >out 2>err &
pid=$!
pids+=("$pid")
for ((i = 0; i < 500; i++)); do
    ! grep -q '^3$' out || break
    sleep 0.02
done
ckpt checkpoint $pid --exit >/dev/null
await_end 85 "asyncio: checkpoint --exit"
ckpt run python3 loop.py >>out 2>err || fail "asyncio: $(cat err)"
[ "$(tail -1 out)" = 19 ] || fail "asyncio: $(cat out err)"
echo "asyncio: went on"
