/* merge_file.h - an increment becomes a whole image, under its own names */
#ifndef CKPT_IMAGE_MERGE_FILE_H
#define CKPT_IMAGE_MERGE_FILE_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ckpt_merged {
    bool was_whole;   /* it stands by itself: there was nothing to do */
    bool was_newer;   /* PATH got a newer image meanwhile, which stays */
    unsigned removed; /* bases that nothing needs any more */
    uint64_t bytes;   /* of the new file */
};

/* Put the increment at `path` and its bases together in one image with the same
 * id and codec, make it durable, and give it the name `path` and the one that
 * the increment had among the bases (bases.h), so that images that build on it
 * build on the new one.  A program may go on writing images there meanwhile:
 * its newest is never replaced.  Whoever dies on the way leaves a whole chain
 * and at most a temporary file, which the next writer removes.
 *
 * Takes as much memory as a compressed image has contents, an uncompressed one
 * next to none.  0, or -1 with errno (ENOSPC,
 * EBADMSG...) and err; then nothing has changed. */
int ckpt_image_merge_file(const char *path, struct ckpt_merged *merged,
                          struct ckpt_err *err);

#endif
