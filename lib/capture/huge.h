/* huge.h - private memory of reserved huge pages: MAP_HUGETLB
 *
 * Its contents travel like any other memory.  The revived program gets huge
 * pages again where the machine has them reserved and free, ordinary ones
 * (transparent huge pages, if it has those) otherwise; the log tells.
 * All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_HUGE_H
#define CKPT_CAPTURE_HUGE_H

#include "lib/capture/arena.h"
#include "lib/capture/memory.h"
#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

enum { CKPT_HUGE_MAX = 256 };

struct ckpt_huge {
    size_t count;
    struct {
        uint64_t start, end;
        uint32_t prot, page_kb;
    } list[CKPT_HUGE_MAX];
};

/* 0, or -1 with EBUSY when there are too many, or when the kernel does not tell
 * their size. */
int ckpt_huge_look(struct ckpt_huge *huge, const struct ckpt_memory *memory,
                   struct ckpt_arena *arena, struct ckpt_err *err);

/* All contents are there, as ordinary memory. */
void ckpt_huge_give(const struct ckpt_huge *huge);

#endif
