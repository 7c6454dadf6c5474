/* sleep.c - a checkpoint must not wake a sleeper
 *
 * These calls return EINTR after any signal handler, SA_RESTART or not.  When
 * the only signal was libckpt's, the wrapper goes on with the time that is
 * left; the time between a checkpoint and a restart does not count.
 *
 * All are cancellation points, as the originals: cancellation is asynchronous
 * during the call, which is how libc does it.
 */
#include "lib/wrap/wait.h"
#include "lib/wrap/wrap.h"

#include "lib/arch/x86_64.h"
#include "lib/common/sys.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
#define CALL CKPT_WAIT_CALL
#define NS CKPT_WAIT_NS

PUBLIC int nanosleep(const struct timespec *want, struct timespec *left);
PUBLIC int clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *want, struct timespec *left);
PUBLIC int usleep(useconds_t us);
PUBLIC unsigned sleep(unsigned seconds);
PUBLIC int poll(struct pollfd *fds, nfds_t n, int timeout_ms);
PUBLIC int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                 const sigset_t *mask);
PUBLIC int select(int n, fd_set *r, fd_set *w, fd_set *e,
                  struct timeval *timeout);
PUBLIC int pselect(int n, fd_set *r, fd_set *w, fd_set *e,
                   const struct timespec *timeout, const sigset_t *mask);
PUBLIC int epoll_wait(int epfd, struct epoll_event *events, int max,
                      int timeout_ms);
PUBLIC int epoll_pwait(int epfd, struct epoll_event *events, int max,
                       int timeout_ms, const sigset_t *mask);
PUBLIC int pause(void);
PUBLIC int sigsuspend(const sigset_t *mask);

/* --- sleeping ----------------------------------------------------------- */

static long sleep_ns(int64_t ns, struct timespec *left)
{
    struct ckpt_wait w = ckpt_wait_for(ns);
    struct timespec ts = {ns / NS, ns % NS};
    long rc;

    while ((rc = CALL(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&ts, 0)),
           ckpt_wait_again(rc))
        ckpt_wait_left(&w, &ts);
    if (rc == -EINTR && left)
        ckpt_wait_left(&w, left);
    return rc;
}

PUBLIC int nanosleep(const struct timespec *want, struct timespec *left)
{
    long rc =
        ckpt_wait_valid(want) ? sleep_ns(ckpt_wait_ns(want), left) : -EINVAL;

    return (int)ckpt_sys_errno(rc);
}

PUBLIC int clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *want, struct timespec *left)
{
    long rc;

    if (!(flags & TIMER_ABSTIME) &&
        (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME) &&
        ckpt_wait_valid(want))
        return (int)-sleep_ns(ckpt_wait_ns(want), left);
    while (
        (rc = CALL(SYS_clock_nanosleep, clock, flags, (long)want, (long)left)),
        ckpt_wait_again(rc) && (flags & TIMER_ABSTIME))
        ;
    return (int)-rc;
}

PUBLIC int usleep(useconds_t us)
{
    return (int)ckpt_sys_errno(sleep_ns((int64_t)us * 1000, NULL));
}

PUBLIC unsigned sleep(unsigned seconds)
{
    struct timespec left = {0};
    int saved = errno;

    if (sleep_ns((int64_t)seconds * NS, &left) == 0)
        left.tv_sec = 0;
    errno = saved;
    return (unsigned)(left.tv_sec + (left.tv_nsec > 0));
}

/* --- waiting for descriptors -------------------------------------------- */

PUBLIC int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct ckpt_wait w =
        ckpt_wait_for(timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000000);
    long rc;

    while ((rc = CALL(SYS_poll, (long)fds, (long)n, timeout_ms)),
           ckpt_wait_again(rc))
        timeout_ms = ckpt_wait_left_ms(&w);
    return (int)ckpt_sys_errno(rc);
}

/* The mask without libckpt's signals; NULL stays NULL. */
static const uint64_t *clean(const sigset_t *mask, uint64_t *copy)
{
    if (!mask)
        return NULL;
    memcpy(copy, mask, sizeof *copy);
    *copy = ckpt_wrap_mask(*copy);
    return copy;
}

