/* manythreads.c - thousands of threads are made and joined while checkpoints
 * are taken, some with thread-specific data and cancelled */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { MAKERS = 3, EACH = 1500 };

static pthread_key_t key;
static atomic_long ended, destroyed, cancelled;

static void destroy(void *value)
{
    atomic_fetch_add(&destroyed, *(int *)value);
    free(value);
}

static void *work(void *arg)
{
    int *value = malloc(sizeof *value);

    *value = 1;
    pthread_setspecific(key, value);
    atomic_fetch_add(&ended, 1);
    return arg;
}

static void *sleep_long(void *arg)
{
    for (;;)
        sleep(1000);
    return arg;
}

static void *make(void *arg)
{
    void *result;
    pthread_t t, sleeper;

    for (intptr_t i = 0; i < EACH || !prog_may_go(); i++) {
        if (pthread_create(&t, NULL, work, (void *)i) != 0)
            return NULL;
        pthread_join(t, &result);
        prog_check(result == (void *)i);
        if (i % 50 == 0) {
            pthread_create(&sleeper, NULL, sleep_long, NULL);
            pthread_cancel(sleeper);
            pthread_join(sleeper, &result);
            prog_check(result == PTHREAD_CANCELED);
            atomic_fetch_add(&cancelled, 1);
        }
    }
    return arg;
}

int main(void)
{
    pthread_t maker[MAKERS];
    void *result;

    pthread_key_create(&key, destroy);
    for (int i = 0; i < MAKERS; i++)
        pthread_create(&maker[i], NULL, make, &key);
    prog_ready();
    prog_wait();
    for (int i = 0; i < MAKERS; i++) {
        pthread_join(maker[i], &result);
        prog_check(result == &key);
    }
    prog_check(ended >= MAKERS * EACH && destroyed == ended);
    prog_check(cancelled >= MAKERS * EACH / 50);
    return prog_end();
}
