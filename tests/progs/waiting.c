/* waiting.c - a checkpoint ends no wait: sem_timedwait, sigtimedwait,
 * sigwaitinfo, signalfd, epoll_pwait2, conditions */
#include "tests/progs/prog.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

enum { WAITS = 7 };

static sem_t sem, timed;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int pipe_ends[2], result[WAITS];
static int released;

static struct timespec in_seconds(int s)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += s;
    return ts;
}

static int wait_condition(int timed_wait)
{
    struct timespec end = in_seconds(60);
    int rc = 0;

    pthread_mutex_lock(&mutex);
    while (!released && rc == 0)
        rc = timed_wait ? pthread_cond_timedwait(&cond, &mutex, &end)
                        : pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return rc;
}

static int wait_descriptor(void)
{
    struct epoll_event event = {.events = EPOLLIN}, got;
    struct timespec long_time = {60, 0};
    int epfd = epoll_create1(0);

    epoll_ctl(epfd, EPOLL_CTL_ADD, pipe_ends[0], &event);
    int rc = epoll_pwait2(epfd, &got, 1, &long_time, NULL);
    close(epfd);
    return rc == 1 ? 0 : rc == 0 ? ETIMEDOUT : errno;
}

static int wait_signal(int with_limit)
{
    struct timespec long_time = {60, 0};
    sigset_t set;

    sigfillset(&set);
    sigdelset(&set, SIGTERM);
    int sig = with_limit ? sigtimedwait(&set, NULL, &long_time)
                         : sigwaitinfo(&set, NULL);
    return sig == SIGUSR1 ? 0 : sig < 0 ? errno : 1000 + sig;
}

static void *wait_for(void *arg)
{
    struct timespec end = in_seconds(60);
    int which = *(int *)arg, rc = 0;

    switch (which) {
    case 0:
        rc = sem_timedwait(&timed, &end);
        break;
    case 1:
        rc = sem_wait(&sem);
        break;
    case 2:
        result[2] = wait_condition(1);
        return NULL;
    case 3:
        result[3] = wait_condition(0);
        return NULL;
    case 4:
        result[4] = wait_descriptor();
        return NULL;
    case 5:
        result[5] = wait_signal(1);
        return NULL;
    case 6:
        result[6] = wait_signal(0);
        return NULL;
    }
    result[which] = rc == 0 ? 0 : errno;
    return NULL;
}

static void release(const pthread_t *thread)
{
    pthread_mutex_lock(&mutex);
    released = 1;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    sem_post(&sem);
    sem_post(&timed);
    prog_check(write(pipe_ends[1], "x", 1) == 1);
    pthread_kill(thread[5], SIGUSR1);
    pthread_kill(thread[6], SIGUSR1);
}

int main(void)
{
    pthread_t thread[WAITS];
    int which[WAITS];
    sigset_t all;

    prog_check(pipe(pipe_ends) == 0);
    sem_init(&sem, 0, 0);
    sem_init(&timed, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    int fd = signalfd(-1, &all, SFD_NONBLOCK);
    for (int i = 0; i < WAITS; i++) {
        which[i] = i;
        result[i] = -1;
        pthread_create(&thread[i], NULL, wait_for, &which[i]);
    }
    usleep(100000);
    prog_ready();
    prog_wait();
    usleep(100000);
    for (int i = 0; i < WAITS; i++)
        prog_check(result[i] == -1);
    release(thread);
    for (int i = 0; i < WAITS; i++) {
        pthread_join(thread[i], NULL);
        if (result[i] != 0)
            fprintf(stderr, "wait %d: %s\n", i, strerror(result[i]));
        prog_check(result[i] == 0);
    }
    char buf[sizeof(struct signalfd_siginfo)];
    prog_check(read(fd, buf, sizeof buf) == -1 && errno == EAGAIN);
    return prog_end();
}
