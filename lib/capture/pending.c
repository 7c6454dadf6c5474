/* pending.c - see pending.h */
#include "lib/capture/pending.h"

#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct ckpt_pending *const p = &ckpt_capture_state.pending;

/* The set of signals that are directed at thread `tid`. */
static uint64_t directed_set(int tid)
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

/* A call to park, sent once too often, is no signal of the program's. */
static uint64_t calls_to_park(void)
{
    return 1ull << (ckpt_capture_state.settings.signal - 1);
}

/* Take one of `set`; what is directed at the thread comes first. */
static bool take(uint64_t set, struct ckpt_thread *thread)
{
    struct timespec now = {0};
    siginfo_t info;

    if (p->count == CKPT_PENDING_MAX)
        return false;
    if (ckpt_sys(SYS_rt_sigtimedwait, &set, &info, &now, sizeof set) <= 0)
        return false;
    p->entries[p->count].info = info;
    p->entries[p->count++].thread = thread;
    return true;
}

static void take_directed(struct ckpt_thread *t)
{
    uint64_t set, calls = calls_to_park();

    do
        set = directed_set(t->tid) & ~calls;
    while (set && take(set, t));
}

static void take_and_queue(struct ckpt_thread *t)
{
    take_directed(t);
    ckpt_pending_queue(t);
}

/* The kernel lets a thread queue anything for itself. */
void ckpt_pending_queue(struct ckpt_thread *t)
{
    long pid = ckpt_sys(SYS_getpid), tid = ckpt_sys(SYS_gettid);

    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].thread == t)
            ckpt_sys(SYS_rt_tgsigqueueinfo, pid, tid,
                     p->entries[i].info.si_signo, &p->entries[i].info);
}

/* Only the first thread may queue what the kernel or kill() had sent; another
 * sends it anew. */
void ckpt_pending_queue_process(void)
{
    long pid = ckpt_sys(SYS_getpid);

    for (size_t i = 0; i < p->count; i++) {
        const siginfo_t *info = &p->entries[i].info;
        if (!p->entries[i].thread &&
            ckpt_sys(SYS_rt_sigqueueinfo, pid, info->si_signo, info) < 0)
            ckpt_sys(SYS_kill, pid, info->si_signo);
    }
}

int ckpt_pending_look(struct ckpt_err *err)
{
    struct ckpt_thread *captor = ckpt_capture_state.captor;
    size_t count;

    p->count = 0;
    take_directed(captor);
    while (take(~0ull, NULL))
        ;
    ckpt_pending_queue(captor);
    ckpt_pending_queue_process();
    for (struct ckpt_thread *t = ckpt_stop_threads(&count); t; t = t->next)
        if (t != captor && (directed_set(t->tid) & ~calls_to_park()))
            ckpt_stop_ask(t, take_and_queue);
    if (p->count < CKPT_PENDING_MAX)
        return 0;
    return ckpt_err_set(err, EBUSY, "%d signals or more are pending",
                        CKPT_PENDING_MAX);
}
