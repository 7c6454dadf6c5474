/* signals.c - the checkpoint signal stays libckpt's
 *
 * The kernel tells at a checkpoint which handlers and masks there are, so only
 * one thing is wrapped here: a program must not block or take the signal by
 * which it is stopped.  It may believe that it did: its own handler for that
 * signal is remembered and gets every signal that is no request (see
 * ckpt_wrap_deliver).
 *
 * These names stand in front of libc's in relinked and in preloaded programs.
 * Async-signal-safe, as the originals.
 */
#include "lib/wrap/wrap.h"

#include "lib/capture/capture.h"
#include "lib/capture/request.h"
#include "lib/capture/state.h"
#include "lib/common/sys.h"
#include "lib/remote/remote.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

/* libc's, all of them */
#define REALTIME (~0ull << 33)

/* libc's own, under its second name */
extern int __sigaction(int sig, const struct sigaction *new_action,
                       struct sigaction *old_action);

PUBLIC int sigaction(int sig, const struct sigaction *new_action,
                     struct sigaction *old_action);
PUBLIC int sigprocmask(int how, const sigset_t *set, sigset_t *old);
PUBLIC int pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
PUBLIC __sighandler_t signal(int sig, __sighandler_t handler);

static struct ckpt_capture_state *const s = &ckpt_capture_state;

int ckpt_wrap_sigaction(int sig, const struct sigaction *action)
{
    return __sigaction(sig, action, NULL);
}

bool ckpt_wrap_is_free(int sig)
{
    struct sigaction now;

    return __sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_DFL;
}

bool ckpt_wrap_reserved(int sig)
{
    return sig > 0 && (sig == s->settings.signal || sig == s->settings.exit_on);
}

uint64_t ckpt_wrap_mask(uint64_t mask)
{
    uint64_t keep = 3ull << 31; /* libc's internal signals, 32 and 33 */

    if (s->settings.signal > 0)
        keep |= 1ull << (s->settings.signal - 1);
    if (s->settings.exit_on > 0)
        keep |= 1ull << (s->settings.exit_on - 1);
    if (ckpt_remote_active())
        keep |= 1ull << (SIGSYS - 1);
    /* whoever blocks all signals does not mean this one by its number */
    if ((mask & REALTIME) == REALTIME)
        keep |= 1ull << (CKPT_OTHER_SIGNAL - 1);
    return mask & ~keep;
}

/* The first thread wanted to block the checkpoint signal; threads that it makes
 * later do so as well. */
static atomic_bool first_blocks;

static void note_blocked(int how, uint64_t mask)
{
    int own = s->settings.signal;

    if (own <= 0 || ckpt_sys(SYS_gettid) != ckpt_sys(SYS_getpid))
        return;
    bool has = mask >> (own - 1) & 1;
    if (how == SIG_SETMASK || has)
        atomic_store(&first_blocks, has && how != SIG_UNBLOCK);
}

static void block_now(int sig)
{
    uint64_t mask = 1ull << (sig - 1);

    if (atomic_load(&first_blocks) &&
        ckpt_sys(SYS_gettid) == ckpt_sys(SYS_getpid))
        ckpt_sys(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, sizeof mask);
}

/* Signals in whose masks the program wanted the checkpoint signal, too. */
static _Atomic uint64_t wanted_in;

static void complete_mask(int sig, int taken)
{
    struct sigaction action;

    if (__sigaction(sig, NULL, &action) < 0)
        return;
    sigaddset(&action.sa_mask, taken);
    __sigaction(sig, &action, NULL);
}

static bool has_handler(const struct sigaction *action)
{
    return action && action->sa_handler != SIG_DFL &&
           action->sa_handler != SIG_IGN;
}

/* --- the signal that libckpt has left to the program ------------------------
 *
 * An asker that looked at the marker just before still uses it: the program's
 * handler must not see that request, which it would take for one of its own.
 */
static int given; /* 0: none */
static struct sigaction given_action;

static bool is_request(const siginfo_t *info, uint64_t *value)
{
    *value = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
    return info->si_code == SI_QUEUE && *value >> 32 == CKPT_REQUEST_MAGIC;
}

