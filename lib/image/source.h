/* source.h - the bytes of the core file, out of a plain or a compressed image
 *
 * The lowest layer of reading: chunks in, bytes out; knows nothing of ELF.  It
 * trusts nothing: sizes are checked against the file's before they are used.
 */
#ifndef CKPT_IMAGE_SOURCE_H
#define CKPT_IMAGE_SOURCE_H

#include "lib/image/frames.h"

struct ckpt_source {
    int fd;
    enum ckpt_codec codec;
    uint64_t file_size;
    uint64_t core_size; /* plain: the same */
    size_t nchunks;
    struct ckpt_frame *frames; /* compressed: one per chunk... */
    uint64_t *offsets;         /* ...and where it stands in the file */
    size_t largest;            /* frame of them */
    uint8_t *packed;           /* room for it */

    uint64_t *sums;   /* checksums of the core's chunks, when known... */
    size_t nsums;     /* ...of the first so many... */
    uint64_t covered; /* ...which are over this many bytes */
    uint8_t *checked; /* one flag per chunk: the bytes were right */

    uint8_t *cache; /* one chunk... */
    size_t cached;  /* ...which one, or SIZE_MAX */
};

/* Take over `fd` (also on failure it stays the caller's to close... until
 * this returns 0).  0, or -1 with the errno of ckpt_image_open. */
int ckpt_source_open(struct ckpt_source *source, int fd, struct ckpt_err *err);
void ckpt_source_close(struct ckpt_source *source);

/* The checksums of all following reads.  Takes over `sums`. */
void ckpt_source_set_sums(struct ckpt_source *source, uint64_t *sums,
                          size_t nsums, uint64_t covered);

/* Read core bytes; everything that is read is checked first.  0, or -1 with
 * EBADMSG (a checksum), ENODATA (past the end), EIO, ENOMEM. */
int ckpt_source_read(struct ckpt_source *source, uint64_t offset, void *buf,
                     size_t len, struct ckpt_err *err);

/* Read chunk `i`, whole, to `dst`, checked; `packed` has room for `largest`
 * bytes.  Several threads may do it at once, each for other chunks.  0, or -1
 * as ckpt_source_read(). */
int ckpt_source_chunk(struct ckpt_source *source, size_t i, uint8_t *packed,
                      uint8_t *dst, struct ckpt_err *err);
size_t ckpt_source_chunk_len(const struct ckpt_source *source, size_t i);

/* Parts of the chunk can be read by themselves: it is not compressed, and has
 * been checked.  ckpt_source_read() of them is safe in several threads. */
bool ckpt_source_is_open(const struct ckpt_source *source, size_t i);

#endif
