/* threads.c - threads inside a held mutex, a condition, arithmetic and join;
 * thread-local variables; and new ones afterwards */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <stdint.h>

enum { N = 4 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int released;
static __thread long mine = 7;
static volatile int stop;
static long counts[N];

static void *count(void *arg)
{
    long i = (long)(intptr_t)arg;

    mine = i * 1000;
    while (!stop)
        counts[i]++;
    prog_check(mine == i * 1000);
    return (void *)(intptr_t)(mine + 1);
}

static void *wait_for_it(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&mutex);
    while (!released)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void *blocked(void *arg)
{
    pthread_mutex_lock(arg);
    pthread_mutex_unlock(arg);
    return NULL;
}

int main(void)
{
    static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
    pthread_t counting[N], waiting[2], one;
    void *result;

    for (long i = 0; i < N; i++)
        pthread_create(&counting[i], NULL, count, (void *)(intptr_t)i);
    pthread_mutex_lock(&held);
    pthread_create(&waiting[0], NULL, wait_for_it, NULL);
    pthread_create(&waiting[1], NULL, blocked, &held);
    prog_ready();
    prog_wait();
    stop = 1;
    for (long i = 0; i < N; i++) {
        pthread_join(counting[i], &result);
        prog_check((intptr_t)result == i * 1000 + 1);
        prog_check(counts[i] > 0);
    }
    pthread_mutex_lock(&mutex);
    released = 1;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_unlock(&held);
    pthread_join(waiting[0], NULL);
    pthread_join(waiting[1], NULL);
    prog_check(mine == 7);
    for (int i = 0; i < 100; i++) {
        prog_check(pthread_create(&one, NULL, blocked, &held) == 0);
        pthread_join(one, NULL);
    }
    return prog_end();
}
