/* filters.c - see filters.h */
#include "lib/capture/filters.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* Before Linux 5.9 any number is one. */
static int32_t count_of(const char *path)
{
    char text[4096];
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : ckpt_read_full((int)fd, text, sizeof text - 1);

    if (fd >= 0)
        ckpt_sys(SYS_close, fd);
    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, "\nSeccomp_filters:");
    return at ? atoi(at + strlen("\nSeccomp_filters:")) : 1;
}

int32_t ckpt_filters_count(void)
{
    return ckpt_sys(SYS_prctl, PR_GET_SECCOMP) > 0
               ? count_of("/proc/thread-self/status")
               : 0;
}

int ckpt_filters_refuse(const struct ckpt_thread *t, int32_t at_start,
                        struct ckpt_err *err)
{
    char path[64];

    for (; t; t = t->next) {
        if (!t->is_filtered)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%d/status", t->tid);
        if (count_of(path) > at_start)
            return ckpt_err_set(err, EBUSY,
                                "thread %d (%.16s) is under a system call "
                                "filter (seccomp) of the program's own, which "
                                "cannot be saved",
                                t->tid, t->comm);
    }
    return 0;
}
