/* codec.c - see codec.h */
#include "config.h"

#include "lib/image/codec.h"
#include "lib/image/format.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <zlib.h>

#ifdef HAVE_ZSTD
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#endif

/* Images are written while somebody waits: the fastest levels. */
enum { ZSTD_LEVEL = 1, ZLIB_LEVEL = 1 };

/* 31: the largest window, gzip wrapping. */
enum { ZLIB_WINDOW = 31, ZLIB_MEM_LEVEL = 8 };

/* deflateInit2 asks for 268 KiB and its own state. */
enum { ZLIB_HEAP = 320 << 10 };

/* Samples that tell whether a chunk is worth deflating. */
enum { SAMPLES = 4, SAMPLE_LEN = 4096 };

struct ckpt_encoder {
    enum ckpt_codec codec;
#ifdef HAVE_ZSTD
    ZSTD_CCtx *zstd;
#endif
    z_stream zlib;
    size_t heap_len;  /* of the bytes after this struct... */
    size_t heap_used; /* ...this many are zlib's */
    alignas(16) uint8_t heap[];
};

static const char *const codec_names[] = {"none", "zstd", "zlib"};

const char *ckpt_codec_name(enum ckpt_codec codec)
{
    return (unsigned)codec < 3 ? codec_names[codec] : "unknown";
}

#ifndef HAVE_ZSTD
static int codec_missing(enum ckpt_codec codec, struct ckpt_err *err)
{
    return ckpt_err_set(err, ENOTSUP, "codec %s is not compiled in",
                        ckpt_codec_name(codec));
}
#endif

int ckpt_codec_parse(const char *name, enum ckpt_codec *codec,
                     struct ckpt_err *err)
{
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(name, codec_names[i]) != 0)
            continue;
#ifndef HAVE_ZSTD
        if (i == CKPT_CODEC_ZSTD)
            return codec_missing(CKPT_CODEC_ZSTD, err);
#endif
        *codec = (enum ckpt_codec)i;
        return 0;
    }
    return ckpt_err_set(err, EINVAL,
                        "unknown codec '%s' (known: none, zstd, zlib)", name);
}

/* --- encoding ----------------------------------------------------------- */

static voidpf heap_alloc(voidpf opaque, uInt items, uInt size)
{
    struct ckpt_encoder *encoder = opaque;
    size_t len = ckpt_align((size_t)items * size, 16);

    if (len > encoder->heap_len - encoder->heap_used)
        return Z_NULL;
    void *at = encoder->heap + encoder->heap_used;
    encoder->heap_used += len;
    return at;
}

static void heap_free(voidpf opaque, voidpf address)
{
    (void)opaque, (void)address;
}

size_t ckpt_encoder_size(enum ckpt_codec codec)
{
    switch (codec) {
    case CKPT_CODEC_ZLIB:
        return sizeof(struct ckpt_encoder) + ZLIB_HEAP;
    case CKPT_CODEC_ZSTD:
#ifdef HAVE_ZSTD
        return sizeof(struct ckpt_encoder) +
               ckpt_align(ZSTD_estimateCCtxSize(ZSTD_LEVEL), 16);
#endif
    case CKPT_CODEC_NONE:
        break;
    }
    return 0;
}

size_t ckpt_encoder_bound(enum ckpt_codec codec)
{
    switch (codec) {
    case CKPT_CODEC_ZLIB:
        /* deflateBound() of any stream, and the gzip wrapping. */
        return CKPT_IMAGE_CHUNK + (CKPT_IMAGE_CHUNK >> 3) + 4096;
    case CKPT_CODEC_ZSTD:
#ifdef HAVE_ZSTD
        return ZSTD_compressBound(CKPT_IMAGE_CHUNK);
#endif
    case CKPT_CODEC_NONE:
        break;
    }
    return 0;
}

