/* advice.c - whether the program says something about its memory
 *
 * The kernel tells what was said, but to ask it takes time in proportion to the
 * memory (lib/capture/advice.h): so it is remembered that something was.  What
 * mlockall() says about later mappings the kernel does not tell at all.
 */
#include "lib/wrap/wrap.h"

#include "lib/capture/state.h"
#include "lib/common/sys.h"

#include <linux/mman.h>

#define PUBLIC __attribute__((visibility("default")))

PUBLIC int madvise(void *addr, size_t len, int advice);
PUBLIC int mlock(const void *addr, size_t len);
PUBLIC int mlock2(const void *addr, size_t len, unsigned flags);
PUBLIC int mlockall(int flags);
PUBLIC int munlockall(void);

static struct ckpt_advice *const a = &ckpt_capture_state.advice;

static int call(long nr, long x, long y, long z)
{
    return (int)ckpt_sys_errno(ckpt_program_call(nr, x, y, z, 0, 0, 0));
}

PUBLIC int madvise(void *addr, size_t len, int advice)
{
    switch (advice) {
    case MADV_DONTFORK:
    case MADV_WIPEONFORK:
    case MADV_DONTDUMP:
    case MADV_MERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_SEQUENTIAL:
    case MADV_RANDOM:
        atomic_store(&a->given, 1);
    }
    return call(SYS_madvise, (long)addr, (long)len, advice);
}

PUBLIC int mlock(const void *addr, size_t len)
{
    atomic_store(&a->given, 1);
    return call(SYS_mlock, (long)addr, (long)len, 0);
}

PUBLIC int mlock2(const void *addr, size_t len, unsigned flags)
{
    atomic_store(&a->given, 1);
    return call(SYS_mlock2, (long)addr, (long)len, flags);
}

PUBLIC int mlockall(int flags)
{
    int rc = call(SYS_mlockall, flags, 0, 0);

    if (rc == 0) {
        atomic_store(&a->given, 1);
        a->lock_future = flags & MCL_FUTURE ? flags & ~MCL_CURRENT : 0;
    }
    return rc;
}

PUBLIC int munlockall(void)
{
    int rc = call(SYS_munlockall, 0, 0, 0);

    if (rc == 0)
        a->lock_future = 0;
    return rc;
}
