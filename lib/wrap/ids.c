/* ids.c - whether the program knows its own ids
 *
 * A restart can bring process and thread ids back, at the price of a parent
 * process or a namespace (doc/decisions/0007-ids.md).  A program that never
 * asked needs none of it.
 */
#include "lib/wrap/wrap.h"

#include "lib/arch/x86_64.h"
#include "lib/capture/state.h"
#include "lib/common/sys.h"

#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

PUBLIC pid_t getpid(void);
PUBLIC pid_t gettid(void);

static pid_t ask(long nr)
{
    atomic_store_explicit(&ckpt_capture_state.knows_ids, 1,
                          memory_order_relaxed);
    /* through the filter, where the answer is that of home */
    return (pid_t)ckpt_program_ask(nr);
}

PUBLIC pid_t getpid(void)
{
    return ask(SYS_getpid);
}

PUBLIC pid_t gettid(void)
{
    return ask(SYS_gettid);
}
