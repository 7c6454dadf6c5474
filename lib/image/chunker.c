/* chunker.c - see chunker.h */
#include "lib/image/chunker.h"

#include "lib/common/futex.h"
#include "lib/image/checksum.h"
#include "lib/image/format.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* The parts of the lent memory, in order; page-aligned where it may matter to
 * the sink. */
struct parts {
    size_t lanes, stacks, sums, frames, trailer, each_lane, end;
    size_t packed, encoder, lane_len; /* inside of what each lane has */
};

static unsigned lanes_for(const struct ckpt_image_options *options)
{
    unsigned n = options->threads;

    if (options->codec == CKPT_CODEC_NONE)
        return CKPT_STREAM_LANES;
    return n < 1 ? 1 : n < CKPT_WORKERS_MAX ? n : CKPT_WORKERS_MAX;
}

static struct parts divide(const struct ckpt_image_options *options,
                           size_t nchunks)
{
    enum ckpt_codec codec = options->codec;
    unsigned nlanes = lanes_for(options);
    bool packs = codec != CKPT_CODEC_NONE;
    struct parts p = {0};

    p.stacks = ckpt_align(nlanes * sizeof(struct ckpt_lane), CKPT_IMAGE_PAGE);
    p.sums = p.stacks + (size_t)(nlanes - 1) * CKPT_WORKER_STACK;
    p.frames = p.sums + nchunks * sizeof(uint64_t);
    p.trailer = p.frames + (packs ? nchunks * sizeof(struct ckpt_frame) : 0);
    p.each_lane =
        ckpt_align(p.trailer + (packs ? ckpt_trailer_size(codec, nchunks) : 0),
                   CKPT_IMAGE_PAGE);
    p.packed = CKPT_IMAGE_CHUNK;
    p.encoder =
        p.packed + ckpt_align(ckpt_encoder_bound(codec), CKPT_IMAGE_PAGE);
    p.lane_len =
        ckpt_align(p.encoder + ckpt_encoder_size(codec), CKPT_IMAGE_PAGE);
    p.end = p.each_lane + nlanes * p.lane_len;
    return p;
}

size_t ckpt_chunker_size(const struct ckpt_image_options *options,
                         size_t nchunks)
{
    return divide(options, nchunks).end;
}

static int init_lane(struct ckpt_chunker *c, struct ckpt_lane *lane,
                     uint8_t *memory, const struct parts *p,
                     struct ckpt_err *err)
{
    lane->buffer = memory;
    lane->packed = memory + p->packed;
    if (c->options.codec == CKPT_CODEC_NONE)
        return 0;
    lane->encoder = ckpt_encoder_init(c->options.codec, memory + p->encoder,
                                      p->lane_len - p->encoder, err);
    return lane->encoder ? 0 : -1;
}

int ckpt_chunker_init(struct ckpt_chunker *c, struct ckpt_sink *sink,
                      const struct ckpt_image_options *options, size_t nchunks,
                      void *memory, size_t memory_len, struct ckpt_err *err)
{
    struct parts p = divide(options, nchunks);
    uint8_t *base = memory;

    if (memory_len < p.end || (uintptr_t)memory % CKPT_IMAGE_PAGE)
        return ckpt_err_set(err, ENOMEM,
                            "the image needs %zu bytes to work in, has %zu",
                            p.end, memory_len);
    memset(c, 0, sizeof *c);
    c->sink = sink;
    c->options = *options;
    c->anywhere = options->codec == CKPT_CODEC_NONE && sink->write_at;
    c->nlanes = c->anywhere || options->codec != CKPT_CODEC_NONE
                    ? lanes_for(options)
                    : 1;
    c->lanes = (struct ckpt_lane *)base;
    c->stacks = base + p.stacks;
    c->sums = (uint64_t *)(base + p.sums);
    c->frames = (struct ckpt_frame *)(base + p.frames);
    c->trailer = base + p.trailer;
    for (unsigned i = 0; i < c->nlanes; i++)
        if (init_lane(c, &c->lanes[i], base + p.each_lane + i * p.lane_len, &p,
                      err))
            return -1;
    return 0;
}

