/* segment.c - see segment.h: writing a segment's log */
#include "lib/undo/segment.h"

#include "lib/common/io.h"
#include "lib/undo/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { AHEAD_MIN = 128 << 10, AHEAD_MAX = 8 << 20 };

struct segment {
    uint32_t number;
    uint32_t batch;
    bool sync;
    int dirfd;
    int fd;
    uint64_t end;       /* of the records */
    uint64_t allocated; /* zeros are written up to here */
    uint8_t *buf;       /* the batch */
    size_t len;
    size_t size;
};

/* Read once: a confined process cannot open it. */
void segment_boot(char boot[SEGMENT_BOOT_LEN + 1])
{
    static char id[SEGMENT_BOOT_LEN + 1];

    if (!id[0]) {
        int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : ckpt_read_full(fd, id, SEGMENT_BOOT_LEN);
        if (fd >= 0)
            close(fd);
        if (n != SEGMENT_BOOT_LEN)
            strcpy(id, "unknown");
    }
    memcpy(boot, id, sizeof id);
}

/* --- records ------------------------------------------------------------- */

/* Room for a record with `len` bytes of payload, which the caller fills. */
static uint8_t *add_record(struct segment *segment, enum segment_type type,
                           size_t len)
{
    size_t whole = RECORD_HEAD_LEN + RECORD_PAD(len);

    if (segment->size - segment->len < whole) {
        size_t size = 2 * (segment->len + whole);
        uint8_t *buf = realloc(segment->buf, size);
        if (!buf)
            return NULL;
        segment->buf = buf;
        segment->size = size;
    }
    uint8_t *at = segment->buf + segment->len;
    memset(at, 0, RECORD_HEAD_LEN);
    memset(at + whole - 8, 0, 8);
    struct ckpt_bytes b = ckpt_bytes_over(at, RECORD_HEAD_LEN);
    ckpt_put_u32(&b, RECORD_MAGIC);
    ckpt_put_u16(&b, (uint16_t)type);
    ckpt_put_u16(&b, 0);
    ckpt_put_u32(&b, (uint32_t)len);
    ckpt_put_u32(&b, segment->batch);
    segment->len += whole;
    return at + RECORD_HEAD_LEN;
}

/* A record whose payload `encoded` says its own length. */
static int add_encoded(struct segment *segment, enum segment_type type,
                       const uint8_t *payload, const struct ckpt_bytes *b)
{
    size_t len = (size_t)(b->at - payload);

    if (b->failed) {
        errno = ENAMETOOLONG;
        return -1;
    }
    uint8_t *at = add_record(segment, type, len);
    if (!at)
        return -1;
    memcpy(at, payload, len);
    return 0;
}

static int put_head(struct segment *segment, const struct segment_head *head)
{
    uint8_t payload[2 * PATH_MAX + 256];
    struct ckpt_bytes b = ckpt_bytes_over(payload, sizeof payload);

    ckpt_put_u32(&b, SEGMENT_VERSION);
    ckpt_put_u32(&b, head->number);
    ckpt_put_str(&b, head->boot);
    ckpt_put_str(&b, head->from);
    ckpt_put_str(&b, head->to);
    ckpt_put_u64(&b, head->dev);
    ckpt_put_u64(&b, head->ino);
    return add_encoded(segment, SEGMENT_HEAD, payload, &b);
}

int segment_put_name(struct segment *segment, const struct segment_name *name)
{
    uint8_t payload[2 * PATH_MAX + 256];
    struct ckpt_bytes b = ckpt_bytes_over(payload, sizeof payload);

    ckpt_put_u32(&b, (uint32_t)name->kind);
    ckpt_put_u32(&b, name->id);
    ckpt_put_u32(&b, name->mode);
    ckpt_put_u32(&b, name->uid);
    ckpt_put_u32(&b, name->gid);
    ckpt_put_str(&b, name->path);
    ckpt_put_str(&b, name->target);
    return add_encoded(segment, SEGMENT_NAME, payload, &b);
}

