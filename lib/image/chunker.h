/* chunker.h - the bytes of the core file, cut in chunks, on their way to a sink
 *
 *     put          put_memory                              put
 *     headers ...  | chunk | chunk | chunk | chunk | ...   table
 *                   lane 0  lane 1  lane 2  lane 0  ...
 *
 * Headers, notes and the table are put in piece by piece by one thread.  The
 * memory between them is cut in chunks that several threads take, hash,
 * compress if so wished, and hand to the sink: each at its place where the sink
 * takes them so, else each in its turn.  A chunk may consist of many pieces of
 * memory; they are used where they stand and only gathered to be compressed.
 * Runs in the stopped process: lives in memory that the caller lends.
 */
#ifndef CKPT_IMAGE_CHUNKER_H
#define CKPT_IMAGE_CHUNKER_H

#include "lib/image/codec.h"
#include "lib/image/frames.h"
#include "lib/image/workers.h"

/* A chunk in the making. */
struct ckpt_chunk {
    size_t index;
    size_t len;
    size_t n;
    struct iovec pieces[CKPT_STREAM_PIECES];
    bool to_copy[CKPT_STREAM_PIECES]; /* into the lane's buffer, at its place */
};

/* What each thread has for itself. */
struct ckpt_lane {
    struct ckpt_chunk chunk;
    uint8_t *buffer; /* CKPT_IMAGE_CHUNK bytes */
    uint8_t *packed; /* one compressed chunk */
    struct ckpt_encoder *encoder;
    struct ckpt_err err;
};

struct ckpt_chunker {
    struct ckpt_sink *sink;
    struct ckpt_image_options options;
    bool anywhere; /* the sink takes chunks at their places */
    unsigned nlanes;
    struct ckpt_lane *lanes;
    uint8_t *stacks;
    size_t fill;               /* of the first lane's buffer, by put() */
    size_t next;               /* chunk */
    uint64_t *sums;            /* of the chunks */
    bool sums_taken;           /* no more are recorded */
    struct ckpt_frame *frames; /* of the compressed chunks */
    uint8_t *trailer;
    uint64_t out; /* bytes given to the sink */

    /* put_memory() */
    const struct ckpt_segment *segments;
    size_t nsegments;
    uint64_t used;    /* bytes of the first of these segments */
    uint64_t left;    /* bytes of all of them */
    uint32_t taking;  /* lock of the above, of `next` and `failed` */
    uint32_t hashing; /* lock: one processor is fast enough for it */
    uint32_t turn;    /* chunk that may go to the sink (modulo 2^32) */
    uint32_t failed;
    int errnum; /* why... */
    struct ckpt_err err;
};

/* Bytes of memory for a stream of `nchunks` chunks. */
size_t ckpt_chunker_size(const struct ckpt_image_options *options,
                         size_t nchunks);

/* `memory` is page-aligned.  0, or -1 with ENOMEM (too little), ENOTSUP. */
int ckpt_chunker_init(struct ckpt_chunker *c, struct ckpt_sink *sink,
                      const struct ckpt_image_options *options, size_t nchunks,
                      void *memory, size_t memory_len, struct ckpt_err *err);

/* Tell the sink what will come; open a compressed file. */
int ckpt_chunker_begin(struct ckpt_chunker *c, uint64_t core_size,
                       struct ckpt_err *err);

/* Append bytes; `data` NULL stands for zeros. */
int ckpt_chunker_put(struct ckpt_chunker *c, const void *data, size_t len,
                     struct ckpt_err *err);

/* Append the contents of these segments. */
int ckpt_chunker_put_memory(struct ckpt_chunker *c,
                            const struct ckpt_segment *segments,
                            size_t nsegments, struct ckpt_err *err);

/* The checksums of everything put in so far; the last one is of a chunk that
 * may yet grow.  Chunks that follow are not recorded: to be called once. */
const uint64_t *ckpt_chunker_sums(struct ckpt_chunker *c, size_t *count);

/* Write what is left, and the trailer of a compressed file. */
int ckpt_chunker_end(struct ckpt_chunker *c, uint64_t core_size,
                     struct ckpt_err *err);

#endif
