/* sleep.c - a checkpoint must not wake a sleeper
 *
 * These calls return EINTR after any signal handler, SA_RESTART or not.  When
 * the only signal was libckpt's, the wrapper goes on with the time that is
 * left; the time between a checkpoint and a restart does not count.
 *
 * All are cancellation points, as the originals: cancellation is asynchronous
 * during the call, which is how libc does it.
 */
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

enum {
    NS = 1000000000,
    GO_ON = 4095, /* result of a call that only libckpt interrupted: no errno */
};

static _Atomic int64_t away_ns;

/* The handler writes the result of the interrupted call into its frame: so the
 * thread itself learns that libckpt alone woke it, and nobody else does. */
void ckpt_wrap_interrupted(void *ucontext)
{
    ucontext_t *uc = ucontext;
    greg_t *regs = uc->uc_mcontext.gregs;
    uint64_t pending = 0, blocked;

    if (regs[REG_RIP] != (greg_t)(uintptr_t)ckpt_program_call_after ||
        regs[REG_RAX] != -EINTR)
        return;
    /* another signal is about to be handled: the program is to see EINTR */
    memcpy(&blocked, &uc->uc_sigmask, sizeof blocked);
    ckpt_sys(SYS_rt_sigpending, &pending, sizeof pending);
    if ((ckpt_wrap_mask(pending) & ~blocked) == 0)
        regs[REG_RAX] = -GO_ON;
}

void ckpt_wrap_away(int64_t shift_ns)
{
    atomic_fetch_add(&away_ns, shift_ns);
}

/* --- a wait that may be interrupted ------------------------------------- */

struct wait {
    bool timed;
    int64_t end_ns; /* by the monotonic clock, less away_ns */
};

static int64_t now_ns(void)
{
    struct timespec ts = {0};

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * NS + ts.tv_nsec - atomic_load(&away_ns);
}

static struct wait wait_for(int64_t ns)
{
    struct wait w = {.timed = ns >= 0};

    if (ns > 0)
        w.end_ns = now_ns() + ns;
    return w;
}

static int64_t left_ns(const struct wait *w)
{
    int64_t left = w->end_ns - now_ns();

    return left > 0 ? left : 0;
}

static int left_ms(const struct wait *w)
{
    return w->timed ? (int)((left_ns(w) + 999999) / 1000000) : -1;
}

static const struct timespec *left_timespec(const struct wait *w,
                                            struct timespec *ts)
{
    if (!w->timed)
        return NULL;
    int64_t left = left_ns(w);
    ts->tv_sec = left / NS;
    ts->tv_nsec = left % NS;
    return ts;
}

static bool is_valid(const struct timespec *ts)
{
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < NS;
}

static int64_t to_ns(const struct timespec *ts)
{
    const int64_t longest = INT64_MAX / 4;

    return ts->tv_sec > longest / NS ? longest : ts->tv_sec * NS + ts->tv_nsec;
}

/* One system call of the program, as a cancellation point. */
#define CALL(...) call(__VA_ARGS__, 0, 0, 0, 0, 0)
static long call(long nr, long a, long b, long c, long d, long e, ...)
{
    int type;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long rc = ckpt_program_call(nr, a, b, c, d, e, 8);
    pthread_setcanceltype(type, NULL);
    return rc;
}

static bool again(long rc)
{
    return rc == -GO_ON;
}

/* --- sleeping ----------------------------------------------------------- */

static long sleep_ns(int64_t ns, struct timespec *left)
{
    struct wait w = wait_for(ns);
    struct timespec ts = {ns / NS, ns % NS};
    long rc;

    while ((rc = CALL(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&ts, 0)),
           again(rc))
        left_timespec(&w, &ts);
    if (rc == -EINTR && left)
        left_timespec(&w, left);
    return rc;
}

PUBLIC int nanosleep(const struct timespec *want, struct timespec *left)
{
    long rc = is_valid(want) ? sleep_ns(to_ns(want), left) : -EINVAL;

    return (int)ckpt_sys_errno(rc);
}

PUBLIC int clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *want, struct timespec *left)
{
    long rc;

    if (!(flags & TIMER_ABSTIME) &&
        (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME) && is_valid(want))
        return (int)-sleep_ns(to_ns(want), left);
    while (
        (rc = CALL(SYS_clock_nanosleep, clock, flags, (long)want, (long)left)),
        again(rc) && (flags & TIMER_ABSTIME))
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
    struct wait w =
        wait_for(timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000000);
    long rc;

    while ((rc = CALL(SYS_poll, (long)fds, (long)n, timeout_ms)), again(rc))
        timeout_ms = left_ms(&w);
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
    struct wait w = wait_for(timeout ? to_ns(timeout) : -1);
    struct timespec ts;
    uint64_t copy;
    long rc;

    if (timeout && !is_valid(timeout))
        return (int)ckpt_sys_errno(-EINVAL);
    do
        rc = CALL(SYS_ppoll, (long)fds, (long)n, (long)left_timespec(&w, &ts),
                  (long)clean(mask, &copy), 8);
    while (again(rc));
    return (int)ckpt_sys_errno(rc);
}

/* An interrupted select leaves the sets as they were. */
static long do_select(int n, fd_set *r, fd_set *w, fd_set *e, struct wait *wait,
                      const sigset_t *mask)
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
        const struct timespec *left = left_timespec(wait, &ts);
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
        rc = ckpt_program_call(SYS_pselect6, n, (long)r, (long)w, (long)e,
                               (long)left, (long)&masks);
        pthread_setcanceltype(type, NULL);
    } while (again(rc));
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
        ns = to_ns(&ts);
    }
    struct wait wait = wait_for(ns);
    long rc = do_select(n, r, w, e, &wait, NULL);
    if (timeout) { /* as Linux does */
        int64_t left = ns > 0 ? left_ns(&wait) : 0;
        timeout->tv_sec = left / NS;
        timeout->tv_usec = left % NS / 1000;
    }
    return (int)ckpt_sys_errno(rc);
}

PUBLIC int pselect(int n, fd_set *r, fd_set *w, fd_set *e,
                   const struct timespec *timeout, const sigset_t *mask)
{
    struct wait wait = wait_for(timeout ? to_ns(timeout) : -1);

    if (timeout && !is_valid(timeout))
        return (int)ckpt_sys_errno(-EINVAL);
    return (int)ckpt_sys_errno(do_select(n, r, w, e, &wait, mask));
}

PUBLIC int epoll_pwait(int epfd, struct epoll_event *events, int max,
                       int timeout_ms, const sigset_t *mask)
{
    struct wait w =
        wait_for(timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000000);
    uint64_t copy;
    long rc;

    while ((rc = CALL(SYS_epoll_pwait, epfd, (long)events, max, timeout_ms,
                      (long)clean(mask, &copy))),
           again(rc))
        timeout_ms = left_ms(&w);
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
    while (again(rc));
    return (int)ckpt_sys_errno(rc);
}

PUBLIC int sigsuspend(const sigset_t *mask)
{
    uint64_t copy;
    long rc;

    do
        rc = CALL(SYS_rt_sigsuspend, (long)clean(mask, &copy), 8);
    while (again(rc));
    return (int)ckpt_sys_errno(rc);
}
