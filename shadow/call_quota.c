/* call_quota.c - see server.h: changes of length under a limit */
#include "shadow/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static off_t length(const struct stat *st)
{
    return S_ISREG(st->st_mode) ? st->st_size : 0;
}

int resize_begin(struct shadow *shadow, struct resize *resize, int fd,
                 struct quota *quota, off_t grown, off_t appended)
{
    struct stat st;

    *resize = (struct resize){.quota = quota, .fd = fd};
    if (!quota)
        return 0;
    if (fstat(fd, &st) < 0)
        return -1;
    resize->before = length(&st);
    off_t next = appended > 0 ? resize->before + appended : grown;
    if (quota_check(quota, resize->before, next) == 0)
        return 0;
    shadow_over_limit(shadow, quota, fd);
    errno = EDQUOT;
    return -1;
}

void resize_end(const struct resize *resize)
{
    int saved = errno;
    struct stat st;

    if (resize->quota && fstat(resize->fd, &st) == 0)
        quota_count(resize->quota, resize->before, length(&st));
    errno = saved;
}

/* Open handles of this file. */
static unsigned users(const struct shadow *shadow, const struct stat *st)
{
    unsigned count = 0;

    for (unsigned i = 0; i < HANDLES_MAX; i++) {
        const struct handle *handle = &shadow->handles.table[i];
        struct stat other;
        if (handle->fd >= 0 && fstat(handle->fd, &other) == 0 &&
            other.st_dev == st->st_dev && other.st_ino == st->st_ino)
            count++;
    }
    return count;
}

static unsigned names(const struct shadow *shadow, const struct stat *st)
{
    return (unsigned)st->st_nlink - journal_links(shadow->journal, st);
}

off_t freed_by_name(const struct shadow *shadow, const struct place *place)
{
    struct stat st;

    if (!place->quota ||
        fstatat(place->dirfd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        names(shadow, &st) > 1 || users(shadow, &st) > 0)
        return 0;
    return length(&st);
}

off_t freed_by_close(const struct shadow *shadow, const struct handle *handle)
{
    struct stat st;

    if (!handle->quota || fstat(handle->fd, &st) < 0 ||
        names(shadow, &st) > 0 || users(shadow, &st) > 1)
        return 0;
    return length(&st);
}

int rename_fits(struct shadow *shadow, const struct place *from,
                const struct place *to, off_t *moved)
{
    struct stat st;

    *moved = 0;
    if (from->quota == to->quota)
        return 0;
    if (fstatat(from->dirfd, from->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (S_ISDIR(st.st_mode)) {
        errno = EXDEV; /* what is in it would have to be counted */
        return -1;
    }
    *moved = length(&st);
    if (quota_check(to->quota, 0, *moved) == 0)
        return 0;
    shadow_over_limit(shadow, to->quota, -1);
    errno = EDQUOT;
    return -1;
}
