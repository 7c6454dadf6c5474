/* wait.c - see wait.h */
#include "lib/wrap/wait.h"

#include "lib/arch/x86_64.h"
#include "lib/arch/x86_64_trap.h"
#include "lib/common/sys.h"
#include "lib/wrap/wrap.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#define PAGE_MASK (~(uintptr_t)4095)
enum {
    GO_ON = 4095, /* result of a call that only libckpt interrupted: no errno */
};

static _Atomic int64_t away_ns;

/* The code before the call loads its number. */
static bool was_futex(const greg_t *regs)
{
    static const uint8_t load[] = {0xb8, SYS_futex, 0, 0, 0};
    const uint8_t *after = (const uint8_t *)(uintptr_t)regs[REG_RIP];
    uint8_t in_core;

    if (after[-2] != 0x0f || after[-1] != 0x05)
        return false;
    for (unsigned back = 7; back < 48; back++) {
        const uint8_t *at = after - back;
        if (((uintptr_t)at & PAGE_MASK) != ((uintptr_t)(at + 1) & PAGE_MASK) &&
            ckpt_sys(SYS_mincore, (uintptr_t)at & PAGE_MASK, 1, &in_core) < 0)
            return false; /* nothing before the code */
        if (memcmp(at, load, sizeof load) == 0)
            return true;
    }
    return false;
}

/* libc's sem_timedwait() and its kin wait to a point in time in a futex call of
 * their own, and return EINTR: such a call can simply be made again. */
static bool is_futex_wait(const ucontext_t *uc)
{
    const greg_t *regs = uc->uc_mcontext.gregs;
    uint64_t after;
    long nr;

    if ((regs[REG_RSI] & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET ||
        regs[REG_R10] == 0 || (uint32_t)regs[REG_R9] != UINT32_MAX)
        return false;
    return ckpt_trap_bounced(uc, &nr, &after) ? nr == SYS_futex
                                              : was_futex(regs);
}

/* A call of this directory's own. */
static bool is_program_call(const ucontext_t *uc)
{
    uint64_t at = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    long nr;

    ckpt_trap_bounced(uc, &nr, &at);
    return at == (uint64_t)(uintptr_t)ckpt_program_call_after;
}

/* The handler writes the result of the interrupted call into its frame: so the
 * thread itself learns that libckpt alone woke it, and nobody else does. */
void ckpt_wrap_interrupted(void *ucontext)
{
    ucontext_t *uc = ucontext;
    greg_t *regs = uc->uc_mcontext.gregs;
    uint64_t pending = 0, blocked;

    if (regs[REG_RAX] != -EINTR)
        return;
    bool ours = is_program_call(uc);
    if (!ours && !is_futex_wait(uc))
        return;
    /* another signal is about to be handled: the program is to see EINTR */
    memcpy(&blocked, &uc->uc_sigmask, sizeof blocked);
    ckpt_sys(SYS_rt_sigpending, &pending, sizeof pending);
    if (ckpt_wrap_mask(pending) & ~blocked)
        return;
    regs[REG_RAX] = ours ? -GO_ON : SYS_futex;
    regs[REG_RIP] -= ours ? 0 : 2;
}

void ckpt_wrap_away(int64_t shift_ns)
{
    atomic_fetch_add(&away_ns, shift_ns);
}

static int64_t now_ns(void)
{
    struct timespec ts = {0};

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * CKPT_WAIT_NS + ts.tv_nsec -
           atomic_load(&away_ns);
}

struct ckpt_wait ckpt_wait_for(int64_t ns)
{
    struct ckpt_wait w = {.timed = ns >= 0};

    if (ns > 0)
        w.end_ns = now_ns() + ns;
    return w;
}

int64_t ckpt_wait_left_ns(const struct ckpt_wait *w)
{
    int64_t left = w->end_ns - now_ns();

    return left > 0 ? left : 0;
}

int ckpt_wait_left_ms(const struct ckpt_wait *w)
{
    return w->timed ? (int)((ckpt_wait_left_ns(w) + 999999) / 1000000) : -1;
}

const struct timespec *ckpt_wait_left(const struct ckpt_wait *w,
                                      struct timespec *ts)
{
    if (!w->timed)
        return NULL;
    int64_t left = ckpt_wait_left_ns(w);
    ts->tv_sec = left / CKPT_WAIT_NS;
    ts->tv_nsec = left % CKPT_WAIT_NS;
    return ts;
}

bool ckpt_wait_valid(const struct timespec *ts)
{
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < CKPT_WAIT_NS;
}

int64_t ckpt_wait_ns(const struct timespec *ts)
{
    const int64_t longest = INT64_MAX / 4;

    return ts->tv_sec > longest / CKPT_WAIT_NS
               ? longest
               : ts->tv_sec * CKPT_WAIT_NS + ts->tv_nsec;
}

long ckpt_wait_call_(long nr, long a, long b, long c, long d, long e, ...)
{
    int type;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long rc = ckpt_program_call(nr, a, b, c, d, e, 8);
    pthread_setcanceltype(type, NULL);
    return rc;
}

bool ckpt_wait_again(long rc)
{
    return rc == -GO_ON;
}
