/* guards.h - memory that the program has made a guard: MADV_GUARD_INSTALL
 *
 * To touch it is a fault, but /proc/self/maps does not show it.  The kernel is
 * asked each time (0.6 ms for a GiB of small pages): not everybody installs
 * them through libc's madvise(), least of all libc.
 * All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_GUARDS_H
#define CKPT_CAPTURE_GUARDS_H

#include "lib/capture/memory.h"
#include "lib/common/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CKPT_GUARDS_MAX = 512, CKPT_GUARD_INSTALL = 102 };

struct ckpt_guards {
    _Atomic uint32_t given; /* some have been made through madvise() */
    size_t count;
    struct ckpt_range list[CKPT_GUARDS_MAX];
};

/* 0, or -1 with EBUSY when there are too many, when the kernel does not tell,
 * or when only what changed is to be saved. */
int ckpt_guards_look(struct ckpt_guards *guards,
                     const struct ckpt_memory *memory, bool incremental,
                     struct ckpt_err *err);

/* Make them again in the revived program. */
void ckpt_guards_give(const struct ckpt_guards *guards);

#endif
