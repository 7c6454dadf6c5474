/* calls_signal.c - signal masks without SIGSYS, and ends that flush first
 *
 * A trapped call in a thread that blocks SIGSYS would kill the process, and
 * programs (and the C library, around pthread_kill) block all signals at
 * times.  So SIGSYS is left out of every mask.
 *
 * A signal whose default action ends the process would lose what is written
 * behind, which a local program's write() would not.  While the program leaves
 * such a signal at its default, a handler of ours stands there; the program
 * is told SIG_DFL.
 */
#include "lib/remote/state.h"

#include <string.h>
#include <sys/time.h>

static const uint64_t SIGSYS_BIT = 1ul << (SIGSYS - 1);

static const uint8_t ending[] = {
    SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,    SIGFPE,
    SIGUSR1, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGVTALRM, SIGPROF,
};

static bool ends(int sig)
{
    return memchr(ending, sig, sizeof ending) != NULL;
}

static bool is_default(const struct ckpt_sigaction *action)
{
    return action->handler == (uint64_t)(uintptr_t)SIG_DFL;
}

static long set_action(int sig, const struct ckpt_sigaction *action,
                       struct ckpt_sigaction *old)
{
    return ckpt_sys(SYS_rt_sigaction, sig, action, old, 8);
}

static long flush(struct ckpt_call *call)
{
    (void)call;
    ckpt_maps_write_back();
    ckpt_cache_send_all();
    ckpt_wire_settle(-1);
    return 0;
}

void ckpt_end_with(int sig, ucontext_t *uc)
{
    struct ckpt_call none = {.uc = uc};
    struct ckpt_sigaction action = {0};
    uint64_t mask = 1ul << (sig - 1);

    ckpt_locked(flush, &none);
    set_action(sig, &action, NULL);
    ckpt_sys(SYS_tkill, ckpt_sys(SYS_gettid), sig);
    ckpt_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, 8);
}

static void on_ending(int sig, siginfo_t *info, void *context)
{
    (void)info;
    ckpt_end_with(sig, context);
}

static void stand_for_default(int sig)
{
    struct ckpt_sigaction ours = {
        .handler = (uint64_t)(uintptr_t)on_ending,
        .flags = SA_SIGINFO | SA_ONSTACK | CKPT_SA_RESTORER,
        .restorer = (uint64_t)(uintptr_t)ckpt_signal_return,
        .mask = ~0ul,
    };

    set_action(sig, &ours, NULL);
    ckpt_state->defaulted |= 1ul << (sig - 1);
}

void ckpt_signals_install(void)
{
    for (size_t i = 0; i < sizeof ending; i++) {
        struct ckpt_sigaction now;
        if (set_action(ending[i], NULL, &now) == 0 && is_default(&now))
            stand_for_default(ending[i]);
    }
}

/* The C library's own signals (SIGCANCEL, SIGSETXID) are only believed when
 * they come from getpid(); the kernel puts in our number on the station. */
enum { INTERNAL_FIRST = 32, INTERNAL_LAST = 33 };

static void on_internal(int sig, siginfo_t *info, void *context)
{
    uint64_t handler = ckpt_state->internal[sig - INTERNAL_FIRST];

    if (info->si_pid == ckpt_link->self)
        info->si_pid = ckpt_state->id.pid;
    ((void (*)(int, siginfo_t *, void *))(uintptr_t)handler)(sig, info,
                                                             context);
}

static long exchange_internal(int sig, struct ckpt_sigaction *action,
                              struct ckpt_sigaction *old)
{
    uint64_t *handler = &ckpt_state->internal[sig - INTERNAL_FIRST];
    uint64_t before = *handler;
    uint64_t ours = (uint64_t)(uintptr_t)on_internal;

    if (action && (action->flags & SA_SIGINFO) && action->handler > 1) {
        *handler = action->handler;
        action->handler = ours;
    }
    long rc = set_action(sig, action, old);
    if (old->handler == ours)
        old->handler = before;
    return rc;
}

/* What the program believes is set for `sig`; changes it when `action` is not
 * NULL. */
static long exchange(int sig, struct ckpt_sigaction *action,
                     struct ckpt_sigaction *old)
{
    uint64_t bit = 1ul << (sig - 1);
    bool ours = ckpt_state->defaulted & bit;

