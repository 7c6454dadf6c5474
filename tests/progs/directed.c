/* directed.c - signals with values that are pending for single threads, and the
 * same signals pending for the process
 */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

enum { THREADS = 3, QUEUED = 4 };

static pthread_barrier_t blocked;
static pid_t tids[THREADS];

static void queue(pid_t pid, pid_t tid, int sig, int value)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = sig;
    info.si_code = SI_QUEUE;
    info.si_pid = pid;
    info.si_value.sival_int = value;
    prog_check(syscall(SYS_rt_tgsigqueueinfo, pid, tid, sig, &info) == 0);
}

static int take(int sig, siginfo_t *info)
{
    struct timespec none = {0, 0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    return sigtimedwait(&set, info, &none);
}

static void *run(void *arg)
{
    int me = (int)(long)arg;
    siginfo_t info;

    tids[me] = (pid_t)syscall(SYS_gettid);
    pthread_barrier_wait(&blocked);
    pthread_barrier_wait(&blocked); /* they are pending */
    prog_wait();
    for (int k = 0; k < QUEUED; k++) {
        prog_check(take(SIGRTMIN + 1, &info) == SIGRTMIN + 1);
        prog_check(info.si_code == SI_QUEUE &&
                   info.si_value.sival_int == me * 10 + k);
    }
    prog_check(take(SIGHUP, &info) == SIGHUP);
    prog_check(info.si_code == SI_TKILL || info.si_code == SI_USER);
    pthread_barrier_wait(&blocked);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    union sigval value = {.sival_int = 99};
    sigset_t set;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_barrier_init(&blocked, NULL, THREADS + 1);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    pthread_barrier_wait(&blocked);
    for (int i = 0; i < THREADS; i++) {
        for (int k = 0; k < QUEUED; k++)
            queue(getpid(), tids[i], SIGRTMIN + 1, i * 10 + k);
        pthread_kill(threads[i], SIGHUP);
    }
    queue(getpid(), getpid(), SIGRTMIN + 1, 77);
    sigqueue(getpid(), SIGRTMIN + 1, value);
    kill(getpid(), SIGTERM);
    prog_ready();
    pthread_barrier_wait(&blocked);
    prog_wait();
    pthread_barrier_wait(&blocked);
    prog_check(take(SIGRTMIN + 1, &info) > 0 && info.si_value.sival_int == 77);
    prog_check(take(SIGRTMIN + 1, &info) > 0 && info.si_value.sival_int == 99);
    prog_check(take(SIGRTMIN + 1, &info) == -1);
    prog_check(take(SIGTERM, &info) == SIGTERM && info.si_code == SI_USER);
    prog_check(take(SIGTERM, &info) == -1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return prog_end();
}
