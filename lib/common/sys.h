/* sys.h - system calls through the gate, with the kernel's own results
 *
 * ckpt_sys(NR, args...) returns the kernel's value: -errno on failure.  Code
 * that runs inside a user's program uses these and not libc's functions: they
 * are async-signal-safe, touch neither errno nor locks, are no cancellation
 * points, and pass the filter of remote mode (see lib/arch/x86_64.h).
 */
#ifndef CKPT_COMMON_SYS_H
#define CKPT_COMMON_SYS_H

#include "lib/arch/x86_64.h"

#include <errno.h>
#include <sys/syscall.h>

#define CKPT_SYS_7(nr, a, b, c, d, e, f, ...)                                  \
    ckpt_gate((long)(nr), (long)(a), (long)(b), (long)(c), (long)(d),          \
              (long)(e), (long)(f))
#define ckpt_sys(...) CKPT_SYS_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* The same as a libc function would return it: -1 with errno set. */
static inline long ckpt_sys_errno(long result)
{
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

#endif
