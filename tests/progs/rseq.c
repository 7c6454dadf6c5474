/* rseq.c - restartable sequences are registered again for every thread */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

static int agrees(void)
{
    cpu_set_t one;
    int ok = 1;

    for (int cpu = 0; cpu < 2; cpu++) {
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof one, &one) < 0)
            continue;
        unsigned now = 99;
        syscall(SYS_getcpu, &now, NULL, NULL);
        ok &= (int)now == cpu && sched_getcpu() == cpu;
    }
    return ok;
}

static void *work(void *arg)
{
    (void)arg;
    prog_wait();
    prog_check(agrees());
    return NULL;
}

int main(void)
{
    pthread_t t;

    prog_ready();
    pthread_create(&t, NULL, work, NULL);
    prog_wait();
    prog_check(agrees());
    pthread_join(t, NULL);
    return prog_end();
}