static void put_time(struct ckpt_bytes *b, const struct timespec *time)
{
    ckpt_put_u64(b, (uint64_t)time->tv_sec);
    ckpt_put_u32(b, (uint32_t)time->tv_nsec);
}

int segment_put_inode(struct segment *segment,
                      const struct segment_inode *inode)
{
    uint8_t payload[PATH_MAX + 256];
    struct ckpt_bytes b = ckpt_bytes_over(payload, sizeof payload);

    ckpt_put_u32(&b, inode->id);
    ckpt_put_u32(&b, inode->mode);
    ckpt_put_u32(&b, inode->uid);
    ckpt_put_u32(&b, inode->gid);
    ckpt_put_u64(&b, inode->dev);
    ckpt_put_u64(&b, inode->ino);
    ckpt_put_u64(&b, inode->size);
    put_time(&b, &inode->atime);
    put_time(&b, &inode->mtime);
    ckpt_put_str(&b, inode->path);
    return add_encoded(segment, SEGMENT_INODE, payload, &b);
}

void *segment_put_block(struct segment *segment, uint32_t id, uint64_t offset,
                        size_t len)
{
    uint8_t *at = add_record(segment, SEGMENT_BLOCK, RECORD_BLOCK_LEN + len);

    if (!at)
        return NULL;
    struct ckpt_bytes b = ckpt_bytes_over(at, RECORD_BLOCK_LEN);
    ckpt_put_u32(&b, id);
    ckpt_put_u64(&b, offset);
    ckpt_put_u32(&b, (uint32_t)len);
    return at + RECORD_BLOCK_LEN;
}

/* --- the file ------------------------------------------------------------ */

/* Blocks that are written already need no metadata to become durable, so a
 * sync costs one write to the device. */
static int allocate(struct segment *segment, uint64_t upto)
{
    uint64_t chunk = segment->allocated;

    if (upto <= segment->allocated)
        return 0;
    if (chunk < AHEAD_MIN)
        chunk = AHEAD_MIN;
    if (chunk > AHEAD_MAX)
        chunk = AHEAD_MAX;
    if (chunk < upto - segment->allocated)
        chunk = upto - segment->allocated;
    uint8_t *zeros = calloc(1, chunk);
    if (!zeros)
        return -1;
    int rc =
        ckpt_pwrite_full(segment->fd, zeros, chunk, (off_t)segment->allocated);
    free(zeros);
    if (rc == 0)
        segment->allocated += chunk;
    return rc;
}

static void seal_batch(struct segment *segment)
{
    size_t at = 0;

    while (at < segment->len) {
        uint8_t *record = segment->buf + at;
        struct ckpt_bytes b = ckpt_bytes_over(record + 8, 4);
        size_t len = ckpt_get_u32(&b);
        b = ckpt_bytes_over(record + RECORD_CRC_AT, 4);
        ckpt_put_u32(&b, record_crc(record, len));
        at += RECORD_HEAD_LEN + RECORD_PAD(len);
    }
}

int segment_flush(struct segment *segment, struct ckpt_err *err)
{
    if (segment->len == 0)
        return 0;
    seal_batch(segment);
    if (allocate(segment, segment->end + segment->len) < 0 ||
        ckpt_pwrite_full(segment->fd, segment->buf, segment->len,
                         (off_t)segment->end) < 0 ||
        (segment->sync && fdatasync(segment->fd) < 0))
        return ckpt_err_sys(err, "journal/%u/log", segment->number);
    segment->end += segment->len;
    segment->len = 0;
    segment->batch++;
    if (segment->size > 1 << 20) {
        free(segment->buf);
        segment->buf = NULL;
        segment->size = 0;
    }
    return 0;
}

void segment_drop(struct segment *segment)
{
    segment->len = 0;
}

/* --- the directory ------------------------------------------------------- */

