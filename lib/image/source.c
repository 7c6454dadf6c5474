/* source.c - see source.h */
#include "lib/image/source.h"

#include "lib/common/io.h"
#include "lib/image/checksum.h"
#include "lib/image/codec.h"
#include "lib/image/format.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cut_short(const struct ckpt_source *s, struct ckpt_err *err)
{
    return ckpt_err_set(err, ENODATA, "cut short: ends after %llu bytes",
                        (unsigned long long)s->file_size);
}

static int read_file(const struct ckpt_source *s, uint64_t offset, void *buf,
                     size_t len, struct ckpt_err *err)
{
    ssize_t n = ckpt_pread_full(s->fd, buf, len, (off_t)offset);

    if (n < 0)
        return ckpt_err_sys(err, "read at offset %llu",
                            (unsigned long long)offset);
    return (size_t)n < len ? cut_short(s, err) : 0;
}

/* --- opening ------------------------------------------------------------ */

static int foreign(struct ckpt_err *err)
{
    return ckpt_err_set(err, EPROTO, "not a checkpoint image");
}

/* Which form is it, by the first bytes? */
static int find_codec(struct ckpt_source *s, struct ckpt_err *err)
{
    static const uint8_t zstd[4] = {0x53, 0x2a, 0x4d, 0x18};
    static const uint8_t zstd_any[4] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t gzip[4] = {0x1f, 0x8b, 8, 4};
    uint8_t magic[4] = {0};

    if (s->file_size == 0)
        return ckpt_err_set(err, ENODATA, "cut short: the file is empty");
    size_t len = s->file_size < 4 ? (size_t)s->file_size : 4;
    if (read_file(s, 0, magic, len, err))
        return -1;
    if (memcmp(magic, ELFMAG, len) == 0)
        s->codec = CKPT_CODEC_NONE;
    else if (memcmp(magic, zstd, len) == 0)
        s->codec = CKPT_CODEC_ZSTD;
    else if (memcmp(magic, gzip, len) == 0)
        s->codec = CKPT_CODEC_ZLIB;
    else if (memcmp(magic, zstd_any, len) == 0)
        return ckpt_err_set(err, EPROTO,
                            "not a checkpoint image (a zstd file of others)");
    else
        return foreign(err);
    return 0;
}

/* The end of the file tells the number of frames: it must be the right one,
 * and leave room for the trailer. */
static int check_tail(const struct ckpt_source *s, size_t lead_len,
                      struct ckpt_err *err)
{
    uint8_t tail[CKPT_TAIL_MAX];
    size_t len = ckpt_tail_size(s->codec);
    size_t n = 0;

    if (s->file_size < lead_len + len)
        return cut_short(s, err);
    if (read_file(s, s->file_size - len, tail, len, err))
        return -1;
    if (!ckpt_tail_parse(s->codec, tail, &n) || n != s->nchunks ||
        ckpt_trailer_size(s->codec, n) > s->file_size - lead_len)
        return ckpt_err_set(err, ENODATA,
                            "cut short: no index at its end (%llu bytes)",
                            (unsigned long long)s->file_size);
    return 0;
}

/* Offsets of the frames; they and the trailer must fill the file. */
static bool place_frames(struct ckpt_source *s, size_t lead_len,
                         uint64_t trailer_offset)
{
    uint64_t at = lead_len;

    for (size_t i = 0; i < s->nchunks; i++) {
        s->offsets[i] = at;
        at += s->frames[i].len;
        if (s->frames[i].len > s->largest)
            s->largest = s->frames[i].len;
    }
    return at == trailer_offset;
}

static int no_memory(struct ckpt_err *err)
{
    return ckpt_err_set(err, ENOMEM, "no memory");
}

static int read_trailer(struct ckpt_source *s, size_t lead_len,
                        struct ckpt_err *err)
{
    size_t n = s->nchunks;