/* --- from a chunk to the sink ------------------------------------------- */

/* Wait until all chunks before this one have gone to the sink.  False when
 * that will never be. */
static bool await_turn(struct ckpt_chunker *c, size_t index)
{
    for (;;) {
        uint32_t turn = __atomic_load_n(&c->turn, __ATOMIC_ACQUIRE);
        if (turn == (uint32_t)index)
            return true;
        if (__atomic_load_n(&c->failed, __ATOMIC_ACQUIRE))
            return false;
        ckpt_futex_wait(&c->turn, turn, 1000);
    }
}

static void pass_turn(struct ckpt_chunker *c)
{
    __atomic_fetch_add(&c->turn, 1, __ATOMIC_RELEASE);
    ckpt_futex_wake_all(&c->turn);
}

static int emit(struct ckpt_chunker *c, const void *data, size_t len,
                struct ckpt_err *err)
{
    if (c->sink->write(c->sink, data, len, err))
        return -1;
    c->out += len;
    return 0;
}

/* All pieces in one place, the lane's buffer unless there is only one. */
static const void *gather(struct ckpt_lane *lane)
{
    const struct ckpt_chunk *chunk = &lane->chunk;
    size_t at = 0;

    if (chunk->n == 1)
        return chunk->pieces[0].iov_base;
    for (size_t i = 0; i < chunk->n; i++) {
        const struct iovec *p = &chunk->pieces[i];
        if (p->iov_base != lane->buffer + at)
            memcpy(lane->buffer + at, p->iov_base, p->iov_len);
        at += p->iov_len;
    }
    return lane->buffer;
}

static int emit_packed(struct ckpt_chunker *c, struct ckpt_lane *lane)
{
    const struct ckpt_chunk *chunk = &lane->chunk;
    const void *data = gather(lane);
    size_t n =
        ckpt_encode(lane->encoder, data, chunk->len, lane->packed, &lane->err);

    if (n == 0)
        return -1;
    c->frames[chunk->index] =
        (struct ckpt_frame){ckpt_checksum(lane->packed, n), (uint32_t)n};
    if (!await_turn(c, chunk->index) ||
        emit(c, lane->packed, n, &lane->err) < 0)
        return -1;
    pass_turn(c);
    return 0;
}

static int emit_pieces(struct ckpt_chunker *c, struct ckpt_lane *lane)
{
    const struct ckpt_chunk *chunk = &lane->chunk;

    if (!await_turn(c, chunk->index))
        return -1;
    for (size_t i = 0; i < chunk->n; i++)
        if (emit(c, chunk->pieces[i].iov_base, chunk->pieces[i].iov_len,
                 &lane->err) < 0)
            return -1;
    pass_turn(c);
    return 0;
}

static void hash_chunk(struct ckpt_chunker *c, const struct ckpt_chunk *chunk)
{
    if (c->sums_taken)
        return;
    if (c->anywhere)
        ckpt_futex_lock(&c->hashing);
    c->sums[chunk->index] = ckpt_checksum_pieces(chunk->pieces, chunk->n);
    if (c->anywhere)
        ckpt_futex_unlock(&c->hashing);
}

static int emit_chunk(struct ckpt_chunker *c, struct ckpt_lane *lane)
{
    const struct ckpt_chunk *chunk = &lane->chunk;

    hash_chunk(c, chunk);
    if (c->options.codec != CKPT_CODEC_NONE)
        return emit_packed(c, lane);
    if (!c->anywhere)
        return emit_pieces(c, lane);
    return c->sink->write_at(
        c->sink, (unsigned)(lane - c->lanes), chunk->pieces, chunk->n,
        (uint64_t)chunk->index * CKPT_IMAGE_CHUNK, &lane->err);
}

/* --- one thread, any bytes ---------------------------------------------- */

/* Send what the first lane's buffer holds on its way. */
static int emit_buffer(struct ckpt_chunker *c, struct ckpt_err *err)
{
    struct ckpt_lane *lane = &c->lanes[0];
    struct ckpt_chunk *chunk = &lane->chunk;

    chunk->index = c->next++;
    chunk->len = c->fill;
    chunk->n = 1;
    chunk->pieces[0] = (struct iovec){lane->buffer, c->fill};
    c->fill = 0;
    if (emit_chunk(c, lane) == 0)
        return 0;
    *err = lane->err;
    return -1;
}

