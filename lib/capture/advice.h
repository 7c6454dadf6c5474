/* advice.h - what the program has told the kernel about its memory
 *
 * Locked pages, and the advice of madvise(2) that changes what memory does.  It
 * takes a look at every page table (/proc/self/smaps; 10 ms for a GiB), so it
 * is only done for a program that has called one of these functions
 * (lib/wrap/advice.c), again only when it has called one since or when the
 * mappings in question are others, and where possible in the child that writes.
 * All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_ADVICE_H
#define CKPT_CAPTURE_ADVICE_H

#include "lib/capture/arena.h"
#include "lib/capture/memory.h"
#include "lib/common/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CKPT_ADVICE_MAX = 512 };

struct ckpt_advice {
    _Atomic uint32_t given; /* counts calls of such functions */
    _Atomic bool of_locks;  /* one was about locks, or about fork() */
    int32_t lock_future;    /* MCL_* of mlockall() for what is mapped later */
    bool unlike_in_child;   /* some memory is absent or empty after fork() */
    bool late;              /* the look is left to who writes */
    uint32_t seen;   /* `given` at the last look, and a digest of the... */
    uint64_t places; /* ...mappings that the entries were about */
    size_t count;
    struct {
        uint64_t start, end;
        uint32_t what; /* one bit for each entry of the table in advice.c */
    } entries[CKPT_ADVICE_MAX];
};

/* The threads are stopped.  `may_wait`: a child may write that has all of the
 * memory.  0, or -1 with EBUSY when there are too many pieces. */
int ckpt_advice_look(struct ckpt_advice *advice,
                     const struct ckpt_memory *memory, bool may_wait,
                     struct ckpt_arena *arena, struct ckpt_err *err);

/* By who writes, before it looks at what memory contains. */
int ckpt_advice_look_late(struct ckpt_advice *advice, struct ckpt_arena *arena,
                          struct ckpt_err *err);

/* Between the two, libckpt's own memory is not locked. */
void ckpt_advice_pause(const struct ckpt_advice *advice);
void ckpt_advice_resume(const struct ckpt_advice *advice);

/* Give it again in the revived program.  What our limits do not allow is not
 * done. */
void ckpt_advice_give(struct ckpt_advice *advice);

#endif
