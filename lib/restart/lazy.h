/* lazy.h - which memory is mapped from the image instead of being read
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

/* What is mapped: the table for the revived program.  NULL: nothing, all
 * memory is read. */
struct ckpt_lazy_plan {
    struct ckpt_lazy_table *table;
};

/* Decide: large pieces of private memory, when the image is a plain file on a
 * file system of this machine, the kernel can trap system calls, and no limit
 * on memory is set.  `checked`: the whole image has been verified already.
 * 0, or -1 for lack of memory. */
int ckpt_lazy_decide(struct ckpt_lazy_plan *plan, struct ckpt_image *image,
                     const char *path, const struct ckpt_notes *notes,
                     bool checked, struct ckpt_err *err);
void ckpt_lazy_free(struct ckpt_lazy_plan *plan);

/* The pieces in [start, end): the first, their number in *count. */
const struct ckpt_lazy_piece *
ckpt_lazy_within(const struct ckpt_lazy_plan *plan, uint64_t start,
                 uint64_t end, size_t *count);

#endif
