/* seals.h - memory that is sealed against changes: mseal(2), Linux 6.10
 *
 * A restart makes it anew, so it is in nobody's way; the revived program seals
 * it again when everything is in its place.
 * All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_SEALS_H
#define CKPT_CAPTURE_SEALS_H

#include "lib/capture/memory.h"
#include "lib/common/err.h"

#include <stddef.h>

enum { CKPT_SEALS_MAX = 1024 };

struct ckpt_seals {
    size_t count;
    struct ckpt_range list[CKPT_SEALS_MAX];
};

/* 0, or -1 with EBUSY when there are too many, or when one holds contents that
 * cannot be read and cannot be made readable. */
int ckpt_seals_look(struct ckpt_seals *seals, const struct ckpt_memory *memory,
                    struct ckpt_err *err);

void ckpt_seals_give(const struct ckpt_seals *seals);

#endif
