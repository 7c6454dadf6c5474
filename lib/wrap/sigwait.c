/* sigwait.c - a program that waits for every signal is not given libckpt's
 *
 * They are taken out of its sets.  The rest is as in sleep.c.
 */
#include "lib/wrap/wait.h"
#include "lib/wrap/wrap.h"

#include "lib/common/sys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#define PUBLIC __attribute__((visibility("default")))
#define CALL CKPT_WAIT_CALL

PUBLIC int sigwait(const sigset_t *set, int *sig);
PUBLIC int sigwaitinfo(const sigset_t *set, siginfo_t *info);
PUBLIC int sigtimedwait(const sigset_t *set, siginfo_t *info,
                        const struct timespec *timeout);
PUBLIC int signalfd(int fd, const sigset_t *mask, int flags);
PUBLIC int epoll_pwait2(int epfd, struct epoll_event *events, int max,
                        const struct timespec *timeout, const sigset_t *mask);

/* The kernel's set is the first word of libc's. */
static uint64_t clean(const sigset_t *set)
{
    uint64_t word;

    memcpy(&word, set, sizeof word);
    return ckpt_wrap_mask(word);
}

static long wait_signal(const sigset_t *set, siginfo_t *info,
                        const struct timespec *timeout)
{
    struct ckpt_wait w = ckpt_wait_for(timeout ? ckpt_wait_ns(timeout) : -1);
    uint64_t word = clean(set);
    struct timespec ts;
    long rc;

    if (timeout && !ckpt_wait_valid(timeout))
        return -EINVAL;
    do
        rc = CALL(SYS_rt_sigtimedwait, (long)&word, (long)info,
                  (long)ckpt_wait_left(&w, &ts), sizeof word);
    while (ckpt_wait_again(rc));
    /* as libc does: raise() and kill() look the same */
    if (rc > 0 && info && info->si_code == SI_TKILL)
        info->si_code = SI_USER;
    return rc;
}

PUBLIC int sigwait(const sigset_t *set, int *sig)
{
    long rc;

    while ((rc = wait_signal(set, NULL, NULL)) == -EINTR)
        ;
    if (rc > 0)
        *sig = (int)rc;
    return rc > 0 ? 0 : (int)-rc;
}

PUBLIC int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return (int)ckpt_sys_errno(wait_signal(set, info, NULL));
}

PUBLIC int sigtimedwait(const sigset_t *set, siginfo_t *info,
                        const struct timespec *timeout)
{
    return (int)ckpt_sys_errno(wait_signal(set, info, timeout));
}

PUBLIC int signalfd(int fd, const sigset_t *mask, int flags)
{
    uint64_t word = clean(mask);

    return (int)ckpt_sys_errno(
        ckpt_sys(SYS_signalfd4, fd, &word, sizeof word, flags));
}

PUBLIC int epoll_pwait2(int epfd, struct epoll_event *events, int max,
                        const struct timespec *timeout, const sigset_t *mask)
{
    struct ckpt_wait w = ckpt_wait_for(timeout ? ckpt_wait_ns(timeout) : -1);
    uint64_t word = mask ? clean(mask) : 0;
    struct timespec ts;
    long rc;

    if (timeout && !ckpt_wait_valid(timeout))
        return (int)ckpt_sys_errno(-EINVAL);
    do
        rc = CALL(SYS_epoll_pwait2, epfd, (long)events, max,
                  (long)ckpt_wait_left(&w, &ts), (long)(mask ? &word : NULL));
    while (ckpt_wait_again(rc));
    return (int)ckpt_sys_errno(rc);
}