static int make_directory(struct segment *segment, const char *dir,
                          struct ckpt_err *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/journal/%u", dir, segment->number) >=
        (int)sizeof path)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", dir);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s", path);
    segment->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (segment->dirfd < 0)
        return ckpt_err_sys(err, "%s", path);
    segment->fd = openat(segment->dirfd, "log",
                         O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (segment->fd < 0)
        return ckpt_err_sys(err, "%s/log", path);
    return 0;
}

struct segment *segment_create(const char *dir, uint32_t number,
                               const struct segment_head *rename, bool sync,
                               struct ckpt_err *err)
{
    struct segment *segment = calloc(1, sizeof *segment);
    struct segment_head head = {0};

    if (!segment) {
        ckpt_err_set(err, ENOMEM, "journal: out of memory");
        return NULL;
    }
    segment->number = number;
    segment->sync = sync;
    segment->dirfd = segment->fd = -1;
    if (rename)
        head = *rename;
    head.number = number;
    segment_boot(head.boot);
    if (make_directory(segment, dir, err) < 0 || put_head(segment, &head) < 0 ||
        segment_flush(segment, err) < 0)
        goto fail;
    if (sync && (fsync(segment->fd) < 0 || fsync(segment->dirfd) < 0)) {
        ckpt_err_sys(err, "journal/%u", number);
        goto fail;
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/journal/%u", dir, number);
    if (sync && ckpt_fsync_parent(path) < 0) {
        ckpt_err_sys(err, "%s", path);
        goto fail;
    }
    return segment;
fail:
    segment_close(segment);
    return NULL;
}

void segment_close(struct segment *segment)
{
    if (!segment)
        return;
    int saved = errno;
    if (segment->fd >= 0)
        close(segment->fd);
    if (segment->dirfd >= 0)
        close(segment->dirfd);
    free(segment->buf);
    free(segment);
    errno = saved;
}

uint32_t segment_number(const struct segment *segment)
{
    return segment->number;
}

uint64_t segment_bytes(const struct segment *segment)
{
    return segment->end;
}

int segment_dirfd(const struct segment *segment)
{
    return segment->dirfd;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

int segment_list(const char *dir, uint32_t **numbers, size_t *count,
                 struct ckpt_err *err)
{
    char path[PATH_MAX], end;
    uint32_t *found = NULL;
    size_t n = 0;
    unsigned number;

    snprintf(path, sizeof path, "%s/journal", dir);
    DIR *stream = opendir(path);
    if (!stream)
        return ckpt_err_sys(err, "%s", path);
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (sscanf(entry->d_name, "%u%c", &number, &end) != 1)
            continue;
        uint32_t *more = realloc(found, (n + 1) * sizeof *more);
        if (!more) {
            free(found);
            closedir(stream);
            return ckpt_err_set(err, ENOMEM, "%s: out of memory", path);
        }
        found = more;
        found[n++] = number;
    }
    closedir(stream);
    if (n > 0)
        qsort(found, n, sizeof *found, ascending);
    *numbers = found;
    *count = n;
    return 0;
}

static void remove_contents(const char *path)
{
    DIR *stream = opendir(path);

    if (!stream)
        return;
    for (struct dirent *entry; (entry = readdir(stream));)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(stream), entry->d_name, 0);
    closedir(stream);
    rmdir(path);
}

int segment_remove(const char *dir, uint32_t number, bool sync,
                   struct ckpt_err *err)
{
    char path[PATH_MAX], trash[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/journal/%u", dir, number) >=
            (int)sizeof path ||
        snprintf(trash, sizeof trash, "%s/journal/trash", dir) >=
            (int)sizeof trash)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", dir);
    remove_contents(trash); /* left over */
    if (rename(path, trash) < 0)
        return ckpt_err_sys(err, "%s", path);
    if (sync && ckpt_fsync_parent(path) < 0)
        return ckpt_err_sys(err, "%s", path);
    remove_contents(trash);
    return 0;
}
