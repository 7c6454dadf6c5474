/* files_anon.c - eventfd, timerfd, signalfd; see files_kinds.h */
#include "lib/restart/files_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int nonblock_of(const struct ckpt_open_file *f)
{
    return (int)f->flags & O_NONBLOCK;
}

int ckpt_files_eventfd(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_files_state(f);
    uint64_t count = ckpt_get_u64(&b);
    uint32_t semaphore = ckpt_get_u32(&b);

    if (b.failed || count == UINT64_MAX)
        return ckpt_files_malformed(f, err);
    int fd = eventfd(0, EFD_CLOEXEC | nonblock_of(f) |
                            (semaphore ? EFD_SEMAPHORE : 0));
    if (fd < 0)
        return ckpt_err_sys(err, "eventfd");
    if (count > 0 && write(fd, &count, sizeof count) != sizeof count) {
        close(fd);
        return ckpt_err_sys(err, "eventfd");
    }
    return fd;
}

int ckpt_files_signalfd(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_files_state(f);
    uint64_t mask = ckpt_get_u64(&b);

    if (b.failed)
        return ckpt_files_malformed(f, err);
    int fd = (int)syscall(SYS_signalfd4, -1, &mask, sizeof mask,
                          SFD_CLOEXEC | nonblock_of(f));
    return fd < 0 ? ckpt_err_sys(err, "signalfd") : fd;
}

/* --- timerfd ------------------------------------------------------------- */

struct timer_state {
    uint32_t clock, flags;
    uint64_t ticks, left_ns, interval_ns, now_ns;
};

static int get_timer(const struct ckpt_open_file *f, struct timer_state *t,
                     struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_files_state(f);

    t->clock = ckpt_get_u32(&b);
    t->flags = ckpt_get_u32(&b);
    t->ticks = ckpt_get_u64(&b);
    t->left_ns = ckpt_get_u64(&b);
    t->interval_ns = ckpt_get_u64(&b);
    t->now_ns = ckpt_get_u64(&b);
    return b.failed ? ckpt_files_malformed(f, err) : 0;
}

int ckpt_files_timerfd(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    struct timer_state t;

    if (get_timer(f, &t, err) < 0)
        return -1;
    int fd = timerfd_create((int)t.clock, TFD_CLOEXEC | nonblock_of(f));
    return fd < 0 ? ckpt_err_sys(err, "timerfd of clock %u", t.clock) : fd;
}

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000u),
                             (long)(ns % 1000000000u)};
}

static uint64_t now_ns(int clock)
{
    struct timespec ts = {0, 0};

    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Where the kernel lacks TFD_IOC_SET_TICKS: a timer that began `ticks`
 * intervals ago has expired that often, and goes on in step. */
static int set_past(int fd, const struct timer_state *t)
{
    uint64_t next = now_ns((int)t->clock) + t->left_ns;
    uint64_t back = t->ticks * t->interval_ns;
    uint64_t start = t->interval_ns > 0 && next > back ? next - back : 1;
    struct itimerspec it = {to_timespec(t->interval_ns), to_timespec(start)};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL);
}

/* What was left on a timer is left on it still; a time of day stays. */
int ckpt_files_commit_timerfd(const struct ckpt_open_file *f, int fd,
                              struct ckpt_err *err)
{
    struct timer_state t;
    int flags = 0;

    if (get_timer(f, &t, err) < 0)
        return -1;
    struct itimerspec it = {to_timespec(t.interval_ns), to_timespec(t.left_ns)};
    if (t.left_ns > 0 && (t.flags & TFD_TIMER_ABSTIME) &&
        t.clock == CLOCK_REALTIME) {
        flags = (int)t.flags & (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
        it.it_value = to_timespec(t.now_ns + t.left_ns);
    }
    if (timerfd_settime(fd, flags, &it, NULL) < 0)
        return ckpt_err_sys(err, "timerfd");
    if (t.ticks > 0 && ioctl(fd, _IOW('T', 0, uint64_t), &t.ticks) < 0 &&
        set_past(fd, &t) < 0)
        return ckpt_err_sys(err, "timerfd");
    return 0;
}
