/* pending.c - see pending.h */
#include "lib/capture/pending.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t ckpt_pending_directed(int tid)
{
    char path[64], status[4096];

    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = ckpt_read_full((int)fd, status, sizeof status - 1);
    ckpt_sys(SYS_close, fd);
    status[n > 0 ? n : 0] = '\0';
    const char *at = strstr(status, "SigPnd:\t");
    return at ? strtoull(at + 8, NULL, 16) : 0;
}

void ckpt_pending_queue(const struct ckpt_pending *p)
{
    long pid = ckpt_sys(SYS_getpid), tid = ckpt_sys(SYS_gettid);

    for (size_t i = 0; i < p->count; i++) {
        const siginfo_t *info = &p->entries[i].info;
        if (p->entries[i].directed)
            ckpt_sys(SYS_rt_tgsigqueueinfo, pid, tid, info->si_signo, info);
        else
            ckpt_sys(SYS_rt_sigqueueinfo, pid, info->si_signo, info);
    }
}

/* The thread's own queue is emptied before the process's. */
int ckpt_pending_look(struct ckpt_pending *p, struct ckpt_err *err)
{
    uint64_t all = ~0ull;
    uint64_t directed = ckpt_pending_directed((int)ckpt_sys(SYS_gettid));
    struct timespec now = {0};
    int rc = 0;

    p->count = 0;
    for (;;) {
        siginfo_t info;
        long sig = ckpt_sys(SYS_rt_sigtimedwait, &all, &info, &now, 8);
        if (sig <= 0)
            break;
        if (p->count == CKPT_PENDING_MAX) {
            ckpt_sys(SYS_rt_sigqueueinfo, ckpt_sys(SYS_getpid), sig, &info);
            rc = ckpt_err_set(err, EBUSY, "more than %d signals are pending",
                              CKPT_PENDING_MAX);
            break;
        }
        p->entries[p->count].info = info;
        p->entries[p->count++].directed =
            sig < 32 && (directed >> (sig - 1) & 1);
        if (sig < 32) /* only one of each can be pending */
            directed &= ~(1ull << (sig - 1));
    }
    ckpt_pending_queue(p);
    return rc;
}
