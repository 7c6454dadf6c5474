/* decode.c - the reading half of codec.h; only in the tools */
#include "config.h"

#include "lib/image/codec.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

static int damaged(enum ckpt_codec codec, struct ckpt_err *err)
{
    return ckpt_err_set(err, EBADMSG, "damaged: %s cannot decompress a chunk",
                        ckpt_codec_name(codec));
}

static int zlib_decode(const void *src, size_t len, void *dst, size_t dst_len,
                       struct ckpt_err *err)
{
    z_stream zlib = {.next_in = (z_const Bytef *)(uintptr_t)src,
                     .avail_in = (uInt)len,
                     .next_out = dst,
                     .avail_out = (uInt)dst_len};

    if (inflateInit2(&zlib, 31) != Z_OK)
        return ckpt_err_set(err, ENOMEM, "no memory for zlib");
    int rc = inflate(&zlib, Z_FINISH);
    bool whole =
        rc == Z_STREAM_END && zlib.avail_in == 0 && zlib.avail_out == 0;
    inflateEnd(&zlib);
    return whole ? 0 : damaged(CKPT_CODEC_ZLIB, err);
}

static int zstd_decode(const void *src, size_t len, void *dst, size_t dst_len,
                       struct ckpt_err *err)
{
#ifdef HAVE_ZSTD
    if (ZSTD_findFrameCompressedSize(src, len) != len ||
        ZSTD_decompress(dst, dst_len, src, len) != dst_len)
        return damaged(CKPT_CODEC_ZSTD, err);
    return 0;
#else
    (void)src, (void)len, (void)dst, (void)dst_len;
    return ckpt_err_set(err, ENOTSUP, "codec zstd is not compiled in");
#endif
}

int ckpt_decode(enum ckpt_codec codec, const void *src, size_t len, void *dst,
                size_t dst_len, struct ckpt_err *err)
{
    if (codec == CKPT_CODEC_ZLIB)
        return zlib_decode(src, len, dst, dst_len, err);
    if (codec == CKPT_CODEC_ZSTD)
        return zstd_decode(src, len, dst, dst_len, err);
    return ckpt_err_set(err, EINVAL, "not a compressed form");
}
