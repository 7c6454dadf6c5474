/* frames.c - see frames.h */
#include "lib/image/frames.h"

#include "lib/common/bytes.h"
#include "lib/image/checksum.h"
#include "lib/image/format.h"

#include <errno.h>
#include <string.h>

/* RFC 8878, and contrib/seekable_format of zstd. */
enum {
    ZSTD_SKIPPABLE_CKPT = 0x184D2A53,
    ZSTD_SKIPPABLE_SEEK = 0x184D2A5E,
    ZSTD_SKIPPABLE_HEAD = 8,
    SEEK_ENTRY = 8,
    SEEK_FOOTER = 9,
};
#define SEEK_MAGIC 0x8F92EAB1u

/* RFC 1952: an empty member with one subfield of extra data. */
enum {
    GZIP_HEAD = 12,
    GZIP_SUBFIELD = 4,
    GZIP_EMPTY_TAIL = 10,
    GZIP_WRAP = GZIP_HEAD + GZIP_SUBFIELD + GZIP_EMPTY_TAIL,
    GZIP_PIECE = 65000, /* of the index in one member */
};

static const char lead_magic[8] = "CKPTIMG";

enum {
    LEAD_PAYLOAD = 40,
    INDEX_FIXED = 24, /* core size, count, 0 before; checksum after */
    INDEX_ENTRY = 12,
    END_PAYLOAD = 16, /* index length, count, 0 */
};

/* --- wrapping ----------------------------------------------------------- */

static void put_zstd_head(struct ckpt_bytes *b, uint32_t magic, size_t len)
{
    ckpt_put_u32(b, magic);
    ckpt_put_u32(b, (uint32_t)len);
}

/* Everything of an empty member before its subfield's data... */
static void put_gzip_head(struct ckpt_bytes *b, char kind, size_t len)
{
    static const uint8_t head[10] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255};

    ckpt_put_raw(b, head, sizeof head);
    ckpt_put_u16(b, (uint16_t)(len + GZIP_SUBFIELD));
    ckpt_put_u8(b, 'C');
    ckpt_put_u8(b, (uint8_t)kind);
    ckpt_put_u16(b, (uint16_t)len);
}

/* ...and after it: an empty final block, CRC and length of nothing. */
static void put_gzip_tail(struct ckpt_bytes *b)
{
    ckpt_put_u16(b, 0x0003);
    ckpt_put_u64(b, 0);
}

static size_t lead_head_len(enum ckpt_codec codec)
{
    return codec == CKPT_CODEC_ZSTD ? (size_t)ZSTD_SKIPPABLE_HEAD
                                    : (size_t)GZIP_HEAD + GZIP_SUBFIELD;
}

/* --- lead --------------------------------------------------------------- */

static void put_lead_payload(struct ckpt_bytes *b, enum ckpt_codec codec,
                             uint64_t core_size)
{
    const uint8_t *start = b->at;

    ckpt_put_raw(b, lead_magic, sizeof lead_magic);
    ckpt_put_u32(b, CKPT_FRAMES_VERSION);
    ckpt_put_u32(b, (uint32_t)codec);
    ckpt_put_u32(b, CKPT_IMAGE_CHUNK);
    ckpt_put_u32(b, CKPT_IMAGE_CHECKSUM_XXH3);
    ckpt_put_u64(b, core_size);
    ckpt_put_u64(b, ckpt_checksum(start, LEAD_PAYLOAD - 8));
}

size_t ckpt_lead_build(enum ckpt_codec codec, uint64_t core_size, void *buf)
{
    struct ckpt_bytes b = ckpt_bytes_over(buf, CKPT_LEAD_MAX);

    if (codec == CKPT_CODEC_ZSTD) {
        put_zstd_head(&b, ZSTD_SKIPPABLE_CKPT, LEAD_PAYLOAD);
        put_lead_payload(&b, codec, core_size);
    } else {
        put_gzip_head(&b, 'L', LEAD_PAYLOAD);
        put_lead_payload(&b, codec, core_size);
        put_gzip_tail(&b);
    }
    return (size_t)(b.at - (uint8_t *)buf);
}

