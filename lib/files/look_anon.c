/* look_anon.c - eventfd, timerfd, signalfd; others by name; see kinds.h */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

static int malformed(const struct ckpt_look *l, const struct ckpt_open_file *f)
{
    return ckpt_look_refuse(l, f,
                            "of a kind that this kernel does not "
                            "describe");
}

/* Kernels before 6.5 do not tell: with a count of at least 2, one read
 * tells. */
static bool is_semaphore(int fd, uint64_t count)
{
    uint64_t two = 2, got = 0;

    if (count < 2)
        ckpt_sys(SYS_write, fd, &two, sizeof two);
    ckpt_sys(SYS_read, fd, &got, sizeof got);
    bool semaphore = got == 1;
    uint64_t back = semaphore ? 1 : got;
    if (count >= 2) {
        ckpt_sys(SYS_write, fd, &back, sizeof back);
        return semaphore;
    }
    for (; semaphore && back > 0; back--)
        ckpt_sys(SYS_read, fd, &got, sizeof got);
    if (!semaphore && count > 0)
        ckpt_sys(SYS_write, fd, &count, sizeof count);
    return semaphore;
}

static int look_eventfd(struct ckpt_look *l, struct ckpt_open_file *f)
{
    int fd = ckpt_look_fd(l, f);
    const char *text = ckpt_look_fdinfo(l, fd);
    const char *count = text ? ckpt_look_field(text, "eventfd-count") : NULL;
    const char *flag = text ? ckpt_look_field(text, "eventfd-semaphore") : NULL;

    if (!count)
        return text ? malformed(l, f) : -1;
    uint64_t n = strtoull(count, NULL, 16);
    bool semaphore = flag ? *flag == '1' : is_semaphore(fd, n);
    struct ckpt_bytes b = ckpt_look_begin(l);
    f->kind = CKPT_FILE_EVENTFD;
    ckpt_put_u64(&b, n);
    ckpt_put_u32(&b, semaphore);
    return ckpt_look_end(l, &b, &f->state);
}

static uint64_t ns_of(const struct timespec *ts)
{
    return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

/* timerfd_gettime() also counts the expirations of a periodic timer that is
 * not read: it comes before fdinfo. */
static int look_timerfd(struct ckpt_look *l, struct ckpt_open_file *f)
{
    int fd = ckpt_look_fd(l, f);
    struct itimerspec left = {{0, 0}, {0, 0}};
    struct timespec now = {0, 0};
    long rc = ckpt_sys(SYS_timerfd_gettime, fd, &left);
    const char *text = ckpt_look_fdinfo(l, fd);
    const char *clock = text ? ckpt_look_field(text, "clockid") : NULL;
    const char *ticks = text ? ckpt_look_field(text, "ticks") : NULL;
    const char *flags = text ? ckpt_look_field(text, "settime flags") : NULL;

    if (rc < 0 || !clock || !ticks || !flags)
        return text ? malformed(l, f) : -1;
    int clockid = atoi(clock);
    ckpt_sys(SYS_clock_gettime, clockid, &now);
    struct ckpt_bytes b = ckpt_look_begin(l);
    f->kind = CKPT_FILE_TIMERFD;
    ckpt_put_u32(&b, (uint32_t)clockid);
    ckpt_put_u32(&b, (uint32_t)strtoul(flags, NULL, 8));
    ckpt_put_u64(&b, strtoull(ticks, NULL, 10));
    ckpt_put_u64(&b, ns_of(&left.it_value));
    ckpt_put_u64(&b, ns_of(&left.it_interval));
    ckpt_put_u64(&b, ns_of(&now));
    return ckpt_look_end(l, &b, &f->state);
}

static int look_signalfd(struct ckpt_look *l, struct ckpt_open_file *f)
{
    const char *text = ckpt_look_fdinfo(l, ckpt_look_fd(l, f));
    const char *mask = text ? ckpt_look_field(text, "sigmask") : NULL;

    if (!mask)
        return text ? malformed(l, f) : -1;
    struct ckpt_bytes b = ckpt_look_begin(l);
    f->kind = CKPT_FILE_SIGNALFD;
    ckpt_put_u64(&b, strtoull(mask, NULL, 16));
    return ckpt_look_end(l, &b, &f->state);
}

static const struct {
    const char *link; /* after "anon_inode:" and "[" */
    int (*look)(struct ckpt_look *l, struct ckpt_open_file *f);
    const char *refusal;
} kinds[] = {
    {"eventfd", look_eventfd, NULL},
    {"timerfd", look_timerfd, NULL},
    {"signalfd", look_signalfd, NULL},
    {"eventpoll", ckpt_look_epoll, NULL},
    {"inotify", ckpt_look_inotify, NULL},
    {"fanotify", NULL, "a fanotify group"},
    {"io_uring", NULL, "an io_uring"},
    {"perf_event", NULL, "a performance counter"},
    {"bpf", NULL, "an object of BPF"},
    {"btf", NULL, "an object of BPF"},
    {"userfaultfd", NULL, "a userfaultfd"},
    {"pidfd", NULL, "a reference to a process (pidfd)"},
    {"seccomp", NULL, "a listener of seccomp"},
    {"landlock", NULL, "a set of rules of Landlock"},
    {"kvm", NULL, "a virtual machine"},
    {"dmabuf", NULL, "memory of a device"},
    {"sync_file", NULL, "a fence of a device"},
};

int ckpt_look_anon(struct ckpt_look *l, struct ckpt_open_file *f)
{
    const char *name = f->path + strlen("anon_inode:");

    name += *name == '[';
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(name, kinds[i].link, strlen(kinds[i].link)) != 0)
            continue;
        return kinds[i].look ? kinds[i].look(l, f)
                             : ckpt_look_refuse(l, f, kinds[i].refusal);
    }
    return ckpt_look_refuse(l, f, "of a kind that is not supported");
}