    if (sig == SIGSYS) {
        *old = ckpt_state->sigsys;
        if (action)
            ckpt_state->sigsys = *action;
        return 0;
    }
    if (sig >= INTERNAL_FIRST && sig <= INTERNAL_LAST)
        return exchange_internal(sig, action, old);
    if (action && ends(sig) && is_default(action)) {
        long rc = set_action(sig, NULL, old);
        stand_for_default(sig);
        if (ours)
            *old = (struct ckpt_sigaction){0};
        return rc;
    }
    long rc = set_action(sig, action, old);
    if (rc == 0 && ours)
        *old = (struct ckpt_sigaction){0};
    if (rc == 0 && action)
        ckpt_state->defaulted &= ~bit;
    return rc;
}

static long do_sigaction(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    struct ckpt_sigaction action = {0}, old;
    int sig = (int)arg[0];
    long rc = 0;

    if (arg[3] != 8 || sig < 1 || sig > 64)
        return -EINVAL;
    if (arg[1])
        rc = ckpt_user_read(&action, arg[1], sizeof action);
    action.mask &= ~SIGSYS_BIT;
    if (rc == 0)
        rc = exchange(sig, arg[1] ? &action : NULL, &old);
    if (rc == 0 && arg[2])
        rc = ckpt_user_write(arg[2], &old, sizeof old);
    return rc;
}

long ckpt_on_rt_sigaction(struct ckpt_call *call)
{
    return ckpt_locked(do_sigaction, call);
}

/* --- masks --- */

/* The mask that holds when the handler returns is the one in its frame. */
long ckpt_on_rt_sigprocmask(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    uint64_t *mask = (uint64_t *)&call->uc->uc_sigmask;
    uint64_t old = *mask, set;

    if (arg[3] != 8)
        return -EINVAL;
    long rc = ckpt_user_read(&set, arg[1], sizeof set);
    if (rc != 0)
        return rc;
    set &= ~(SIGSYS_BIT | 1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1));
    if ((int)arg[0] == SIG_BLOCK)
        *mask |= set;
    else if ((int)arg[0] == SIG_SETMASK)
        *mask = set;
    else
        return -EINVAL;
    return arg[2] ? ckpt_user_write(arg[2], &old, sizeof old) : 0;
}

static long mask_without(uint64_t from, uint64_t size, uint64_t *mask)
{
    if (size != 8)
        return -EINVAL;
    long rc = ckpt_user_read(mask, from, sizeof *mask);
    *mask &= ~SIGSYS_BIT;
    return rc;
}

/* These wait with the program's mask, in the handler but without the lock, so
 * that signals and checkpoints come through. */
long ckpt_on_rt_sigsuspend(struct ckpt_call *call)
{
    uint64_t mask;
    long rc = mask_without(call->arg[0], call->arg[1], &mask);

    return rc != 0 ? rc : ckpt_sys(SYS_rt_sigsuspend, &mask, 8);
}

long ckpt_on_ppoll(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    uint64_t mask;
    long rc = mask_without(arg[3], arg[4], &mask);

    return rc != 0 ? rc : ckpt_sys(SYS_ppoll, arg[0], arg[1], arg[2], &mask, 8);
}

long ckpt_on_epoll_pwait(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    uint64_t mask;
    long rc = mask_without(arg[4], arg[5], &mask);

    return rc != 0
               ? rc
               : ckpt_sys(call->nr, arg[0], arg[1], arg[2], arg[3], &mask, 8);
}

long ckpt_on_epoll_pwait2(struct ckpt_call *call)
{
    return ckpt_on_epoll_pwait(call);
}

long ckpt_on_pselect6(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    uint64_t packed[2], mask;

    long rc = ckpt_user_read(packed, arg[5], sizeof packed);
    if (rc != 0)
        return rc;
    if (packed[0] == 0)
        return CKPT_LOCAL;
    rc = mask_without(packed[0], packed[1], &mask);
    if (rc != 0)
        return rc;
    packed[0] = (uint64_t)(uintptr_t)&mask;
    return ckpt_sys(SYS_pselect6, arg[0], arg[1], arg[2], arg[3], arg[4],
                    packed);
}
