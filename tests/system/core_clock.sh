#!/bin/bash
# core_clock.sh - the program's clocks do not run back on a machine that was
# started later; a time namespace plays the machine that was started earlier
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc cc unshare
cd "$work"

cat >clock.c <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* A deadline by CLOCK_MONOTONIC comes when it should. */
static int await_deadline(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += 2;
    long long begin = now(CLOCK_REALTIME);
    pthread_mutex_lock(&mutex);
    while (pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &end) == 0)
        ;
    return now(CLOCK_REALTIME) - begin < 60000000000LL;
}

static void *idle(void *arg)
{
    pause();
    return arg;
}

int main(int argc, char **argv)
{
    clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
                          CLOCK_MONOTONIC_COARSE};
    long long last[4] = {0}, deadline = 0;
    struct itimerspec it = {{0, 0}, {0, 0}};
    pthread_t thread;
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);

    (void)argv;
    if (argc > 1) /* so that it keeps its ids */
        pthread_create(&thread, NULL, idle, NULL);
    clock_gettime(CLOCK_MONOTONIC, &it.it_value);
    it.it_value.tv_sec += 3;
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &it, NULL);
    deadline = now(CLOCK_MONOTONIC) + 3000000000LL;
    puts("ready");
    fflush(stdout);
    while (access("go", F_OK) < 0) {
        for (int i = 0; i < 4; i++) {
            long long t = now(clocks[i]);
            if (t < last[i]) {
                printf("clock %d ran back by %lld s\n", clocks[i],
                       (last[i] - t) / 1000000000);
                return 1;
            }
            last[i] = t;
        }
        usleep(1000);
    }
    unsigned long long ticks;
    if (read(timer, &ticks, sizeof ticks) != sizeof ticks ||
        now(CLOCK_MONOTONIC) < deadline || !await_deadline())
        return 2;
    puts("OK");
    return 0;
}
END
ckpt-cc -O1 -pthread -o clock clock.c

earlier() { unshare --user --map-root-user --time --monotonic 500000 --boottime 700000 "$@"; }
earlier true 2>/dev/null || skip "no time namespaces here"

# through KIND ARGUMENT... : on the machine that was started earlier, then here
through() {
    rm -f go pid
    earlier --kill-child --fork sh -c 'echo $$ >pid; exec ./clock "$@"' sh \
        "${@:2}" >out 2>&1 &
    shell=$!
    for ((i = 0; i < 500; i++)); do
        grep -q ready out && break
        sleep 0.02
    done
    pid=$(cat pid)
    ckpt checkpoint "$pid" --exit --image "$work/image" >/dev/null 2>err ||
        fail "$1: $(cat err)"
    wait $shell || true
    (sleep 1 && touch go) &
    status=0
    timeout 30 ckpt restart image >>out 2>err || status=$?
    wait
    [ $status -eq 0 ] || fail "$1: status $status: $(cat out err)"
    [ "$(tail -1 out)" = OK ] || fail "$1: $(cat out err)"
    echo "$1: the clocks went on"
}
through "in place"
through "with ids kept" threads
