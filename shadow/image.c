/* image.c - see server.h: images, and the intervals of the journal
 *
 *     put at offset 0   a new segment of the journal begins: what is changed
 *                       from now on is undone by a restart from this image
 *     commit            the job's files and the image become durable; the
 *                       image gets its name, image.N, N being that segment;
 *                       images/current is replaced: this one step makes the
 *                       image the newest and ends the interval before it
 *     then              images and segments that are no longer kept go
 */
#include "lib/common/io.h"
#include "lib/undo/copy.h"
#include "shadow/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char part[] = "images/image.part";
/* Of all jobs: beside the directory that holds theirs. */
static const char home_pace[] = "../../pace";

/* An image without a commit, or one that was set aside. */
static int drop_newer(void *arg, int dirfd, const char *name)
{
    struct shadow *shadow = arg;
    unsigned number;
    char end;

    if (sscanf(name, "image.%u%c", &number, &end) == 1 &&
        number > shadow->images.current)
        unlinkat(dirfd, name, 0);
    return 0;
}

/* A shadow was killed while an image was being put: go on with it.  COMMIT may
 * have given it its name already. */
static int put_again(struct shadow *shadow)
{
    struct images *images = &shadow->images;
    char name[64];

    if (!images->kept->putting || images->kept->coming == images->current)
        return 0;
    snprintf(name, sizeof name, "images/image.%u", images->kept->coming);
    (void)renameat(shadow->dirfd, name, shadow->dirfd, part);
    images->put_fd =
        openat(shadow->dirfd, part, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    return images->put_fd < 0 ? -1 : 0;
}

int images_open(struct shadow *shadow, struct ckpt_err *err)
{
    struct images *images = &shadow->images;
    struct jobimage newest;
    char path[PATH_MAX];

    *images = (struct images){
        .kept = &shadow->survive->image,
        .put_fd = -1,
        .get_fd = -1,
    };
    if (pace_open(&images->pace, shadow->spec.image_rate,
                  shadow->spec.home_rate, shadow->dirfd, home_pace, err) < 0)
        return -1;
    if (mkdirat(shadow->dirfd, "images", 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s/images", shadow->dir);
    if (jobdir_image(shadow->dir, &newest, err) < 0)
        return -1;
    images->current = newest.generation;
    images->size = newest.size;
    if (shadow->revived)
        return put_again(shadow);
    unlinkat(shadow->dirfd, part, 0);
    snprintf(path, sizeof path, "%s/images", shadow->dir);
    return directory_each(path, drop_newer, shadow);
}

/* --- putting --- */

static int put_begin(struct shadow *shadow)
{
    struct images *images = &shadow->images;
    struct ckpt_err err;

    if (images->put_fd >= 0)
        close(images->put_fd);
    images->kept->putting = false;
    images->kept->put_len = 0;
    images->put_fd =
        openat(shadow->dirfd, part,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (images->put_fd < 0)
        return -1;
    if (journal_begin(shadow->journal, &images->kept->coming, &err) < 0) {
        shadow_log(shadow, "no new interval: %s", err.text);
        close(images->put_fd);
        images->put_fd = -1;
        errno = EIO;
        return -1;
    }
    __atomic_store_n(&images->kept->putting, true, __ATOMIC_RELEASE);
    return 0;
}

int images_put(struct shadow *shadow, uint64_t offset, const void *data,
               size_t len)
{
    struct images *images = &shadow->images;

    if (offset == 0 && put_begin(shadow) < 0)
        return -1;
    pace_wait(&images->pace, len);
    if (images->put_fd < 0 || offset > images->kept->put_len) {
        errno = EINVAL; /* from the beginning to the end */
        return -1;
    }
    if (ckpt_pwrite_full(images->put_fd, data, len, (off_t)offset) < 0)
        return -1;
    if (offset + len > images->kept->put_len)
        images->kept->put_len = offset + len;
    return 0;
}

/* --- committing --- */

int files_sync(struct shadow *shadow)
{
    return shadow->change ? change_sync(shadow->change) : 0;
}

/* What is older than the images to be kept.  The start counts as one. */
struct kept {
    uint32_t numbers[64];
    size_t count;
    uint32_t oldest;
};

static int keep_one(void *arg, int dirfd, const char *name)
{
    struct kept *kept = arg;
    unsigned number;
    char end;

    (void)dirfd;
    if (sscanf(name, "image.%u%c", &number, &end) == 1 &&
        kept->count < sizeof kept->numbers / sizeof kept->numbers[0])
        kept->numbers[kept->count++] = number;
    return 0;
}

static int descending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x > y ? -1 : x < y;
}

static int drop_older(void *arg, int dirfd, const char *name)
{
    struct kept *kept = arg;
    unsigned number;
    char end;

    if (sscanf(name, "image.%u%c", &number, &end) == 1 && number < kept->oldest)
        unlinkat(dirfd, name, 0);
    return 0;
}

/* The home station may have less room than it thought. */
static uint32_t keep_images(const struct shadow *shadow)
{
    char text[16] = "";
    uint32_t keep = shadow->spec.keep_images;
    int fd = openat(shadow->dirfd, "keep", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return keep;
    if (read(fd, text, sizeof text - 1) > 0) {
        unsigned long less = strtoul(text, NULL, 10);
        if (less >= 1 && less < keep)
            keep = (uint32_t)less;
    }
    close(fd);
    return keep;
}

static void prune(struct shadow *shadow)
{
    struct kept kept = {.count = 1}; /* number 0 is the start */
    uint32_t keep = keep_images(shadow);
    char path[PATH_MAX];
    struct ckpt_err err;

    snprintf(path, sizeof path, "%s/images", shadow->dir);
    if (directory_each(path, keep_one, &kept) < 0)
        return;
    qsort(kept.numbers, kept.count, sizeof kept.numbers[0], descending);
    if (kept.count <= keep)
        return;
    kept.oldest = kept.numbers[keep - 1];
    /* The journal first: a state without its journal cannot be had. */
    if (journal_prune(shadow->journal, kept.oldest, &err) < 0)
        shadow_log(shadow, "journal is not pruned: %s", err.text);
    else
        (void)directory_each(path, drop_older, &kept);
}

static int commit(struct shadow *shadow, struct ckpt_err *err)
{
    struct images *images = &shadow->images;
    char name[64], path[PATH_MAX];

    if (files_sync(shadow) < 0 || fsync(images->put_fd) < 0)
        return ckpt_err_sys(err, "sync");
    snprintf(name, sizeof name, "images/image.%u", images->kept->coming);
    if (renameat(shadow->dirfd, part, shadow->dirfd, name) < 0)
        return ckpt_err_sys(err, "%s", name);
    snprintf(path, sizeof path, "%s/%s", shadow->dir, name);
    if (ckpt_fsync_parent(path) < 0)
        return ckpt_err_sys(err, "%s", path);
    return jobdir_current_write(shadow->dir, images->kept->coming, err);
}

int images_commit(struct shadow *shadow, uint64_t size)
{
    struct images *images = &shadow->images;
    struct ckpt_err err;
    /* The shadow before this one was killed after it had committed. */
    bool before = shadow->note && shadow->note->again && images->put_fd < 0 &&
                  images->kept->coming == images->current;

    if ((images->put_fd < 0 && !before) || size != images->kept->put_len ||
        size == 0) {
        errno = EINVAL;
        return -1;
    }
    if (!before && commit(shadow, &err) < 0) {
        shadow_log(shadow, "image is not committed: %s", err.text);
        return -1;
    }
    if (images->put_fd >= 0)
        close(images->put_fd);
    images->put_fd = -1;
    if (images->get_fd >= 0)
        close(images->get_fd);
    images->get_fd = -1;
    images->current = images->kept->coming;
    images->size = size;
    images->kept->committed = true;
    images->kept->putting = false;
    tell_event(shadow, JOBEVENT_CHECKPOINTED, (int)images->current, 0, size,
               "");
    prune(shadow);
    return 0;
}

ssize_t images_get(struct shadow *shadow, uint64_t offset, void *data,
                   size_t len)
{
    struct images *images = &shadow->images;
    char name[64];

    if (images->current == 0) {
        errno = ENOENT;
        return -1;
    }
    if (images->get_fd < 0) {
        snprintf(name, sizeof name, "images/image.%u", images->current);
        images->get_fd =
            openat(shadow->dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (images->get_fd < 0)
        return -1;
    pace_wait(&images->pace, len);
    return ckpt_pread_full(images->get_fd, data, len, (off_t)offset);
}