PUBLIC int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                 const sigset_t *mask)
{
    struct ckpt_wait w = ckpt_wait_for(timeout ? ckpt_wait_ns(timeout) : -1);
    struct timespec ts;
    uint64_t copy;
    long rc;

    if (timeout && !ckpt_wait_valid(timeout))
        return (int)ckpt_sys_errno(-EINVAL);
    do
        rc = CALL(SYS_ppoll, (long)fds, (long)n, (long)ckpt_wait_left(&w, &ts),
                  (long)clean(mask, &copy), 8);
    while (ckpt_wait_again(rc));
    return (int)ckpt_sys_errno(rc);
}

/* An interrupted select leaves the sets as they were. */
static long do_select(int n, fd_set *r, fd_set *w, fd_set *e,
                      struct ckpt_wait *wait, const sigset_t *mask)
{
    struct timespec ts;
    uint64_t copy;
    struct {
        const uint64_t *mask;
        size_t len;
    } masks = {clean(mask, &copy), 8};
    int type;
    long rc;

    do {
        const struct timespec *left = ckpt_wait_left(wait, &ts);
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
        rc = ckpt_program_call(SYS_pselect6, n, (long)r, (long)w, (long)e,
                               (long)left, (long)&masks);
        pthread_setcanceltype(type, NULL);
    } while (ckpt_wait_again(rc));
    return rc;
}

PUBLIC int select(int n, fd_set *r, fd_set *w, fd_set *e,
                  struct timeval *timeout)
{
    int64_t ns = -1;

    if (timeout) {
        if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
            return (int)ckpt_sys_errno(-EINVAL);
        struct timespec ts = {timeout->tv_sec + timeout->tv_usec / 1000000,
                              timeout->tv_usec % 1000000 * 1000};
        ns = ckpt_wait_ns(&ts);
    }
    struct ckpt_wait wait = ckpt_wait_for(ns);
    long rc = do_select(n, r, w, e, &wait, NULL);
    if (timeout) { /* as Linux does */
        int64_t left = ns > 0 ? ckpt_wait_left_ns(&wait) : 0;
        timeout->tv_sec = left / NS;
        timeout->tv_usec = left % NS / 1000;
    }
    return (int)ckpt_sys_errno(rc);
}

PUBLIC int pselect(int n, fd_set *r, fd_set *w, fd_set *e,
                   const struct timespec *timeout, const sigset_t *mask)
{
    struct ckpt_wait wait = ckpt_wait_for(timeout ? ckpt_wait_ns(timeout) : -1);

    if (timeout && !ckpt_wait_valid(timeout))
        return (int)ckpt_sys_errno(-EINVAL);
    return (int)ckpt_sys_errno(do_select(n, r, w, e, &wait, mask));
}

PUBLIC int epoll_pwait(int epfd, struct epoll_event *events, int max,
                       int timeout_ms, const sigset_t *mask)
{
    struct ckpt_wait w =
        ckpt_wait_for(timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000000);
    uint64_t copy;
    long rc;

    while ((rc = CALL(SYS_epoll_pwait, epfd, (long)events, max, timeout_ms,
                      (long)clean(mask, &copy))),
           ckpt_wait_again(rc))
        timeout_ms = ckpt_wait_left_ms(&w);
    return (int)ckpt_sys_errno(rc);
}

PUBLIC int epoll_wait(int epfd, struct epoll_event *events, int max,
                      int timeout_ms)
{
    return epoll_pwait(epfd, events, max, timeout_ms, NULL);
}

/* --- waiting for signals ------------------------------------------------ */

PUBLIC int pause(void)
{
    long rc;

    do
        rc = CALL(SYS_pause);
    while (ckpt_wait_again(rc));
    return (int)ckpt_sys_errno(rc);
}

PUBLIC int sigsuspend(const sigset_t *mask)
{
    uint64_t copy;
    long rc;

    do
        rc = CALL(SYS_rt_sigsuspend, (long)clean(mask, &copy), 8);
    while (ckpt_wait_again(rc));
    return (int)ckpt_sys_errno(rc);
}
