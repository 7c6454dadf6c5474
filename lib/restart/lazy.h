/* lazy.h - which memory is mapped from the image, or brought by a pager,
 * instead of being read
 *
 * The other half is lib/capture/lazy.h, in the revived program.
 */
#ifndef CKPT_RESTART_LAZY_H
#define CKPT_RESTART_LAZY_H

#include "lib/capture/lazy.h"
#include "lib/common/err.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"

#include <stdbool.h>
#include <stddef.h>

/* What is mapped or paged: the table for the revived program.  NULL: nothing,
 * all memory is read. */
struct ckpt_lazy_plan {
    struct ckpt_lazy_table *table;
    int pager;               /* socket (pager.h); -1: memory is mapped */
    struct ckpt_span *spans; /* of paged memory, in order */
    size_t nspans;
};

/* Decide to map: large pieces of private memory, when the image is a plain
 * file on a file system of this machine, the kernel can trap system calls, and
 * no limit on memory is set.  `checked`: the whole image has been verified
 * already.  0, or -1 for lack of memory. */
int ckpt_lazy_decide(struct ckpt_lazy_plan *plan, struct ckpt_image *image,
                     const char *path, const struct ckpt_notes *notes,
                     bool checked, struct ckpt_err *err);

/* Decide to page: private memory of compressed images and increments, when the
 * kernel can trap system calls and lets us.  Then a pager has been started,
 * which must be armed. */
int ckpt_lazy_page(struct ckpt_lazy_plan *plan, struct ckpt_image *image,
                   const char *path, const struct ckpt_notes *notes,
                   struct ckpt_err *err);
/* In the process that becomes the program.  Where that fails all is read. */
void ckpt_lazy_arm(struct ckpt_lazy_plan *plan);

/* Ends the pager as well. */
void ckpt_lazy_free(struct ckpt_lazy_plan *plan);

/* Is the segment at this address mapped or paged? */
bool ckpt_lazy_covers(const struct ckpt_lazy_plan *plan, uint64_t vaddr);

/* The pieces to be mapped in [start, end): the first, their number in *count.
 */
const struct ckpt_lazy_piece *
ckpt_lazy_within(const struct ckpt_lazy_plan *plan, uint64_t start,
                 uint64_t end, size_t *count);

#endif
