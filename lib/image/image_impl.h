/* image_impl.h - what the files that read images share
 *
 * An increment is opened with all its bases, which it owns.  Its offsets go on
 * where its own core file ends (at the next page): there begin those of its
 * base, and so on.
 */
#ifndef CKPT_IMAGE_IMAGE_IMPL_H
#define CKPT_IMAGE_IMAGE_IMPL_H

#include "lib/image/image.h"
#include "lib/image/source.h"

#include <elf.h>

struct ckpt_image {
    struct ckpt_source source;
    char *path; /* as it was opened */
    uint32_t version;
    uint64_t table_offset;
    Elf64_Phdr *phdrs;
    size_t phnum;
    uint8_t *notes; /* the first note segment */
    size_t notes_len;
    struct ckpt_image_segment *segments; /* in the file itself */
    size_t nsegments;

    struct ckpt_image *base; /* NULL: not an increment */
    struct ckpt_image_segment *merged;
    size_t nmerged;
};

/* Headers, FORMAT note and checksums, checked; 0 or -1. */
int ckpt_headers_read(struct ckpt_image *image, struct ckpt_err *err);
/* Then notes and segments. */
int ckpt_contents_read(struct ckpt_image *image, struct ckpt_err *err);
/* Allocate and read `len` core bytes; NULL on failure.  What cannot be there
 * is not allocated. */
void *ckpt_headers_alloc(struct ckpt_image *image, uint64_t offset,
                         uint64_t len, struct ckpt_err *err);

/* One file, without its bases. */
struct ckpt_image *ckpt_image_open_one(const char *path, struct ckpt_err *err);

/* Open the bases of an image that has been opened by itself, and merge the
 * segments.  0 (also when it has none), or -1 with ENOLINK when a base is
 * missing, or the errno of ckpt_image_open() for one that is damaged. */
int ckpt_chain_open(struct ckpt_image *image, struct ckpt_err *err);

/* Where the base's offsets begin. */
uint64_t ckpt_chain_base_offset(const struct ckpt_image *image);

#endif
