/* image_sample.h - random memory as images, for the tests of lib/image
 *
 * Everything follows from the seed.
 */
#ifndef CKPT_TESTS_IMAGE_SAMPLE_H
#define CKPT_TESTS_IMAGE_SAMPLE_H

#include "lib/image/image.h"

enum { SAMPLE_SEGMENTS_MAX = 64, SAMPLE_NOTES = 3 };

struct sample {
    struct ckpt_segment segments[SAMPLE_SEGMENTS_MAX];
    size_t nsegments;
    struct ckpt_note notes[SAMPLE_NOTES];
    uint8_t *memory;
    uint64_t memory_len;
};

/* The next number of a small generator. */
uint32_t sample_random(uint32_t *state);

/* Segments of up to `pages_max` pages each, some empty, some larger in memory
 * than in the file; a third random bytes, a third compressible, a third
 * zero. */
void sample_make(struct sample *sample, uint32_t seed, size_t nsegments,
                 unsigned pages_max);
void sample_clear(struct sample *sample);

/* Write it to any sink, or to a file.  As ckpt_image_write. */
int sample_write(const struct sample *sample, struct ckpt_sink *sink,
                 enum ckpt_codec codec, uint64_t *bytes, struct ckpt_err *err);
int sample_write_file(const struct sample *sample, const char *path,
                      unsigned keep, enum ckpt_codec codec,
                      struct ckpt_err *err);

/* Is the image at `path` whole and does it hold this sample? */
bool sample_is_at(const struct sample *sample, const char *path);

/* Make the checksums of a changed plain image of one chunk right again, as a
 * forger would.  Does nothing to what is no such image. */
void sample_forge(uint8_t *data, size_t len);

/* A fresh directory, "DIR/NAME", and the end of it. */
char *sample_dir_make(void);
const char *sample_path(const char *dir, const char *name);
void sample_dir_remove(char *dir);
size_t sample_dir_count(const char *dir);

#endif
