/* frames.h - what surrounds the chunks of a compressed image
 *
 *     lead | chunk 0 | chunk 1 | ... | trailer
 *
 * Lead and trailer decompress to nothing: for zstd they are skippable frames
 * (the trailer: our index, then the seek table of zstd's seekable format), for
 * gzip empty members with extra fields.  Both are wholly determined by the
 * numbers below, so the reader builds them again and compares: no byte of them
 * can change unnoticed.  Pure; async-signal-safe.
 */
#ifndef CKPT_IMAGE_FRAMES_H
#define CKPT_IMAGE_FRAMES_H

#include "lib/image/image.h"

struct ckpt_frame {
    uint64_t checksum; /* of the compressed bytes */
    uint32_t len;      /* of the compressed bytes */
};

/* Enough for the lead of every codec, and for the end of every trailer. */
enum { CKPT_LEAD_MAX = 80, CKPT_TAIL_MAX = 64 };

/* Build the lead of an image whose core file has `core_size` bytes.  Returns
 * its length, which depends on the codec alone. */
size_t ckpt_lead_build(enum ckpt_codec codec, uint64_t core_size, void *buf);

/* Take a lead apart.  0, or -1 with EPROTO (not one of ours), ENOTSUP (newer
 * version) or EBADMSG (checksum). */
int ckpt_lead_parse(enum ckpt_codec codec, const void *lead,
                    uint64_t *core_size, struct ckpt_err *err);

size_t ckpt_trailer_size(enum ckpt_codec codec, size_t nframes);
void ckpt_trailer_build(enum ckpt_codec codec, uint64_t core_size,
                        const struct ckpt_frame *frames, size_t nframes,
                        void *buf);

/* The bytes at the end of a trailer that tell the number of frames. */
size_t ckpt_tail_size(enum ckpt_codec codec);
/* false when this is no tail. */
bool ckpt_tail_parse(enum ckpt_codec codec, const void *tail, size_t *nframes);

/* Take the frames out of a trailer of `nframes` frames and check that it is,
 * byte for byte, the one that belongs to them.  False when it is not. */
bool ckpt_trailer_parse(enum ckpt_codec codec, uint64_t core_size,
                        const void *trailer, size_t nframes,
                        struct ckpt_frame *frames, void *scratch);

#endif
