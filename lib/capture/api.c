/* api.c - the calls of ckpt.h */
#include "lib/ckpt.h"

#include "lib/capture/capture.h"
#include "lib/capture/lazy.h"
#include "lib/capture/state.h"
#include "lib/common/futex.h"
#include "lib/common/sys.h"
#include "lib/remote/remote.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PUBLIC __attribute__((visibility("default")))

enum { STATION_MAX = 64 };

static struct ckpt_capture_state *const s = &ckpt_capture_state;

/* One caller of ckpt_checkpoint() at a time. */
static uint32_t busy;

static void lock(void)
{
    while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
        ckpt_futex_wait(&busy, 1, 10);
}

static void unlock(void)
{
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
    ckpt_futex_wake_all(&busy);
}

PUBLIC int ckpt_checkpoint(const char *path)
{
    siginfo_t info;

    if (path && strlen(path) >= sizeof s->self_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (s->pid != (int32_t)ckpt_sys(SYS_getpid)) {
        errno = ENOTSUP;
        return -1;
    }
    ckpt_lazy_wait();
    lock();
    strcpy(s->self_path, path ? path : "");
    memset(&info, 0, sizeof info);
    info.si_signo = s->settings.signal;
    info.si_code = SI_QUEUE;
    info.si_pid = s->pid;
    info.si_value.sival_ptr =
        (void *)(uintptr_t)((uint64_t)CKPT_REQUEST_MAGIC << 32 |
                            (uint64_t)CKPT_REQUEST_SELF << 28);
    s->result = -1;
    ckpt_capture_requeue(&info, (int)ckpt_sys(SYS_gettid));
    int result = s->result;
    unlock();
    if (result < 0)
        errno = EBUSY;
    return result;
}

PUBLIC void ckpt_disable(void)
{
    atomic_fetch_add(&s->disabled, 1);
}

PUBLIC void ckpt_enable(void)
{
    uint32_t depth = atomic_load(&s->disabled);

    while (depth > 0 &&
           !atomic_compare_exchange_weak(&s->disabled, &depth, depth - 1))
        ;
    if (depth == 1 && atomic_exchange(&s->postponed, 0))
        ckpt_capture_requeue(&s->postponed_info, 0);
}

/* The whole pages inside [addr, addr + len). */
static struct ckpt_range whole_pages(const void *addr, size_t len)
{
    uint64_t mask = CKPT_PAGE_SIZE - 1, start = (uint64_t)(uintptr_t)addr;

    return (struct ckpt_range){(start + mask) & ~mask, (start + len) & ~mask};
}

PUBLIC int ckpt_exclude(void *addr, size_t len)
{
    struct ckpt_range r = whole_pages(addr, len);
    int rc = 0;

    if (r.start >= r.end) {
        errno = EINVAL;
        return -1;
    }
    ckpt_disable();
    lock();
    if (s->nexclude == CKPT_EXCLUDE_MAX) {
        errno = ENOSPC;
        rc = -1;
    } else {
        s->exclude[s->nexclude++] = r;
    }
    unlock();
    ckpt_enable();
    return rc;
}

PUBLIC int ckpt_include(void *addr, size_t len)
{
    struct ckpt_range r = whole_pages(addr, len);
    size_t i = 0;

    ckpt_disable();
    lock();
    while (i < s->nexclude &&
           (s->exclude[i].start != r.start || s->exclude[i].end != r.end))
        i++;
    bool found = i < s->nexclude;
    if (found)
        s->exclude[i] = s->exclude[--s->nexclude];
    unlock();
    ckpt_enable();
    if (found)
        return 0;
    errno = ENOENT;
    return -1;
}

static int add_hook(struct ckpt_hook *hooks, size_t *count,
                    void (*fn)(void *arg), void *arg)
{
    int rc = -1;

    ckpt_disable();
    lock();
    if (*count < CKPT_HOOKS_MAX) {
        hooks[(*count)++] = (struct ckpt_hook){fn, arg};
        rc = 0;
    }
    unlock();
    ckpt_enable();
    if (rc < 0)
        errno = ENOSPC;
    return rc;
}

PUBLIC int ckpt_on_checkpoint(void (*fn)(void *arg), void *arg)
{
    return add_hook(s->on_checkpoint, &s->non_checkpoint, fn, arg);
}

PUBLIC int ckpt_on_restart(void (*fn)(void *arg), void *arg)
{
    return add_hook(s->on_restart, &s->non_restart, fn, arg);
}

PUBLIC int ckpt_migrate(const char *station)
{
    const char *name = station ? station : "";

    if (strlen(name) > STATION_MAX || strpbrk(name, " \t\n/"))
        return (int)ckpt_sys_errno(-EINVAL);
    if (!ckpt_remote_active())
        return (int)ckpt_sys_errno(-ENOTSUP);
    return (int)ckpt_sys_errno(ckpt_remote_migrate(name));
}
