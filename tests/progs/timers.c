/* timers.c - POSIX timers: ids, signals with their values, threads, what was
 * left on them */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

static volatile sig_atomic_t ticks, value;
static _Atomic int directed;
static pthread_t other;

static void on_tick(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    ticks++;
    value = info->si_value.sival_int;
}

static void on_directed(int sig)
{
    (void)sig;
    if (pthread_equal(pthread_self(), other))
        directed++;
}

static _Atomic int other_tid, stop;

static void *live(void *unused)
{
    struct timespec ms = {0, 1000000};

    other_tid = (int)syscall(SYS_gettid);
    while (!stop)
        nanosleep(&ms, NULL);
    return unused;
}

static timer_t make(int notify, int sig, int v, long ms, long every_ms)
{
    struct sigevent e;
    struct itimerspec it = {{every_ms / 1000, every_ms % 1000 * 1000000},
                            {ms / 1000, ms % 1000 * 1000000}};
    timer_t id = NULL;

    memset(&e, 0, sizeof e);
    e.sigev_notify = notify;
    e.sigev_signo = sig;
    e.sigev_value.sival_int = v;
    if (notify == SIGEV_THREAD_ID)
        e._sigev_un._tid = other_tid;
    prog_check(timer_create(CLOCK_MONOTONIC, &e, &id) == 0);
    prog_check(timer_settime(id, 0, &it, NULL) == 0);
    return id;
}

static void await(volatile sig_atomic_t *count)
{
    int before = *count;

    for (int i = 0; i < 500 && *count < before + 3; i++)
        usleep(10000);
    prog_check(*count >= before + 3);
}

int main(void)
{
    struct sigaction sa;
    struct itimerspec left;

    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = on_tick;
    sa.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGRTMIN, &sa, NULL);
    sa.sa_handler = on_directed;
    sa.sa_flags = SA_RESTART;
    sigaction(SIGRTMIN + 1, &sa, NULL);
    pthread_create(&other, NULL, live, NULL);
    while (!other_tid)
        usleep(1000);
    timer_t gone = make(SIGEV_SIGNAL, SIGRTMIN, 1, 0, 0);
    timer_t ticking = make(SIGEV_SIGNAL, SIGRTMIN, 77, 10, 10);
    timer_t far = make(SIGEV_NONE, 0, 0, 3600000, 5000);
    timer_t idle = make(SIGEV_SIGNAL, SIGRTMIN, 78, 0, 0);
    timer_t to_other = make(SIGEV_THREAD_ID, SIGRTMIN + 1, 5, 10, 10);
    timer_delete(gone);
    prog_ready();
    prog_wait();
    await(&ticks);
    prog_check(value == 77);
    int before = directed;
    for (int i = 0; i < 500 && directed < before + 3; i++)
        usleep(10000);
    prog_check(directed >= before + 3);
    prog_check(timer_gettime(far, &left) == 0);
    prog_check(left.it_value.tv_sec > 3000 && left.it_value.tv_sec <= 3600);
    prog_check(left.it_interval.tv_sec == 5);
    prog_check(timer_gettime(idle, &left) == 0);
    prog_check(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
    prog_check(timer_delete(ticking) == 0 && timer_delete(far) == 0);
    left = (struct itimerspec){{0, 1000000}, {0, 1000000}};
    prog_check(timer_settime(idle, 0, &left, NULL) == 0);
    await(&ticks);
    prog_check(value == 78);
    prog_check(timer_delete(idle) == 0);
    prog_check(timer_delete(to_other) == 0);
    timer_t fresh = make(SIGEV_NONE, 0, 0, 1000, 0);
    prog_check(timer_delete(fresh) == 0);
    stop = 1;
    pthread_join(other, NULL);
    return prog_end();
}