int ckpt_chunker_put(struct ckpt_chunker *c, const void *data, size_t len,
                     struct ckpt_err *err)
{
    const uint8_t *at = data;

    while (len > 0) {
        uint8_t *to = c->lanes[0].buffer + c->fill;
        size_t room = CKPT_IMAGE_CHUNK - c->fill;
        size_t n = len < room ? len : room;
        if (at)
            memcpy(to, at, n);
        else
            memset(to, 0, n);
        c->fill += n;
        if (c->fill == CKPT_IMAGE_CHUNK && emit_buffer(c, err) < 0)
            return -1;
        at = at ? at + n : NULL;
        len -= n;
    }
    return 0;
}

/* --- several threads, memory -------------------------------------------- */

static void fail(struct ckpt_chunker *c, const struct ckpt_lane *lane)
{
    int errnum = errno;

    ckpt_futex_lock(&c->taking);
    if (!c->failed) {
        c->errnum = errnum;
        c->err = lane->err;
        __atomic_store_n(&c->failed, 1, __ATOMIC_RELEASE);
    }
    ckpt_futex_unlock(&c->taking);
    ckpt_futex_wake_all(&c->turn);
}

/* Whether memory at `data` may change; *len is cut to where that is so. */
static bool is_unstable(const struct ckpt_chunker *c, const uint8_t *data,
                        size_t *len)
{
    const struct ckpt_span *spans = c->options.unstable;
    size_t low = 0, high = c->options.nunstable;
    uintptr_t at = (uintptr_t)data;

    while (low < high) { /* the first span that ends behind it */
        size_t middle = (low + high) / 2;
        if (spans[middle].end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == c->options.nunstable)
        return false;
    bool inside = spans[low].start <= at;
    uintptr_t until = inside ? spans[low].end : spans[low].start;
    if (until - at < *len)
        *len = until - at;
    return inside;
}

/* The next piece of memory, up to `room` bytes of it.  What goes to the sink
 * in its turn is copied because sending it may change libckpt's own memory. */
static size_t take_piece(struct ckpt_chunker *c, struct ckpt_chunk *chunk,
                         size_t room)
{
    while (c->used == c->segments->filesz) {
        c->segments++;
        c->nsegments--;
        c->used = 0;
    }
    const struct ckpt_segment *s = c->segments;
    uint8_t *data = (uint8_t *)(uintptr_t)s->data + c->used;
    size_t n =
        s->filesz - c->used < room ? (size_t)(s->filesz - c->used) : room;
    bool unstable = is_unstable(c, data, &n);
    chunk->pieces[chunk->n] = (struct iovec){data, n};
    chunk->to_copy[chunk->n++] = unstable || s->unstable ||
                                 !c->sink->write_at ||
                                 (uintptr_t)data % CKPT_IMAGE_PAGE != 0;
    c->used += n;
    c->left -= n;
    return n;
}

/* The next whole chunk.  False when there is none, or no use in it. */
static bool take_chunk(struct ckpt_chunker *c, struct ckpt_lane *lane)
{
    struct ckpt_chunk *chunk = &lane->chunk;
    bool there;

    ckpt_futex_lock(&c->taking);
    there = !c->failed && c->fill + c->left >= CKPT_IMAGE_CHUNK;
    if (there) {
        chunk->n = 0;
        chunk->len = 0;
        chunk->index = c->next++;
        if (c->fill > 0) { /* the first lane has begun it */
            chunk->pieces[0] = (struct iovec){lane->buffer, c->fill};
            chunk->to_copy[chunk->n++] = true;
            chunk->len = c->fill;
            c->fill = 0;
        }
        while (chunk->len < CKPT_IMAGE_CHUNK)
            chunk->len += take_piece(c, chunk, CKPT_IMAGE_CHUNK - chunk->len);
    }
    ckpt_futex_unlock(&c->taking);
    return there;
}

static void copy_pieces(struct ckpt_lane *lane)
{
    struct ckpt_chunk *chunk = &lane->chunk;
    size_t at = 0;

    for (size_t i = 0; i < chunk->n; i++) {
        struct iovec *p = &chunk->pieces[i];
        if (chunk->to_copy[i] && p->iov_base != lane->buffer + at) {
            memcpy(lane->buffer + at, p->iov_base, p->iov_len);
            p->iov_base = lane->buffer + at;
        }
        at += p->iov_len;
    }
}

static void tell_written(struct ckpt_chunker *c, const struct ckpt_chunk *chunk)
{
    if (!c->options.written)
        return;
    for (size_t i = 0; i < chunk->n; i++)
        if (!chunk->to_copy[i])
            c->options.written(c->options.arg, chunk->pieces[i].iov_base,
                               chunk->pieces[i].iov_len);
}

/* One thread; the first chunk of the first lane has been taken. */
static void work(void *arg, unsigned i)
{
    struct ckpt_chunker *c = arg;
    struct ckpt_lane *lane = &c->lanes[i];
    bool there = i == 0 || take_chunk(c, lane);

    while (there) {
        copy_pieces(lane);
        if (emit_chunk(c, lane) < 0) {
            fail(c, lane);
            return;
        }
        tell_written(c, &lane->chunk);
        there = take_chunk(c, lane);
    }
}

static int put_chunks(struct ckpt_chunker *c, struct ckpt_err *err)
{
    uint64_t chunks = (c->fill + c->left) / CKPT_IMAGE_CHUNK;

    if (!take_chunk(c, &c->lanes[0]))
        return 0;
    ckpt_workers_run(chunks < c->nlanes ? (unsigned)chunks : c->nlanes, work, c,
                     c->stacks);
    if (!c->failed)
        return 0;
    *err = c->err;
    errno = c->errnum;
    return -1;
}

int ckpt_chunker_put_memory(struct ckpt_chunker *c,
                            const struct ckpt_segment *segments,
                            size_t nsegments, struct ckpt_err *err)
{
    c->segments = segments;
    c->nsegments = nsegments;
    c->used = c->left = 0;
    for (size_t i = 0; i < nsegments; i++)
        c->left += segments[i].filesz;
    if (put_chunks(c, err) < 0)
        return -1;
    for (; c->nsegments > 0; c->segments++, c->nsegments--, c->used = 0)
        if (c->segments->filesz > c->used &&
            ckpt_chunker_put(c, (const uint8_t *)c->segments->data + c->used,
                             c->segments->filesz - c->used, err) < 0)
            return -1;
    return 0;
}

/* --- beginning and end --------------------------------------------------- */

const uint64_t *ckpt_chunker_sums(struct ckpt_chunker *c, size_t *count)
{
    c->sums_taken = true;
    *count = c->next;
    if (c->fill > 0)
        c->sums[(*count)++] = ckpt_checksum(c->lanes[0].buffer, c->fill);
    return c->sums;
}

int ckpt_chunker_begin(struct ckpt_chunker *c, uint64_t core_size,
                       struct ckpt_err *err)
{
    uint8_t lead[CKPT_LEAD_MAX];

    if (c->anywhere) {
        c->out = core_size;
        return c->sink->expect(c->sink, core_size, err);
    }
    if (c->options.codec == CKPT_CODEC_NONE)
        return 0;
    return emit(c, lead, ckpt_lead_build(c->options.codec, core_size, lead),
                err);
}

int ckpt_chunker_end(struct ckpt_chunker *c, uint64_t core_size,
                     struct ckpt_err *err)
{
    enum ckpt_codec codec = c->options.codec;

    if (c->fill > 0 && emit_buffer(c, err))
        return -1;
    assert(c->next == ckpt_chunks(core_size));
    if (codec == CKPT_CODEC_NONE)
        return 0;
    ckpt_trailer_build(codec, core_size, c->frames, c->next, c->trailer);
    return emit(c, c->trailer, ckpt_trailer_size(codec, c->next), err);
}
