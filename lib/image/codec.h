/* codec.h - one chunk of the core file, compressed on its own
 *
 * A compressed chunk is a whole zstd frame or a whole gzip member.  What does
 * not shrink is stored, in a frame or member all the same.
 *
 * The encoder runs in the stopped process: it lives in memory that the caller
 * lends and calls nothing of libc but memcpy and the like.  The decoder runs
 * in the tools and allocates.
 */
#ifndef CKPT_IMAGE_CODEC_H
#define CKPT_IMAGE_CODEC_H

#include "lib/image/image.h"

struct ckpt_encoder; /* inside the memory given to ckpt_encoder_init */

/* Bytes for an encoder of this codec; 0 for CKPT_CODEC_NONE. */
size_t ckpt_encoder_size(enum ckpt_codec codec);

/* The most that a chunk of CKPT_IMAGE_CHUNK bytes can become. */
size_t ckpt_encoder_bound(enum ckpt_codec codec);

/* Make an encoder in `memory` (16-byte aligned, ckpt_encoder_size() bytes).
 * It needs no clearing up.  NULL with EINVAL, or ENOTSUP for a codec that is
 * not compiled in. */
struct ckpt_encoder *ckpt_encoder_init(enum ckpt_codec codec, void *memory,
                                       size_t len, struct ckpt_err *err);

/* Compress one chunk into dst, which holds ckpt_encoder_bound() bytes.
 * Returns the length, or 0 with EIO and err if the library failed. */
size_t ckpt_encode(struct ckpt_encoder *encoder, const void *src, size_t len,
                   void *dst, struct ckpt_err *err);

/* Decompress a whole frame or member that must become exactly `dst_len`
 * bytes.  0, or -1 with EBADMSG, ENOMEM or ENOTSUP. */
int ckpt_decode(enum ckpt_codec codec, const void *src, size_t len, void *dst,
                size_t dst_len, struct ckpt_err *err);

#endif