int ckpt_lead_parse(enum ckpt_codec codec, const void *lead,
                    uint64_t *core_size, struct ckpt_err *err)
{
    uint8_t copy[CKPT_LEAD_MAX];
    uint8_t again[CKPT_LEAD_MAX];
    char magic[8];

    memcpy(copy, lead, sizeof copy);
    struct ckpt_bytes b =
        ckpt_bytes_over(copy + lead_head_len(codec), LEAD_PAYLOAD);
    ckpt_get_raw(&b, magic, sizeof magic);
    if (memcmp(magic, lead_magic, sizeof magic) != 0)
        return ckpt_err_set(err, EPROTO,
                            "not a checkpoint image (a %s file of others)",
                            ckpt_codec_name(codec));
    uint32_t version = ckpt_get_u32(&b);
    if (version > CKPT_FRAMES_VERSION)
        return ckpt_err_set(err, ENOTSUP,
                            "image format %u is newer than this program's (%d)",
                            version, CKPT_FRAMES_VERSION);
    for (int i = 0; i < 3; i++)
        ckpt_get_u32(&b);
    uint64_t size = ckpt_get_u64(&b);
    size_t len = ckpt_lead_build(codec, size, again);
    if (memcmp(copy, again, len) != 0)
        return ckpt_err_set(err, EBADMSG, "damaged: first %zu bytes", len);
    *core_size = size;
    return 0;
}

/* --- trailer ------------------------------------------------------------ */

static size_t index_len(size_t nframes)
{
    return INDEX_FIXED + nframes * INDEX_ENTRY;
}

static size_t index_pieces(size_t nframes)
{
    return (index_len(nframes) + GZIP_PIECE - 1) / GZIP_PIECE;
}

/* The seek table lists the lead and the index too, as frames of nothing. */
static size_t seek_table_len(size_t nframes)
{
    return (nframes + 2) * SEEK_ENTRY + SEEK_FOOTER;
}

size_t ckpt_trailer_size(enum ckpt_codec codec, size_t nframes)
{
    if (codec == CKPT_CODEC_ZSTD)
        return 2 * ZSTD_SKIPPABLE_HEAD + index_len(nframes) +
               seek_table_len(nframes);
    return index_len(nframes) + index_pieces(nframes) * GZIP_WRAP + GZIP_WRAP +
           END_PAYLOAD;
}

static uint32_t chunk_len(uint64_t core_size, size_t i)
{
    uint64_t left = core_size - (uint64_t)i * CKPT_IMAGE_CHUNK;

    return left < CKPT_IMAGE_CHUNK ? (uint32_t)left : CKPT_IMAGE_CHUNK;
}

static void put_index(struct ckpt_bytes *b, uint64_t core_size,
                      const struct ckpt_frame *frames, size_t nframes)
{
    const uint8_t *start = b->at;

    ckpt_put_u64(b, core_size);
    ckpt_put_u32(b, (uint32_t)nframes);
    ckpt_put_u32(b, 0);
    for (size_t i = 0; i < nframes; i++) {
        ckpt_put_u64(b, frames[i].checksum);
        ckpt_put_u32(b, frames[i].len);
    }
    ckpt_put_u64(b, ckpt_checksum(start, (size_t)(b->at - start)));
}

static void put_seek_entry(struct ckpt_bytes *b, size_t len, size_t core_len)
{
    ckpt_put_u32(b, (uint32_t)len);
    ckpt_put_u32(b, (uint32_t)core_len);
}

static void put_zstd_trailer(struct ckpt_bytes *b, uint64_t core_size,
                             const struct ckpt_frame *frames, size_t nframes)
{
    size_t len = index_len(nframes);

    put_zstd_head(b, ZSTD_SKIPPABLE_CKPT, len);
    put_index(b, core_size, frames, nframes);
    put_zstd_head(b, ZSTD_SKIPPABLE_SEEK, seek_table_len(nframes));
    put_seek_entry(b, ZSTD_SKIPPABLE_HEAD + LEAD_PAYLOAD, 0);
    for (size_t i = 0; i < nframes; i++)
        put_seek_entry(b, frames[i].len, chunk_len(core_size, i));
    put_seek_entry(b, ZSTD_SKIPPABLE_HEAD + len, 0);
    ckpt_put_u32(b, (uint32_t)nframes + 2);
    ckpt_put_u8(b, 0);
    ckpt_put_u32(b, SEEK_MAGIC);
}

