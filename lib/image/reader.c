/* reader.c - an image that is open
 *
 * Taking it apart is in headers.c and contents.c, its bases in chain.c,
 * reading much of it in load.c.
 */
#include "lib/image/format.h"
#include "lib/image/image_impl.h"
#include "lib/image/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- opening ------------------------------------------------------------ */

static int open_source(struct ckpt_image *image, const char *path,
                       struct ckpt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return ckpt_err_sys(err, "open");
    if (ckpt_source_open(&image->source, fd, err) == 0)
        return 0;
    int errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}

struct ckpt_image *ckpt_image_open_one(const char *path, struct ckpt_err *err)
{
    struct ckpt_image *image = calloc(1, sizeof *image);
    char *copy = strdup(path);

    if (!image || !copy) {
        ckpt_err_set(err, ENOMEM, "no memory");
        free(image);
        free(copy);
        return NULL;
    }
    image->path = copy;
    image->source.fd = -1;
    if (open_source(image, path, err)) {
        image->source.fd = -1;
        ckpt_image_close(image);
        return NULL;
    }
    if (ckpt_headers_read(image, err) || ckpt_contents_read(image, err)) {
        ckpt_image_close(image);
        return NULL;
    }
    return image;
}

struct ckpt_image *ckpt_image_open(const char *path, struct ckpt_err *err)
{
    struct ckpt_image *image = ckpt_image_open_one(path, err);

    if (image && ckpt_chain_open(image, err)) {
        ckpt_image_close(image);
        image = NULL;
    }
    if (!image)
        ckpt_err_prefix(err, "%s", path);
    return image;
}

void ckpt_image_close(struct ckpt_image *image)
{
    int errnum = errno;

    if (!image)
        return;
    ckpt_image_close(image->base);
    ckpt_source_close(&image->source);
    free(image->path);
    free(image->phdrs);
    free(image->notes);
    free(image->segments);
    free(image->merged);
    free(image);
    errno = errnum;
}

/* --- looking ------------------------------------------------------------- */

void ckpt_image_trust(struct ckpt_image *image)
{
    for (; image; image = image->base)
        memset(image->source.checked, 1, image->source.nchunks);
}

bool ckpt_image_is_stamped(const struct ckpt_image *image)
{
    for (; image; image = image->base)
        if (!ckpt_stamp_holds(image->source.fd))
            return false;
    return true;
}

void ckpt_image_stamp(const struct ckpt_image *image)
{
    for (; image; image = image->base)
        ckpt_stamp_set(image->source.fd);
}

const struct ckpt_image *ckpt_image_base(const struct ckpt_image *image)
{
    return image->base;
}

const char *ckpt_image_path(const struct ckpt_image *image)
{
    return image->path;
}

const uint64_t *ckpt_image_sums(const struct ckpt_image *image, size_t *count,
                                uint64_t *covered)
{
    *count = image->source.nsums;
    *covered = image->source.covered;
    return image->source.sums;
}

enum ckpt_codec ckpt_image_codec(const struct ckpt_image *image)
{
    return image->source.codec;
}

uint64_t ckpt_image_file_size(const struct ckpt_image *image)
{
    return image->source.file_size;
}

uint64_t ckpt_image_core_size(const struct ckpt_image *image)
{
    return image->source.core_size;
}

int ckpt_image_fd(const struct ckpt_image *image)
{
    return image->source.fd;
}

size_t ckpt_image_segments(const struct ckpt_image *image,
                           const struct ckpt_image_segment **segments)
{
    *segments = image->base ? image->merged : image->segments;
    return image->base ? image->nmerged : image->nsegments;
}

uint64_t ckpt_chain_base_offset(const struct ckpt_image *image)
{
    return ckpt_align(image->source.core_size, CKPT_IMAGE_PAGE);
}

struct ckpt_image *ckpt_image_owner(struct ckpt_image *image, uint64_t *offset)
{
    while (image->base && *offset >= ckpt_chain_base_offset(image)) {
        *offset -= ckpt_chain_base_offset(image);
        image = image->base;
    }
    return image;
}

int ckpt_image_read(struct ckpt_image *image, uint64_t offset, void *buf,
                    size_t len, struct ckpt_err *err)
{
    struct ckpt_image *owner = ckpt_image_owner(image, &offset);

    if (ckpt_source_read(&owner->source, offset, buf, len, err) == 0)
        return 0;
    return owner == image ? -1
                          : ckpt_err_prefix(err, "its base %s", owner->path);
}
