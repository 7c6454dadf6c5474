/* lock.c - one lock around the client, and a stack of its own under it
 *
 * A program's threads may have small stacks, so the work of a remote call is
 * done on the client's stack, which the lock protects.  The lock is a plain
 * futex: it is only taken with all signals blocked, and never held while
 * threads are stopped for a checkpoint.
 */
#include "lib/remote/state.h"

#include <linux/futex.h>

static uint32_t lock; /* 0 free, 1 held, 2 held and waited for */

static void lock_take(void)
{
    uint32_t seen = 0;

    if (__atomic_compare_exchange_n(&lock, &seen, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE) != 0)
        ckpt_sys(SYS_futex, &lock, FUTEX_WAIT_PRIVATE, 2, NULL);
}

static void lock_release(void)
{
    if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2)
        ckpt_sys(SYS_futex, &lock, FUTEX_WAKE_PRIVATE, 1);
}

struct work {
    long (*fn)(struct ckpt_call *call);
    struct ckpt_call *call;
};

static long work_run(void *arg)
{
    struct work *work = arg;
    return work->fn(work->call);
}

long ckpt_locked(long (*fn)(struct ckpt_call *call), struct ckpt_call *call)
{
    struct work work = {fn, call};

    lock_take();
    long result =
        ckpt_call_on_stack(work_run, &work, ckpt_link->call_stack_top);
    lock_release();
    return result;
}