/* The index is laid out at the end of the buffer first and moved forward,
 * piece by piece, into the members. */
static void put_gzip_trailer(struct ckpt_bytes *b, uint64_t core_size,
                             const struct ckpt_frame *frames, size_t nframes)
{
    size_t len = index_len(nframes);
    uint8_t *from = b->end - len;
    struct ckpt_bytes flat = ckpt_bytes_over(from, len);

    put_index(&flat, core_size, frames, nframes);
    for (size_t left = len; left > 0;) {
        size_t piece = left < GZIP_PIECE ? left : GZIP_PIECE;
        put_gzip_head(b, 'I', piece);
        memmove(b->at, from, piece);
        b->at += piece;
        from += piece;
        left -= piece;
        put_gzip_tail(b);
    }
    put_gzip_head(b, 'E', END_PAYLOAD);
    ckpt_put_u64(b, len);
    ckpt_put_u32(b, (uint32_t)nframes);
    ckpt_put_u32(b, 0);
    put_gzip_tail(b);
}

void ckpt_trailer_build(enum ckpt_codec codec, uint64_t core_size,
                        const struct ckpt_frame *frames, size_t nframes,
                        void *buf)
{
    struct ckpt_bytes b =
        ckpt_bytes_over(buf, ckpt_trailer_size(codec, nframes));

    if (codec == CKPT_CODEC_ZSTD)
        put_zstd_trailer(&b, core_size, frames, nframes);
    else
        put_gzip_trailer(&b, core_size, frames, nframes);
}

size_t ckpt_tail_size(enum ckpt_codec codec)
{
    return codec == CKPT_CODEC_ZSTD ? (size_t)SEEK_FOOTER
                                    : (size_t)GZIP_WRAP + END_PAYLOAD;
}

bool ckpt_tail_parse(enum ckpt_codec codec, const void *tail, size_t *nframes)
{
    uint8_t copy[CKPT_TAIL_MAX];
    size_t len = ckpt_tail_size(codec);

    memcpy(copy, tail, len);
    struct ckpt_bytes b = ckpt_bytes_over(copy, len);
    if (codec == CKPT_CODEC_ZSTD) {
        uint32_t n = ckpt_get_u32(&b);
        ckpt_get_u8(&b);
        if (ckpt_get_u32(&b) != SEEK_MAGIC || n < 2)
            return false;
        *nframes = n - 2;
        return true;
    }
    b.at += GZIP_HEAD + GZIP_SUBFIELD + 8;
    *nframes = ckpt_get_u32(&b);
    return copy[0] == 0x1f && copy[1] == 0x8b && copy[GZIP_HEAD + 1] == 'E';
}

/* Make the index contiguous in `to`. */
static void gather_index(enum ckpt_codec codec, const uint8_t *trailer,
                         size_t nframes, uint8_t *to)
{
    size_t left = index_len(nframes);

    if (codec == CKPT_CODEC_ZSTD) {
        memcpy(to, trailer + ZSTD_SKIPPABLE_HEAD, left);
        return;
    }
    while (left > 0) {
        size_t piece = left < GZIP_PIECE ? left : GZIP_PIECE;
        trailer += GZIP_HEAD + GZIP_SUBFIELD;
        memcpy(to, trailer, piece);
        trailer += piece + GZIP_EMPTY_TAIL;
        to += piece;
        left -= piece;
    }
}

bool ckpt_trailer_parse(enum ckpt_codec codec, uint64_t core_size,
                        const void *trailer, size_t nframes,
                        struct ckpt_frame *frames, void *scratch)
{
    size_t size = ckpt_trailer_size(codec, nframes);

    gather_index(codec, trailer, nframes, scratch);
    struct ckpt_bytes b = ckpt_bytes_over(scratch, index_len(nframes));
    for (int i = 0; i < 2; i++)
        ckpt_get_u64(&b);
    for (size_t i = 0; i < nframes; i++) {
        frames[i].checksum = ckpt_get_u64(&b);
        frames[i].len = ckpt_get_u32(&b);
    }
    ckpt_trailer_build(codec, core_size, frames, nframes, scratch);
    return memcmp(scratch, trailer, size) == 0;
}
