/* clock.c - see clock.h */
#include "lib/restart/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

static int64_t behind_ns(clockid_t clock, uint64_t then_ns)
{
    struct timespec ts = {0};

    clock_gettime(clock, &ts);
    int64_t behind =
        (int64_t)then_ns - (int64_t)ts.tv_sec * 1000000000 - ts.tv_nsec;
    return behind > 0 ? behind : 0;
}

void ckpt_clock_compare(const struct ckpt_meta *meta, struct ckpt_namespace *ns)
{
    ns->monotonic_ns = behind_ns(CLOCK_MONOTONIC, meta->monotonic_ns);
    ns->boottime_ns = behind_ns(CLOCK_BOOTTIME, meta->boottime_ns);
    if (ns->monotonic_ns > 0 || ns->boottime_ns > 0)
        ns->flags |= CLONE_NEWTIME;
}

/* Only children are in the new namespace, until this. */
static int join(struct ckpt_err *err)
{
    int fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : setns(fd, CLONE_NEWTIME);

    if (rc < 0)
        ckpt_err_sys(err, "cannot enter a time namespace");
    if (fd >= 0)
        close(fd);
    return rc;
}

int ckpt_clock_shift(const struct ckpt_namespace *ns, bool *new_user,
                     struct ckpt_err *err)
{
    struct ckpt_namespace way = *ns;

    *new_user = false;
    if (ckpt_namespace_works(&way, 0, err) < 0) {
        if (ckpt_capabilities() != 0)
            return -1;
        way.flags |= CLONE_NEWUSER;
        if (ckpt_namespace_works(&way, 0, err) < 0)
            return -1;
        *new_user = true;
    }
    if (ckpt_namespace_enter(&way, err) < 0)
        return -1;
    return join(err);
}
