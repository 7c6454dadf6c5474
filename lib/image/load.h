/* load.h - much of an image at once, by several threads
 *
 *     pieces    what is wanted: bytes of the core, of bases too, and where
 *     units     the chunks that they are in, of the image and its bases; each
 *               is read, checked and unpacked once
 *     parts     what a unit gives to the pieces
 *
 * Ordinary code; only in the tools.
 */
#ifndef CKPT_IMAGE_LOAD_H
#define CKPT_IMAGE_LOAD_H

#include "lib/image/image.h"

struct ckpt_load_part {
    uint64_t to;        /* the piece's, so far into it */
    uint32_t skip, len; /* in the chunk */
};

struct ckpt_load_unit {
    struct ckpt_image *image; /* the one of the chain that has it */
    size_t chunk;
    size_t first, count; /* parts */
};

struct ckpt_load {
    const struct ckpt_image *image;
    struct ckpt_load_unit *units; /* in the order of the files */
    struct ckpt_load_part *parts;
    size_t nunits, nparts;
    size_t packed_len; /* of the largest chunk, compressed */
};

/* Plan to load these pieces.  0, or -1 with ENOMEM, or ENODATA for a piece that
 * is not in the image.  The image must outlive the plan. */
int ckpt_load_plan(struct ckpt_load *load, struct ckpt_image *image,
                   const struct ckpt_image_piece *pieces, size_t n,
                   struct ckpt_err *err);
/* Plan to look at all of the file, not at its bases. */
int ckpt_load_plan_all(struct ckpt_load *load, struct ckpt_image *image,
                       struct ckpt_err *err);
void ckpt_load_clear(struct ckpt_load *load);

/* What each thread needs for itself. */
struct ckpt_load_room {
    uint8_t *chunk, *packed;
};
int ckpt_load_room_make(struct ckpt_load_room *room,
                        const struct ckpt_load *load, struct ckpt_err *err);
void ckpt_load_room_clear(struct ckpt_load_room *room);

/* Read unit `i`, checked, into room->chunk.  0, or -1 with errno and err, which
 * names the base that is at fault. */
int ckpt_load_read(const struct ckpt_load *load, size_t i,
                   struct ckpt_load_room *room, struct ckpt_err *err);

/* Read all units and copy their parts to where they shall be, by two
 * threads for each processor.  0, or -1 with the first error in the order
 * of units. */
int ckpt_load_run(const struct ckpt_load *load, struct ckpt_err *err);

#endif
