/* lazy.h - a restarted program whose memory is still in the image
 *
 *     restarter            the program              loader
 *     ---------            -----------              ------
 *     maps large pieces    revived: makes the       (shares the memory)
 *     of memory from the   loader, goes on at       reads a part of the image
 *     image (stage.c)      once                     into anonymous memory,
 *                                                   checks it
 *                          stops, brings what was   <- order
 *                          written since into the
 *                          new memory, puts it in
 *                          the place of the old     -> the next part...
 *
 * A private mapping of a file is no anonymous memory: MADV_DONTNEED brings the
 * file's contents back, mremap() grows into the next bytes of the file, a
 * forked child keeps it for ever.  So until all is loaded, every system call of
 * the program is trapped (syscall user dispatch, Linux 5.11), and those that
 * could tell the difference wait.  Afterwards nothing is left of all this, and
 * the memory is as after any other restart.  Checkpoints wait, too: nothing
 * unchecked gets into a new image.
 *
 * What cannot be mapped, compressed images and increments with their bases, is
 * brought by a pager, a process that the restarter leaves behind
 * (lib/restart/pager.h): the memory is anonymous from the start, but pages that
 * are not there yet make whoever touches them wait (userfaultfd).  Calls are
 * trapped for the same reasons; the loader only waits for the pager's word.
 *
 * All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_LAZY_H
#define CKPT_CAPTURE_LAZY_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A mapping of which parts are mapped from the image. */
struct ckpt_lazy_range {
    uint64_t start, end;
    uint32_t prot, unused;
};

/* Such a part: page-aligned, in one range; ordered by address. */
struct ckpt_lazy_piece {
    uint64_t start, len;
    uint64_t offset; /* in the image file */
};

/* What the restarter tells: one block, in the hole of revive.h. */
struct ckpt_lazy_table {
    uint64_t bytes; /* of the whole block */
    uint64_t covered,
        chunk; /* nsums checksums over so many bytes of the file */
    uint32_t nranges, npieces, nsums;
    char image[4096];
    /* struct ckpt_lazy_range ranges[nranges];
     * struct ckpt_lazy_piece pieces[npieces]; none: a pager brings it all
     * uint64_t sums[nsums]; none: they have been checked */
};

static inline struct ckpt_lazy_range *
ckpt_lazy_ranges(const struct ckpt_lazy_table *t)
{
    return (struct ckpt_lazy_range *)(uintptr_t)(t + 1);
}

static inline struct ckpt_lazy_piece *
ckpt_lazy_pieces(const struct ckpt_lazy_table *t)
{
    return (struct ckpt_lazy_piece *)(ckpt_lazy_ranges(t) + t->nranges);
}

static inline uint64_t *ckpt_lazy_sums(const struct ckpt_lazy_table *t)
{
    return (uint64_t *)(ckpt_lazy_pieces(t) + t->npieces);
}

/* What the pager says when it has finished; before it, a message of one byte
 * with the userfaultfd, which must be held until then. */
struct ckpt_lazy_word {
    int32_t error; /* 0: all is there; else errno */
    uint32_t unused;
    char cause[248];
};

/* In the captor of the revived process, while all threads are parked: take the
 * table over, and start loading from `fd`, or, when the program could notice
 * (`at_once`: it has hooks to be called now), load everything before this
 * returns.  -1 with the cause: the program cannot go on. */
int ckpt_lazy_start(const struct ckpt_lazy_table *table, int fd, bool at_once,
                    struct ckpt_err *err);

/* Memory is still being loaded: checkpoints wait. */
bool ckpt_lazy_active(void);
/* Return when it is not. */
void ckpt_lazy_wait(void);

/* Every thread, each time it leaves a stop: begin or end to trap its calls. */
void ckpt_lazy_pass(void);

/* A signal of the loader (its si_value.sival_ptr). */
bool ckpt_lazy_is_order(const void *value);
/* Stop all threads and carry the order out; the caller is the captor and on
 * libckpt's stack.  1, 0 when the order has been obeyed before, -1 when a
 * thread does not stop. */
long ckpt_lazy_obey(void *unused);

#endif
