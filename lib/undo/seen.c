/* seen.c - see seen.h */
#include "lib/undo/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint64_t magic = 0x324e454553504b43; /* "CKPSEEN2" */

struct seen {
    int fd;
    size_t size;
    struct seen_head *head;
};

static struct seen_file *files(const struct seen *seen)
{
    return (struct seen_file *)(seen->head + 1);
}

static int map_size(struct seen *seen, size_t size)
{
    if (ftruncate(seen->fd, (off_t)size) < 0)
        return -1;
    void *map =
        seen->head
            ? mremap(seen->head, seen->size, size, MREMAP_MAYMOVE)
            : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, seen->fd, 0);
    if (map == MAP_FAILED)
        return -1;
    seen->head = map;
    seen->size = size;
    return 0;
}

struct seen *seen_open(int dirfd)
{
    struct seen *seen = calloc(1, sizeof *seen);
    struct stat st;

    if (!seen)
        return NULL;
    seen->fd = openat(dirfd, "seen", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (seen->fd < 0 || fstat(seen->fd, &st) < 0)
        goto fail;
    size_t size = (size_t)st.st_size;
    if (size < sizeof *seen->head + 64 * sizeof(struct seen_file))
        size = sizeof *seen->head + 64 * sizeof(struct seen_file);
    if (map_size(seen, size) < 0)
        goto fail;
    size_t room = (size - sizeof *seen->head) / sizeof(struct seen_file);
    if (seen->head->magic != magic || seen->head->count > room)
        *seen->head = (struct seen_head){.magic = magic};
    return seen;
fail:
    seen_close(seen);
    return NULL;
}

void seen_close(struct seen *seen)
{
    if (!seen)
        return;
    int saved = errno;
    if (seen->head)
        munmap(seen->head, seen->size);
    if (seen->fd >= 0)
        close(seen->fd);
    free(seen);
    errno = saved;
}

struct seen_head *seen_head(struct seen *seen)
{
    return seen->head;
}

void seen_update(struct seen *seen, int64_t index, const struct stat *st)
{
    files(seen)[index] = (struct seen_file){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_sec = st->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
        .is_file = S_ISREG(st->st_mode),
        .shared = files(seen)[index].shared,
    };
}

void seen_expect(struct seen *seen, int64_t index, const struct stat *st)
{
    struct seen_file *file = &files(seen)[index];

    if (!seen_matches(file, st))
        file->shared = true;
}

int64_t seen_add(struct seen *seen, const struct stat *st)
{
    size_t need =
        sizeof *seen->head + (seen->head->count + 1) * sizeof(struct seen_file);

    if (need > seen->size && map_size(seen, 2 * seen->size) < 0)
        return -1;
    int64_t index = seen->head->count;
    files(seen)[index].shared = false;
    seen_update(seen, index, st);
    seen->head->count++;
    return index;
}

/* The last entry of an inode from before the roll-back; NULL: none. */
static const struct seen_file *find_older(const struct seen *seen, uint64_t dev,
                                          uint64_t ino)
{
    for (uint32_t i = seen->head->count; i-- > 0;)
        if (files(seen)[i].dev == dev && files(seen)[i].ino == ino &&
            !files(seen)[i].put_back)
            return &files(seen)[i];
    return NULL;
}

int seen_adopt(struct seen *seen, const struct stat *st, uint64_t was_dev,
               uint64_t was_ino)
{
    const struct seen_file *old = find_older(seen, was_dev, was_ino);
    struct seen_file entry = {0};
    int64_t index;

    if (old)
        entry = *old; /* the table may move */
    index = seen_add(seen, st);
    if (index < 0)
        return -1;
    struct seen_file *file = &files(seen)[index];
    if (old) { /* that is how this segment left it */
        file->size = entry.size;
        file->mtime_sec = entry.mtime_sec;
        file->mtime_nsec = entry.mtime_nsec;
        file->shared = entry.shared;
    }
    /* What it replaces may itself have been put back before. */
    file->was_dev = entry.was_ino ? entry.was_dev : was_dev;
    file->was_ino = entry.was_ino ? entry.was_ino : was_ino;
    file->put_back = true;
    return 0;
}

void seen_settle(struct seen *seen)
{
    for (uint32_t i = 0; i < seen->head->count; i++)
        files(seen)[i].put_back = false;
}

uint32_t seen_count(const struct seen *seen)
{
    return seen->head->count;
}

const struct seen_file *seen_at(const struct seen *seen, uint32_t index)
{
    return &files(seen)[index];
}

bool seen_matches(const struct seen_file *file, const struct stat *st)
{
    if (file->dev != st->st_dev || file->ino != st->st_ino)
        return false;
    if (!file->is_file || !S_ISREG(st->st_mode))
        return true;
    return !file->shared && file->size == (uint64_t)st->st_size &&
           file->mtime_sec == st->st_mtim.tv_sec &&
           file->mtime_nsec == (uint32_t)st->st_mtim.tv_nsec;
}
