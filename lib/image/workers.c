/* workers.c - see workers.h */
#include "lib/image/workers.h"

#include "lib/common/futex.h"

#include <sched.h>

enum { AFFINITY_WORDS = 128 };

struct worker {
    uint32_t tid; /* 0 when it has ended, or never was */
    unsigned index;
    void (*fn)(void *arg, unsigned index);
    void *arg;
};

static const unsigned long flags =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
    CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

static void run(void *arg)
{
    struct worker *w = arg;

    w->fn(w->arg, w->index);
}

/* Not the private futex of futex.h: the kernel wakes the other kind here. */
static void join(struct worker *w)
{
    uint32_t tid;

    while ((tid = __atomic_load_n(&w->tid, __ATOMIC_ACQUIRE)) != 0)
        ckpt_sys(SYS_futex, &w->tid, FUTEX_WAIT, tid, NULL);
}

void ckpt_workers_run(unsigned n, void (*fn)(void *arg, unsigned i), void *arg,
                      uint8_t *stacks)
{
    struct worker workers[CKPT_WORKERS_MAX];

    for (unsigned i = 1; i < n; i++) {
        workers[i] = (struct worker){0, i, fn, arg};
        if (ckpt_clone_call(flags, stacks + (size_t)i * CKPT_WORKER_STACK,
                            &workers[i].tid, run, &workers[i]) < 0)
            workers[i].tid = 0;
    }
    fn(arg, 0);
    for (unsigned i = 1; i < n; i++)
        join(&workers[i]);
}

unsigned ckpt_workers_cpus(void)
{
    uint64_t mask[AFFINITY_WORDS];
    unsigned count = 0;
    long len = ckpt_sys(SYS_sched_getaffinity, 0, sizeof mask, mask);

    for (long i = 0; i < len / 8; i++)
        count += (unsigned)__builtin_popcountll(mask[i]);
    return count > 0 ? count : 1;
}