    if (check_tail(s, lead_len, err))
        return -1;
    size_t len = ckpt_trailer_size(s->codec, n);
    uint64_t offset = s->file_size - len;
    uint8_t *trailer = malloc(2 * len);
    s->frames = calloc(n + 1, sizeof *s->frames);
    s->offsets = calloc(n + 1, sizeof *s->offsets);
    int rc = -1;
    if (!trailer || !s->frames || !s->offsets)
        no_memory(err);
    else if (read_file(s, offset, trailer, len, err) == 0)
        rc = ckpt_trailer_parse(s->codec, s->core_size, trailer, n, s->frames,
                                trailer + len) &&
                     place_frames(s, lead_len, offset)
                 ? 0
                 : ckpt_err_set(err, EBADMSG, "damaged: index at offset %llu",
                                (unsigned long long)offset);
    free(trailer);
    if (rc)
        return -1;
    s->packed = malloc(s->largest + 1);
    return s->packed ? 0 : no_memory(err);
}

static int open_packed(struct ckpt_source *s, struct ckpt_err *err)
{
    uint8_t lead[CKPT_LEAD_MAX] = {0};
    size_t lead_len = ckpt_lead_build(s->codec, 0, lead);

    if (s->file_size < lead_len)
        return cut_short(s, err);
    if (read_file(s, 0, lead, lead_len, err) ||
        ckpt_lead_parse(s->codec, lead, &s->core_size, err))
        return -1;
    /* No frame is shorter than this: sizes that cannot be are found here. */
    if (ckpt_chunks(s->core_size) > s->file_size / 8)
        return cut_short(s, err);
    s->nchunks = ckpt_chunks(s->core_size);
    return read_trailer(s, lead_len, err);
}

static int open_form(struct ckpt_source *s, struct ckpt_err *err)
{
    if (find_codec(s, err))
        return -1;
    s->core_size = s->file_size;
    s->nchunks = ckpt_chunks(s->file_size);
    if (s->codec != CKPT_CODEC_NONE && open_packed(s, err))
        return -1;
    s->cache = malloc(CKPT_IMAGE_CHUNK);
    s->checked = calloc(s->nchunks + 1, 1);
    return s->cache && s->checked ? 0 : no_memory(err);
}

int ckpt_source_open(struct ckpt_source *source, int fd, struct ckpt_err *err)
{
    struct ckpt_source s = {.fd = fd, .cached = SIZE_MAX};
    struct stat st;

    if (fstat(fd, &st))
        return ckpt_err_sys(err, "fstat");
    if (!S_ISREG(st.st_mode))
        return ckpt_err_set(err, EPROTO, "not a regular file");
    s.file_size = (uint64_t)st.st_size;
    if (open_form(&s, err)) {
        s.fd = -1;
        ckpt_source_close(&s);
        return -1;
    }
    *source = s;
    return 0;
}

void ckpt_source_close(struct ckpt_source *s)
{
    int errnum = errno;

    if (s->fd >= 0)
        close(s->fd);
    free(s->frames);
    free(s->offsets);
    free(s->packed);
    free(s->sums);
    free(s->checked);
    free(s->cache);
    errno = errnum;
}

/* --- reading ------------------------------------------------------------ */

void ckpt_source_set_sums(struct ckpt_source *s, uint64_t *sums, size_t nsums,
                          uint64_t covered)
{
    free(s->sums);
    s->sums = sums;
    s->nsums = nsums;
    s->covered = covered;
    memset(s->checked, 0, s->nchunks);
    s->cached = SIZE_MAX;
}

size_t ckpt_source_chunk_len(const struct ckpt_source *s, size_t i)
{
    uint64_t left = s->core_size - (uint64_t)i * CKPT_IMAGE_CHUNK;

    return left < CKPT_IMAGE_CHUNK ? (size_t)left : CKPT_IMAGE_CHUNK;
}

