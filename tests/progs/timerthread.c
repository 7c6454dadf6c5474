/* timerthread.c - timers that start threads (SIGEV_THREAD) */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

static _Atomic int ticks, once, other_thread, masked;
static pthread_t first;

static void on_tick(union sigval value)
{
    sigset_t mask;

    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    masked += sigismember(&mask, SIGTERM);
    other_thread += !pthread_equal(pthread_self(), first);
    ticks += value.sival_int;
}

static void on_once(union sigval value)
{
    once += value.sival_int;
}

static timer_t make(void (*function)(union sigval), int value, long first_ms,
                    long then_ms)
{
    struct sigevent event;
    struct itimerspec it = {{then_ms / 1000, then_ms % 1000 * 1000000},
                            {first_ms / 1000, first_ms % 1000 * 1000000}};
    timer_t timer = 0;

    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = function;
    event.sigev_value.sival_int = value;
    prog_check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    prog_check(timer_settime(timer, 0, &it, NULL) == 0);
    return timer;
}

static int comes(_Atomic int *count, int least)
{
    struct timespec ms = {0, 1000000};

    for (int i = 0; i < 10000 && *count < least; i++)
        nanosleep(&ms, NULL);
    return *count >= least;
}

int main(void)
{
    struct itimerspec left;

    first = pthread_self();
    timer_t ticking = make(on_tick, 1, 10, 10),
            late = make(on_once, 5, 1500, 0);
    prog_check(comes(&ticks, 3));
    prog_ready();
    prog_wait();
    int before = ticks;
    prog_check(comes(&ticks, before + 5));
    prog_check(comes(&once, 5));
    prog_check(timer_gettime(ticking, &left) == 0 &&
               left.it_interval.tv_nsec == 10000000);
    prog_check(timer_delete(ticking) == 0);
    struct timespec moment = {0, 30000000};
    nanosleep(&moment, NULL);
    before = ticks;
    nanosleep(&moment, NULL);
    prog_check(ticks == before);
    timer_t more = make(on_once, 1, 1, 0); /* the helper serves new ones */
    prog_check(comes(&once, 6));
    prog_check(timer_delete(more) == 0 && timer_delete(late) == 0);
    prog_check(other_thread == ticks && masked == 0);
    return prog_end();
}
