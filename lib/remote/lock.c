/* lock.c - one lock around the client, and a stack of its own under it
 *
 * A program's threads may have small stacks, so the work of a remote call is
 * done on the client's stack, which the lock protects.  The lock is a plain
 * futex: it is only taken with all signals blocked, and never held while
 * threads are stopped for a checkpoint.
 *
 *     0 free    1 held    2 held and waited for    thread | count | 3 lent
 *
 * It can also be lent, to fast.c, which has signals open and may be stopped,
 * or thrown out by a longjmp, anywhere.  So whoever needs a lent lock just
 * takes it: what the borrower still does is one restartable sequence that
 * begins with a look at the lock.  When the borrower is the same thread, the
 * signal that brought us here has aborted the sequence; in another thread
 * membarrier(2) does it.
 */
#include "lib/remote/state.h"

#include <linux/futex.h>
#include <linux/membarrier.h>

enum {
    HELD = 1,
    WAITED = 2,
    LENT = 3,
    THREAD_SHIFT = 22, /* thread pointers are multiples of 64 */
    PATIENCE = 1000,   /* looks at a lent lock before it is taken away */
};

uint64_t ckpt_lock;
static uint32_t lent_count;

static uint64_t this_thread(void)
{
    return (uint64_t)(uintptr_t)__builtin_thread_pointer() >> 6 << THREAD_SHIFT;
}

static bool swap(uint64_t *seen, uint64_t value)
{
    return __atomic_compare_exchange_n(&ckpt_lock, seen, value, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool is_lent(uint64_t word)
{
    return (word & 3) == LENT;
}

/* --- lending ----------------------------------------------------------------
 */

bool ckpt_lock_can_lend(void)
{
    return ckpt_sys(SYS_membarrier,
                    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0) == 0;
}

/* One that this thread has borrowed already, below the signal handler it is
 * in, is borrowed anew. */
uint64_t ckpt_lock_lend(void)
{
    uint64_t thread = this_thread(), seen = 0;
    uint64_t count = lent_count++ & ((1u << (THREAD_SHIFT - 2)) - 1);
    uint64_t mine = thread | count << 2 | LENT;

    if (swap(&seen, mine) ||
        (is_lent(seen) && seen >> THREAD_SHIFT == mine >> THREAD_SHIFT &&
         swap(&seen, mine)))
        return mine;
    return 0;
}

void ckpt_lock_give_back(uint64_t mine)
{
    swap(&mine, 0);
}

/* Take a lent lock away from its borrower. */
static bool call_in(uint64_t seen, uint64_t next)
{
    uint64_t thread = this_thread() >> THREAD_SHIFT;

    if (!swap(&seen, next))
        return false;
    if (seen >> THREAD_SHIFT != thread)
        ckpt_sys(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
    return true;
}

/* The borrower needs some nanoseconds, if it is running at all. */
static bool take_lent(uint64_t seen, uint64_t next)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (__atomic_load_n(&ckpt_lock, __ATOMIC_ACQUIRE) != seen)
            return false;
        __builtin_ia32_pause();
    }
    return call_in(seen, next);
}

/* --- holding ----------------------------------------------------------------
 */

static void lock_take(void)
{
    uint64_t seen = 0, next = HELD;

    while (!swap(&seen, next)) {
        if (is_lent(seen)) {
            if (take_lent(seen, next))
                return;
        } else if (seen == WAITED || (seen == HELD && swap(&seen, WAITED))) {
            ckpt_sys(SYS_futex, &ckpt_lock, FUTEX_WAIT_PRIVATE, WAITED, NULL);
            next = WAITED; /* there may be more like us */
        }
        seen = 0;
    }
}

static void lock_release(void)
{
    if (__atomic_exchange_n(&ckpt_lock, 0, __ATOMIC_RELEASE) == WAITED)
        ckpt_sys(SYS_futex, &ckpt_lock, FUTEX_WAKE_PRIVATE, 1);
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
