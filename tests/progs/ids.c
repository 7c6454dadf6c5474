/* ids.c - a program that knows its process and thread ids, and holds locks that
 * know them, over a checkpoint and a restart
 */
#include "tests/progs/prog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

enum { KINDS = 4, THREADS = 3 };

static pthread_mutex_t locks[THREADS][KINDS];
static pid_t tids[THREADS];
static pthread_t threads[THREADS];
static pthread_barrier_t held, checked;
static volatile sig_atomic_t got[THREADS];
static __thread int me = -1;

static void on_signal(int sig)
{
    (void)sig;
    if (me >= 0)
        got[me]++;
}

/* recursive, error-checking, robust, with priority inheritance */
static void make(pthread_mutex_t *m, int kind)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    if (kind == 0)
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    else
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    if (kind == 2)
        pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    if (kind == 3)
        pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    prog_check(pthread_mutex_init(m, &attr) == 0);
}

static void check_own(int i)
{
    prog_check(pthread_mutex_lock(&locks[i][0]) == 0);
    prog_check(pthread_mutex_unlock(&locks[i][0]) == 0);
    for (int k = 1; k < KINDS; k++)
        prog_check(pthread_mutex_lock(&locks[i][k]) == EDEADLK);
    for (int k = 1; k < KINDS; k++)
        prog_check(pthread_mutex_trylock(&locks[(i + 1) % THREADS][k]) ==
                   EBUSY);
    prog_check(pthread_mutex_unlock(&locks[(i + 1) % THREADS][1]) == EPERM);
}

static void *hold(void *arg)
{
    int i = me = (int)(long)arg;

    tids[i] = gettid();
    for (int k = 0; k < KINDS; k++)
        prog_check(pthread_mutex_lock(&locks[i][k]) == 0);
    pthread_barrier_wait(&held);
    prog_wait();
    prog_check(gettid() == tids[i]);
    check_own(i);
    prog_check(syscall(SYS_tgkill, getpid(), tids[i], SIGUSR1) == 0);
    prog_check(got[i] >= 1);
    pthread_barrier_wait(&checked);
    for (int k = 0; k < KINDS; k++)
        if (i != 0 || k != 2) /* the first dies with its robust one */
            prog_check(pthread_mutex_unlock(&locks[i][k]) == 0);
    return NULL;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pid_t pid = getpid(), group = getpgrp();
    char path[64];

    sigaction(SIGUSR1, &sa, NULL);
    pthread_barrier_init(&held, NULL, THREADS + 1);
    pthread_barrier_init(&checked, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < KINDS; k++)
            make(&locks[i][k], k);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hold, (void *)i);
    pthread_barrier_wait(&held);
    prog_ready();
    prog_wait();
    prog_check(getpid() == pid && gettid() == pid);
    prog_check((group == pid) == (getpgrp() == pid));
    snprintf(path, sizeof path, "/proc/%d/task/%d", pid, tids[1]);
    prog_check(access(path, F_OK) == 0);
    snprintf(path, sizeof path, "/proc/self/task/%d", tids[2]);
    prog_check(access(path, F_OK) == 0);
    for (int i = 0; i < THREADS; i++)
        prog_check(pthread_kill(threads[i], SIGUSR1) == 0);
    pthread_barrier_wait(&checked);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        prog_check(got[i] == 2 || got[i] == 1); /* they may have merged */
    prog_check(pthread_mutex_lock(&locks[0][2]) == EOWNERDEAD);
    return prog_end();
}