static int damaged(const struct ckpt_source *s, size_t i, struct ckpt_err *err)
{
    uint64_t at = s->codec == CKPT_CODEC_NONE ? (uint64_t)i * CKPT_IMAGE_CHUNK
                                              : s->offsets[i];
    uint64_t len = s->codec == CKPT_CODEC_NONE ? ckpt_source_chunk_len(s, i)
                                               : s->frames[i].len;

    return ckpt_err_set(err, EBADMSG,
                        "damaged: checksum of the %llu bytes at offset %llu",
                        (unsigned long long)len, (unsigned long long)at);
}

static int unpack_chunk(const struct ckpt_source *s, size_t i, uint8_t *packed,
                        uint8_t *dst, struct ckpt_err *err)
{
    const struct ckpt_frame *frame = &s->frames[i];

    if (read_file(s, s->offsets[i], packed, frame->len, err))
        return -1;
    if (ckpt_checksum(packed, frame->len) != frame->checksum)
        return damaged(s, i, err);
    return ckpt_decode(s->codec, packed, frame->len, dst,
                       ckpt_source_chunk_len(s, i), err);
}

/* Is the chunk what the core's own table says?  The table does not cover
 * itself, so the last chunk is covered in part. */
static bool sum_matches(const struct ckpt_source *s, size_t i,
                        const uint8_t *data)
{
    uint64_t start = (uint64_t)i * CKPT_IMAGE_CHUNK;
    size_t len = ckpt_source_chunk_len(s, i);

    if (i >= s->nsums || s->checked[i])
        return true;
    if (s->covered - start < len)
        len = (size_t)(s->covered - start);
    return ckpt_checksum(data, len) == s->sums[i];
}

int ckpt_source_chunk(struct ckpt_source *s, size_t i, uint8_t *packed,
                      uint8_t *dst, struct ckpt_err *err)
{
    int rc = s->codec == CKPT_CODEC_NONE
                 ? read_file(s, (uint64_t)i * CKPT_IMAGE_CHUNK, dst,
                             ckpt_source_chunk_len(s, i), err)
                 : unpack_chunk(s, i, packed, dst, err);

    if (rc)
        return -1;
    if (!sum_matches(s, i, dst))
        return damaged(s, i, err);
    s->checked[i] = s->sums != NULL;
    return 0;
}

bool ckpt_source_is_open(const struct ckpt_source *s, size_t i)
{
    return s->codec == CKPT_CODEC_NONE && s->checked[i];
}

static int load_cache(struct ckpt_source *s, size_t i, struct ckpt_err *err)
{
    if (s->cached == i)
        return 0;
    s->cached = SIZE_MAX;
    if (ckpt_source_chunk(s, i, s->packed, s->cache, err))
        return -1;
    s->cached = i;
    return 0;
}

/* A plain chunk that was checked before need not be read whole again. */
static int read_part(struct ckpt_source *s, size_t i, size_t skip, uint8_t *dst,
                     size_t len, struct ckpt_err *err)
{
    if (skip == 0 && len == ckpt_source_chunk_len(s, i) && s->cached != i)
        return ckpt_source_chunk(s, i, s->packed, dst, err);
    if (ckpt_source_is_open(s, i) && s->cached != i)
        return read_file(s, (uint64_t)i * CKPT_IMAGE_CHUNK + skip, dst, len,
                         err);
    if (load_cache(s, i, err))
        return -1;
    memcpy(dst, s->cache + skip, len);
    return 0;
}

int ckpt_source_read(struct ckpt_source *s, uint64_t offset, void *buf,
                     size_t len, struct ckpt_err *err)
{
    uint8_t *dst = buf;

    if (offset > s->core_size || len > s->core_size - offset)
        return ckpt_err_set(err, ENODATA, "read past the end of the image");
    while (len > 0) {
        size_t skip = (size_t)(offset % CKPT_IMAGE_CHUNK);
        size_t room = CKPT_IMAGE_CHUNK - skip;
        size_t n = len < room ? len : room;
        if (read_part(s, (size_t)(offset / CKPT_IMAGE_CHUNK), skip, dst, n,
                      err))
            return -1;
        dst += n;
        offset += n;
        len -= n;
    }
    return 0;
}
