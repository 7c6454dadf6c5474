/* leaderless.c - the first thread has ended, the others go on */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <stdint.h>

static pthread_t first;

static void *work(void *arg)
{
    void *result = NULL;

    (void)arg;
    prog_check(pthread_join(first, &result) == 0);
    prog_check((intptr_t)result == 7);
    prog_ready();
    prog_wait();
    exit(prog_end());
}

int main(void)
{
    pthread_t t;

    first = pthread_self();
    pthread_create(&t, NULL, work, NULL);
    pthread_exit((void *)7);
}
