/* sleeping.c - a checkpoint wakes no sleeper: nanosleep, poll, select, pause */
#include "tests/progs/prog.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>

static int results[4];

static void *sleeps(void *arg)
{
    struct timespec ts = {2, 0}, left = {0, 0};
    (void)arg;
    results[0] = nanosleep(&ts, &left);
    return NULL;
}

static void *polls(void *arg)
{
    (void)arg;
    results[1] = poll(NULL, 0, 2000);
    return NULL;
}

static void *selects(void *arg)
{
    struct timeval tv = {2, 0};
    (void)arg;
    results[2] = select(0, NULL, NULL, NULL, &tv);
    return NULL;
}

static void *pauses(void *arg)
{
    (void)arg;
    results[3] = 1;
    pause();
    results[3] = 2; /* only a signal of the program itself may end it */
    return NULL;
}

static void nothing(int sig)
{
    (void)sig;
}

int main(void)
{
    void *(*const fn[])(void *) = {sleeps, polls, selects, pauses};
    pthread_t t[4];

    signal(SIGUSR1, nothing);
    for (int i = 0; i < 4; i++) {
        results[i] = -9;
        pthread_create(&t[i], NULL, fn[i], NULL);
    }
    prog_ready();
    prog_wait();
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
        prog_check(results[i] == 0);
    }
    prog_check(results[3] == 1);
    pthread_kill(t[3], SIGUSR1);
    pthread_join(t[3], NULL);
    prog_check(results[3] == 2);
    return prog_end();
}
