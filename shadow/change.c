/* change.c - see change.h: content and attributes */
#include "shadow/change.h"

#include "lib/common/io.h"
#include "shadow/change_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct change *change_create(struct journal *journal)
{
    struct change *change = calloc(1, sizeof *change);

    if (change)
        change->journal = journal;
    return change;
}

void change_destroy(struct change *change)
{
    for (unsigned i = 0; change && i < change->fs_count; i++)
        close(change->fs[i].fd);
    free(change);
}

void change_note_fs(struct change *change, int dirfd)
{
    struct stat st;

    if (fstat(dirfd, &st) < 0)
        return;
    for (unsigned i = 0; i < change->fs_count; i++)
        if (change->fs[i].dev == st.st_dev)
            return;
    int fd = change->fs_count == CHANGE_FS_MAX
                 ? -1
                 : openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        change->fs_more = true;
        return;
    }
    change->fs[change->fs_count].dev = st.st_dev;
    change->fs[change->fs_count++].fd = fd;
}

int change_sync(struct change *change)
{
    int rc = 0;

    for (unsigned i = 0; i < change->fs_count; i++)
        if (syncfs(change->fs[i].fd) < 0)
            rc = -1;
    if (change->fs_more)
        sync();
    return rc;
}

void change_note(struct change *change, struct note *note)
{
    if (change)
        change->note = note;
}

void change_sync_all(struct change *change)
{
    change->fs_more = true;
}

const char *change_error(struct change *change)
{
    if (!change->failed)
        return NULL;
    change->failed = false;
    return change->err.text;
}

int change_refused(struct change *change, int fd)
{
    int why = errno;

    journal_done(change->journal, fd);
    /* Errors of the file itself are the caller's, all others ours. */
    if (why != ENOENT && why != ENAMETOOLONG && why != EFBIG && why != ENOSPC &&
        why != EDQUOT) {
        change->failed = true;
        why = EIO;
    }
    errno = why;
    return -1;
}

int change_ended(struct change *change, int fd, int rc)
{
    int saved = errno;

    journal_done(change->journal, fd);
    errno = saved;
    return rc;
}

/* The journal knows of [offset, offset + len) of the file. */
static int data_ready(struct change *change, int fd, off_t offset, size_t len)
{
    if (journal_data(change->journal, fd, (uint64_t)offset, len, &change->err) <
            0 ||
        journal_ready(change->journal, fd, &change->err) < 0)
        return change_refused(change, fd);
    return 0;
}

/* How much of the data stands where a killed shadow was about to append it. */
static size_t appended(int fd, const void *data, size_t len, off_t offset)
{
    char buf[4096];
    size_t done = 0;

    while (done < len) {
        size_t n = len - done < sizeof buf ? len - done : sizeof buf;
        ssize_t got = ckpt_pread_full(fd, buf, n, offset + (off_t)done);
        if (got <= 0)
            return done; /* the file ends in the middle of it */
        if (memcmp(buf, (const char *)data + done, (size_t)got) != 0)
            return 0; /* somebody else's */
        done += (size_t)got;
    }
    return done;
}

/* At the end, wherever that is by now: other jobs append, too. */
static off_t append_full(int fd, const void *data, size_t len)
{
    struct iovec rest = {(void *)data, len};

    while (rest.iov_len > 0) {
        ssize_t n = pwritev2(fd, &rest, 1, -1, RWF_APPEND);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        rest.iov_base = (char *)rest.iov_base + n;
        rest.iov_len -= (size_t)n;
    }
    return lseek(fd, 0, SEEK_CUR); /* -1 above: the descriptor's own offset */
}

static off_t append(struct change *change, int fd, const void *data, size_t len)
{
    struct note *note = change->note;
    size_t done =
        note_has(note, NOTE_APPEND) ? appended(fd, data, len, note->offset) : 0;

    if (done > 0 && done == len)
        return note->offset + (off_t)len;
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0 || data_ready(change, fd, end, len) < 0)
        return -1;
    if (note && done == 0) {
        note->offset = lseek(fd, 0, SEEK_END); /* the sync took a while */
        note_make(note, NOTE_APPEND);
    }
    end = append_full(fd, (const char *)data + done, len - done);
    return change_ended(change, fd, end < 0 ? -1 : 0) < 0 ? -1 : end;
}

off_t change_write(struct change *change, int fd, const void *data, size_t len,
                   off_t offset)
{
    if (offset < 0)
        return append(change, fd, data, len);
    if (data_ready(change, fd, offset, len) < 0)
        return -1;
    int rc = ckpt_pwrite_full(fd, data, len, offset);
    return change_ended(change, fd, rc) < 0 ? -1 : offset + (off_t)len;
}

int change_truncate(struct change *change, int fd, off_t size)
{
    if (size < 0) {
        errno = EINVAL;
        return -1;
    }
    if (journal_size(change->journal, fd, (uint64_t)size, &change->err) < 0 ||
        journal_ready(change->journal, fd, &change->err) < 0)
        return change_refused(change, fd);
    return change_ended(change, fd, ftruncate(fd, size));
}

int change_fallocate(struct change *change, int fd, int mode, off_t offset,
                     off_t len)
{
    if (mode &
        ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (offset < 0 || len <= 0) {
        errno = EINVAL;
        return -1;
    }
    bool zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
    if (journal_data(change->journal, fd, (uint64_t)offset,
                     zeroes ? (uint64_t)len : 0, &change->err) < 0 ||
        journal_ready(change->journal, fd, &change->err) < 0)
        return change_refused(change, fd);
    return change_ended(change, fd, fallocate(fd, mode, offset, len));
}

static int attr_ready(struct change *change, int fd)
{
    if (journal_attr(change->journal, fd, &change->err) < 0 ||
        journal_ready(change->journal, fd, &change->err) < 0)
        return change_refused(change, fd);
    return 0;
}

int change_mode(struct change *change, int fd, mode_t mode)
{
    char link[32];

    if (attr_ready(change, fd) < 0)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    /* The job cannot hand out its owner's rights. */
    return change_ended(change, fd, chmod(link, mode & 01777));
}

int change_owner(struct change *change, int fd, uid_t uid, gid_t gid)
{
    if (attr_ready(change, fd) < 0)
        return -1;
    return change_ended(change, fd, fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

int change_times(struct change *change, int fd, const struct timespec times[2])
{
    char link[32];
    struct stat st;

    if (fstat(fd, &st) < 0 || attr_ready(change, fd) < 0)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return change_ended(change, fd,
                        S_ISLNK(st.st_mode)
                            ? utimensat(fd, "", times, AT_EMPTY_PATH)
                            : utimensat(AT_FDCWD, link, times, 0));
}