static void on_given(int sig, siginfo_t *info, void *ucontext)
{
    uint64_t value;

    if (!is_request(info, &value))
        given_action.sa_sigaction(sig, info, ucontext);
    else if ((value & CKPT_REQUEST_REPLY_MASK) == 0)
        ckpt_capture_requeue(info, 0);
    /* else its asker waits, and asks again by the right signal */
}

/* libc's sigaction() for the given signal. */
static int set_given(const struct sigaction *new_action,
                     struct sigaction *old_action)
{
    struct sigaction now, front;

    if (__sigaction(given, NULL, &now) < 0)
        return -1;
    if (now.sa_sigaction == on_given)
        now = given_action;
    if (has_handler(new_action) &&
        !(new_action->sa_flags & (int)SA_RESETHAND)) {
        front = *new_action;
        front.sa_flags |= SA_SIGINFO;
        front.sa_sigaction = on_given;
        given_action = *new_action;
        new_action = &front;
    }
    if (new_action && __sigaction(given, new_action, NULL) < 0)
        return -1;
    if (old_action)
        *old_action = now;
    return 0;
}

/* The program takes the checkpoint signal: 0 when libckpt has another. */
static int yield(int sig)
{
    if (ckpt_capture_yield() < 0)
        return -1;
    given = sig;
    block_now(sig);
    for (int other = 1; other < NSIG; other++)
        if (atomic_load(&wanted_in) >> (other - 1) & 1)
            complete_mask(other, sig);
    return 0;
}

static void note_wanted(int sig, uint64_t mask)
{
    uint64_t bit = 1ull << (sig - 1);
    int own = s->settings.signal;

    if (own > 0 && mask >> (own - 1) & 1)
        atomic_fetch_or(&wanted_in, bit);
    else
        atomic_fetch_and(&wanted_in, ~bit);
}

PUBLIC int sigaction(int sig, const struct sigaction *new_action,
                     struct sigaction *old_action)
{
    struct sigaction action;

    if (sig > 0 && sig == s->settings.signal && has_handler(new_action) &&
        yield(sig) == 0) {
        int rc = sigaction(sig, new_action, &action);
        if (rc == 0 && old_action)
            *old_action = s->program_action;
        return rc;
    }
    if (ckpt_wrap_reserved(sig)) {
        action = s->program_action;
        if (new_action)
            s->program_action = *new_action;
        if (old_action)
            *old_action = action;
        return 0;
    }
    if (!new_action)
        return sig == given && given ? set_given(NULL, old_action)
                                     : __sigaction(sig, NULL, old_action);
    action = *new_action;
    uint64_t mask;
    memcpy(&mask, &action.sa_mask, sizeof mask);
    if (sig > 0 && sig < NSIG)
        note_wanted(sig, mask);
    mask = ckpt_wrap_mask(mask);
    memcpy(&action.sa_mask, &mask, sizeof mask);
    if (sig == given && given)
        return set_given(&action, old_action);
    return __sigaction(sig, &action, old_action);
}

PUBLIC __sighandler_t signal(int sig, __sighandler_t handler)
{
    struct sigaction action, old;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaddset(&action.sa_mask, sig);
    return sigaction(sig, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

/* The kernel's mask is the first word of libc's. */
static long set_mask(int how, const sigset_t *set, sigset_t *old)
{
    uint64_t mask = 0, was = 0;

    if (set) {
        memcpy(&mask, set, sizeof mask);
        note_blocked(how, mask);
        if (how != SIG_UNBLOCK)
            mask = ckpt_wrap_mask(mask);
    }
    long rc = ckpt_sys(SYS_rt_sigprocmask, how, set ? &mask : NULL, &was,
                       sizeof mask);
    if (rc == 0 && old) {
        memset(old, 0, sizeof *old);
        memcpy(old, &was, sizeof was);
    }
    return rc;
}

PUBLIC int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return (int)ckpt_sys_errno(set_mask(how, set, old));
}

PUBLIC int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return (int)-set_mask(how, set, old);
}

bool ckpt_wrap_deliver(int sig, siginfo_t *info, void *ucontext)
{
    const struct sigaction *a = &s->program_action;

    if (a->sa_handler == SIG_DFL || sig != s->settings.signal)
        return false;
    if (a->sa_handler == SIG_IGN)
        return true;
    if (a->sa_flags & SA_SIGINFO)
        a->sa_sigaction(sig, info, ucontext);
    else
        a->sa_handler(sig);
    return true;
}
