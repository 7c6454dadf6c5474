/* dirty.h - which pages of private memory changed since they were protected
 *
 *     uffd        userfaultfd with WP_ASYNC, asked by PAGEMAP_SCAN (Linux 6.7):
 *                 a page is unchanged as long as the protection that was put
 *                 on it stands.  Whatever takes the page away or moves it
 *                 (munmap, mremap, MADV_DONTNEED) takes the protection too.
 *                 Where the kernel can be trusted with it, by its quick way
 *                 (written.h).
 *     softdirty   the kernel's soft-dirty bits, where it has them
 *     hash        no help of the kernel: see hashes.h
 *
 * The userfaultfd has a high number and is close-on-exec.  When the program
 * closes it, all protection ends and everything counts as changed.
 *
 * All threads are stopped.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_DIRTY_H
#define CKPT_CAPTURE_DIRTY_H

#include "lib/common/err.h"
#include "lib/image/notes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Belongs to the process and not to the program: lives in unsaved memory. */
struct ckpt_tracker {
    uint32_t method; /* enum ckpt_dirty_method; CKPT_DIRTY_OFF: not probed */
    int32_t fd;      /* userfaultfd; valid when ino is not 0 and is still its */
    uint64_t ino;
    uint32_t quick; /* the kernel offers written.h's way */
};

/* A run of pages that hold something; runs are in order of address. */
struct ckpt_run {
    uint64_t start, end;
    const uint8_t *data; /* a copy of the contents; NULL: where they are */
    bool changed;
};

/* Collected in memory that the caller lends; no run reaches over the end of
 * its mapping. */
struct ckpt_runs {
    struct ckpt_run *list;
    size_t count, room;
    bool overflow; /* there were more */
    uint64_t from; /* start of the mapping that is scanned */
    uint64_t bytes, changed_bytes;
};

/* Add a run; it joins the last one where that fits. */
void ckpt_runs_add(struct ckpt_runs *runs, uint64_t start, uint64_t end,
                   bool changed);

/* Find out how changed pages can be found: by `wanted`, or by the best there
 * is when that is CKPT_DIRTY_OFF.  0, or -1 with ENOTSUP when `wanted` is not
 * offered here. */
int ckpt_tracker_probe(struct ckpt_tracker *t, uint32_t wanted,
                       struct ckpt_err *err);

/* Is this descriptor the tracker's? */
bool ckpt_tracker_owns(const struct ckpt_tracker *t, int fd);

/* Can changes in this mapping (anonymous and private) be followed?  Begins to
 * follow them if that was not so; everything in it counts as changed then. */
bool ckpt_tracker_follow(struct ckpt_tracker *t, uint64_t start, uint64_t end);

/* Append the runs of a mapping that is followed; its pages are protected
 * anew.  Pages that are not there may be in the runs, where no base has any.
 * For soft-dirty, ckpt_tracker_restart() does that for all.  0 or -1. */
int ckpt_tracker_scan(struct ckpt_tracker *t, uint64_t start, uint64_t end,
                      struct ckpt_runs *runs, struct ckpt_err *err);
int ckpt_tracker_restart(struct ckpt_tracker *t, struct ckpt_err *err);

#endif
