/* chunker.h - a stream of bytes, cut in chunks, on its way to a sink
 *
 * The core file is put in piece by piece, in order.  Every chunk is hashed,
 * compressed if so wished, and handed to the sink.  A chunk that lies whole in
 * one piece is used where it stands; only the seams are copied.  Runs in the
 * stopped process: lives in memory that the caller lends.
 */
#ifndef CKPT_IMAGE_CHUNKER_H
#define CKPT_IMAGE_CHUNKER_H

#include "lib/image/codec.h"
#include "lib/image/frames.h"

struct ckpt_chunker {
    struct ckpt_sink *sink;
    enum ckpt_codec codec;
    struct ckpt_encoder *encoder;
    uint8_t *chunk; /* CKPT_IMAGE_CHUNK bytes, filled up to... */
    size_t fill;
    uint8_t *packed;           /* one compressed chunk */
    uint64_t *sums;            /* of the chunks... */
    size_t nsums;              /* ...so far */
    bool sums_taken;           /* no more are recorded */
    struct ckpt_frame *frames; /* of the compressed chunks */
    size_t nframes;
    uint8_t *trailer;
    uint64_t out; /* bytes given to the sink */
};

/* Bytes of memory for a stream of `nchunks` chunks. */
size_t ckpt_chunker_size(enum ckpt_codec codec, size_t nchunks);

/* `memory` is page-aligned.  0, or -1 with ENOMEM (too little), ENOTSUP. */
int ckpt_chunker_init(struct ckpt_chunker *c, struct ckpt_sink *sink,
                      enum ckpt_codec codec, size_t nchunks, void *memory,
                      size_t memory_len, struct ckpt_err *err);

/* Open a compressed file; nothing to do for a plain one. */
int ckpt_chunker_begin(struct ckpt_chunker *c, uint64_t core_size,
                       struct ckpt_err *err);

/* Append bytes; `data` NULL stands for zeros. */
int ckpt_chunker_put(struct ckpt_chunker *c, const void *data, size_t len,
                     struct ckpt_err *err);

/* The checksums of everything put in so far; the last one is of a chunk that
 * may yet grow.  Chunks that follow are not recorded: to be called once. */
const uint64_t *ckpt_chunker_sums(struct ckpt_chunker *c, size_t *count);

/* Write what is left, and the trailer of a compressed file. */
int ckpt_chunker_end(struct ckpt_chunker *c, uint64_t core_size,
                     struct ckpt_err *err);

#endif