static int zlib_init(struct ckpt_encoder *encoder, struct ckpt_err *err)
{
    encoder->zlib.zalloc = heap_alloc;
    encoder->zlib.zfree = heap_free;
    encoder->zlib.opaque = encoder;
    if (deflateInit2(&encoder->zlib, ZLIB_LEVEL, Z_DEFLATED, ZLIB_WINDOW,
                     ZLIB_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return ckpt_err_set(err, EINVAL, "zlib does not start");
    return 0;
}

static int zstd_init(struct ckpt_encoder *encoder, struct ckpt_err *err)
{
#ifdef HAVE_ZSTD
    encoder->zstd = ZSTD_initStaticCCtx(encoder->heap, encoder->heap_len);
    if (!encoder->zstd)
        return ckpt_err_set(err, EINVAL, "zstd does not start");
    return 0;
#else
    return codec_missing(encoder->codec, err);
#endif
}

struct ckpt_encoder *ckpt_encoder_init(enum ckpt_codec codec, void *memory,
                                       size_t len, struct ckpt_err *err)
{
    struct ckpt_encoder *encoder = memory;

    if (len < sizeof *encoder || len < ckpt_encoder_size(codec)) {
        ckpt_err_set(err, EINVAL, "no room for codec %s",
                     ckpt_codec_name(codec));
        return NULL;
    }
    memset(encoder, 0, sizeof *encoder);
    encoder->codec = codec;
    encoder->heap_len = len - sizeof *encoder;
    int rc = codec == CKPT_CODEC_ZLIB ? zlib_init(encoder, err)
                                      : zstd_init(encoder, err);
    return rc ? NULL : encoder;
}

/* Deflate all of src as one member.  Returns its length, or 0. */
static size_t zlib_member(z_stream *zlib, int level, const void *src,
                          size_t len, void *dst, size_t dst_len)
{
    if (deflateReset(zlib) != Z_OK ||
        deflateParams(zlib, level, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    zlib->next_in = (z_const Bytef *)(uintptr_t)src;
    zlib->avail_in = (uInt)len;
    zlib->next_out = dst;
    zlib->avail_out = (uInt)dst_len;
    return deflate(zlib, Z_FINISH) == Z_STREAM_END ? dst_len - zlib->avail_out
                                                   : 0;
}

/* Deflating random bytes is slow and wins nothing: look at a few places. */
static bool zlib_shrinks(z_stream *zlib, const uint8_t *src, size_t len,
                         void *dst, size_t dst_len)
{
    size_t total = 0;

    if (len < 4 * SAMPLES * SAMPLE_LEN)
        return true;
    for (size_t i = 0; i < SAMPLES; i++)
        total += zlib_member(zlib, ZLIB_LEVEL, src + i * (len / SAMPLES),
                             SAMPLE_LEN, dst, dst_len);
    return total < SAMPLES * (SAMPLE_LEN - SAMPLE_LEN / 32);
}

static size_t zlib_encode(z_stream *zlib, const void *src, size_t len,
                          void *dst, size_t dst_len)
{
    int level = zlib_shrinks(zlib, src, len, dst, dst_len) ? ZLIB_LEVEL
                                                           : Z_NO_COMPRESSION;

    return zlib_member(zlib, level, src, len, dst, dst_len);
}

size_t ckpt_encode(struct ckpt_encoder *encoder, const void *src, size_t len,
                   void *dst, struct ckpt_err *err)
{
    size_t room = ckpt_encoder_bound(encoder->codec);
    size_t n = 0;

    if (encoder->codec == CKPT_CODEC_ZLIB)
        n = zlib_encode(&encoder->zlib, src, len, dst, room);
#ifdef HAVE_ZSTD
    if (encoder->codec == CKPT_CODEC_ZSTD)
        n = ZSTD_compressCCtx(encoder->zstd, dst, room, src, len, ZSTD_LEVEL);
    if (ZSTD_isError(n))
        n = 0;
#endif
    if (n == 0)
        ckpt_err_set(err, EIO, "%s cannot compress a chunk",
                     ckpt_codec_name(encoder->codec));
    return n;
}
