/* chunker.c - see chunker.h */
#include "lib/image/chunker.h"

#include "lib/image/checksum.h"
#include "lib/image/format.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* The parts of the lent memory, in order; page-aligned where it may matter to
 * the sink. */
struct parts {
    size_t chunk, packed, sums, frames, trailer, encoder, end;
};

static struct parts divide(enum ckpt_codec codec, size_t nchunks)
{
    bool packs = codec != CKPT_CODEC_NONE;
    struct parts p = {0};

    p.packed = p.chunk + CKPT_IMAGE_CHUNK;
    p.sums = p.packed + ckpt_align(ckpt_encoder_bound(codec), CKPT_IMAGE_PAGE);
    p.frames = p.sums + nchunks * sizeof(uint64_t);
    p.trailer = p.frames + (packs ? nchunks * sizeof(struct ckpt_frame) : 0);
    p.encoder = p.trailer +
                (packs ? ckpt_align(ckpt_trailer_size(codec, nchunks), 64) : 0);
    p.encoder = ckpt_align(p.encoder, 64);
    p.end = ckpt_align(p.encoder + ckpt_encoder_size(codec), CKPT_IMAGE_PAGE);
    return p;
}

size_t ckpt_chunker_size(enum ckpt_codec codec, size_t nchunks)
{
    return divide(codec, nchunks).end;
}

int ckpt_chunker_init(struct ckpt_chunker *c, struct ckpt_sink *sink,
                      enum ckpt_codec codec, size_t nchunks, void *memory,
                      size_t memory_len, struct ckpt_err *err)
{
    struct parts p = divide(codec, nchunks);
    uint8_t *base = memory;

    if (memory_len < p.end || (uintptr_t)memory % CKPT_IMAGE_PAGE)
        return ckpt_err_set(err, ENOMEM,
                            "the image needs %zu bytes to work in, has %zu",
                            p.end, memory_len);
    *c = (struct ckpt_chunker){.sink = sink, .codec = codec};
    c->chunk = base + p.chunk;
    c->packed = base + p.packed;
    c->sums = (uint64_t *)(base + p.sums);
    c->frames = (struct ckpt_frame *)(base + p.frames);
    c->trailer = base + p.trailer;
    if (codec == CKPT_CODEC_NONE)
        return 0;
    c->encoder =
        ckpt_encoder_init(codec, base + p.encoder, p.end - p.encoder, err);
    return c->encoder ? 0 : -1;
}

static int emit(struct ckpt_chunker *c, const void *data, size_t len,
                struct ckpt_err *err)
{
    if (c->sink->write(c->sink, data, len, err))
        return -1;
    c->out += len;
    return 0;
}

static int emit_packed(struct ckpt_chunker *c, const void *data, size_t len,
                       struct ckpt_err *err)
{
    size_t n = ckpt_encode(c->encoder, data, len, c->packed, err);

    if (n == 0)
        return -1;
    c->frames[c->nframes++] =
        (struct ckpt_frame){ckpt_checksum(c->packed, n), (uint32_t)n};
    return emit(c, c->packed, n, err);
}

static int emit_chunk(struct ckpt_chunker *c, const void *data, size_t len,
                      struct ckpt_err *err)
{
    if (!c->sums_taken)
        c->sums[c->nsums++] = ckpt_checksum(data, len);
    if (c->codec == CKPT_CODEC_NONE)
        return emit(c, data, len, err);
    return emit_packed(c, data, len, err);
}

/* Add to the chunk being assembled; returns how much went in. */
static size_t fill_chunk(struct ckpt_chunker *c, const void *data, size_t len)
{
    size_t room = CKPT_IMAGE_CHUNK - c->fill;
    size_t n = len < room ? len : room;

    if (data)
        memcpy(c->chunk + c->fill, data, n);
    else
        memset(c->chunk + c->fill, 0, n);
    c->fill += n;
    return n;
}

int ckpt_chunker_put(struct ckpt_chunker *c, const void *data, size_t len,
                     struct ckpt_err *err)
{
    const uint8_t *at = data;

    while (len > 0) {
        size_t n = CKPT_IMAGE_CHUNK;
        int rc = 0;
        if (at && c->fill == 0 && len >= CKPT_IMAGE_CHUNK) {
            rc = emit_chunk(c, at, CKPT_IMAGE_CHUNK, err);
        } else {
            n = fill_chunk(c, at, len);
            if (c->fill == CKPT_IMAGE_CHUNK) {
                c->fill = 0;
                rc = emit_chunk(c, c->chunk, CKPT_IMAGE_CHUNK, err);
            }
        }
        if (rc)
            return -1;
        at = at ? at + n : NULL;
        len -= n;
    }
    return 0;
}

const uint64_t *ckpt_chunker_sums(struct ckpt_chunker *c, size_t *count)
{
    c->sums_taken = true;
    *count = c->nsums;
    if (c->fill > 0)
        c->sums[(*count)++] = ckpt_checksum(c->chunk, c->fill);
    return c->sums;
}

int ckpt_chunker_begin(struct ckpt_chunker *c, uint64_t core_size,
                       struct ckpt_err *err)
{
    uint8_t lead[CKPT_LEAD_MAX];

    if (c->codec == CKPT_CODEC_NONE)
        return 0;
    return emit(c, lead, ckpt_lead_build(c->codec, core_size, lead), err);
}

int ckpt_chunker_end(struct ckpt_chunker *c, uint64_t core_size,
                     struct ckpt_err *err)
{
    if (c->fill > 0 && emit_chunk(c, c->chunk, c->fill, err))
        return -1;
    c->fill = 0;
    if (c->codec == CKPT_CODEC_NONE)
        return 0;
    assert(c->nframes == ckpt_chunks(core_size));
    ckpt_trailer_build(c->codec, core_size, c->frames, c->nframes, c->trailer);
    return emit(c, c->trailer, ckpt_trailer_size(c->codec, c->nframes), err);
}
