/* release.h - the writing child gives back what it has written
 *
 * As long as parent and child share a page, the program's first write to it
 * costs a copy, and that copy memory.  The child needs a page no more once it
 * is in the file.  Giving it back early bounds the growth, and the program
 * goes on without copying.
 *
 * Only in the child, only private anonymous memory, and only whole huge pages
 * (2 MiB), so that none is split.
 */
#ifndef CKPT_CAPTURE_RELEASE_H
#define CKPT_CAPTURE_RELEASE_H

#include "lib/capture/memory.h"
#include "lib/capture/thread.h"

enum { CKPT_RELEASE_PENDING = 64, CKPT_RELEASE_KEPT = 4 };

struct ckpt_release {
    const struct ckpt_memory *memory;
    struct ckpt_span kept[CKPT_RELEASE_KEPT]; /* what the child itself needs */
    int pagemap;
    uint32_t lock;
    struct {
        uintptr_t block;
        size_t written;              /* bytes of it */
    } pending[CKPT_RELEASE_PENDING]; /* by address, modulo */
    uint64_t copied;                 /* pages that the program had copied */
};

/* Begin; the captor's is the thread that goes on in the child. */
void ckpt_release_begin(struct ckpt_release *release,
                        const struct ckpt_memory *memory,
                        const struct ckpt_thread *captor);

/* For struct ckpt_image_options: `arg` is the release. */
void ckpt_release_written(void *arg, const void *data, size_t len);

void ckpt_release_end(struct ckpt_release *release);

/* The memory that is free is so little that a child should not be made: the
 * copies that the program's writes cause would not find room. */
bool ckpt_release_hopeless(void);

/* The child: of lower priority at the disk, and the first to go when memory
 * runs out, so that a checkpoint fails and not the program.  When one of its
 * threads has something to do, which is often and for moments, it does not take
 * the processor from the program (SCHED_BATCH); where all are wanted it gets a
 * third of what the program's threads get.  With less (SCHED_IDLE) the image
 * takes longer, and as long as it does the program pays for every page that it
 * changes. */
void ckpt_release_be_humble(void);

#endif
