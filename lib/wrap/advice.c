/* advice.c - whether the program says something about its memory
 *
 * The kernel tells what was said, but to ask it takes time in proportion to the
 * memory (lib/capture/advice.h): so it is remembered that something was.  What
 * mlockall() says about later mappings the kernel does not tell at all.
 *
 * Calls are counted before and after: a checkpoint may come in between.
 */
#include "lib/wrap/wrap.h"

#include "lib/capture/state.h"
#include "lib/common/sys.h"

#include <linux/mman.h>

#define PUBLIC __attribute__((visibility("default")))

PUBLIC int madvise(void *addr, size_t len, int advice);
PUBLIC int mlock(const void *addr, size_t len);
PUBLIC int mlock2(const void *addr, size_t len, unsigned flags);
PUBLIC int munlock(const void *addr, size_t len);
PUBLIC int mlockall(int flags);
PUBLIC int munlockall(void);

static struct ckpt_advice *const a = &ckpt_capture_state.advice;

static int call(long nr, long x, long y, long z)
{
    return (int)ckpt_sys_errno(ckpt_program_call(nr, x, y, z, 0, 0, 0));
}

static int call_counted(long nr, long x, long y, long z)
{
    atomic_fetch_add(&a->given, 1);
    int rc = call(nr, x, y, z);
    atomic_fetch_add(&a->given, 1);
    return rc;
}

static int call_about_locks(long nr, long x, long y, long z)
{
    atomic_store(&a->of_locks, true);
    return call_counted(nr, x, y, z);
}

PUBLIC int madvise(void *addr, size_t len, int advice)
{
    switch (advice) {
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
        return call_about_locks(SYS_madvise, (long)addr, (long)len, advice);
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_SEQUENTIAL:
    case MADV_RANDOM:
    case MADV_NORMAL:
        return call_counted(SYS_madvise, (long)addr, (long)len, advice);
    }
    if (advice == CKPT_GUARD_INSTALL)
        atomic_store(&ckpt_capture_state.guards.given, 1);
    return call(SYS_madvise, (long)addr, (long)len, advice);
}

PUBLIC int mlock(const void *addr, size_t len)
{
    return call_about_locks(SYS_mlock, (long)addr, (long)len, 0);
}

PUBLIC int mlock2(const void *addr, size_t len, unsigned flags)
{
    return call_about_locks(SYS_mlock2, (long)addr, (long)len, flags);
}

PUBLIC int munlock(const void *addr, size_t len)
{
    return call_about_locks(SYS_munlock, (long)addr, (long)len, 0);
}

PUBLIC int mlockall(int flags)
{
    int rc = call_about_locks(SYS_mlockall, flags, 0, 0);

    if (rc == 0)
        a->lock_future = flags & MCL_FUTURE ? flags & ~MCL_CURRENT : 0;
    return rc;
}

PUBLIC int munlockall(void)
{
    int rc = call_about_locks(SYS_munlockall, 0, 0, 0);

    if (rc == 0)
        a->lock_future = 0;
    return rc;
}
