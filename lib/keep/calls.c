/* calls.c - see calls.h
 *
 * A handler's result: 0, or -1 with errno.  EPERM and what the journal left
 * (call->err has its text) mean that the change cannot be noted; other errors
 * that the call will fail by itself.
 */
#include "lib/keep/calls.h"

#include "lib/keep/calls_impl.h"
#include "lib/keep/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    SMALL_FILE = 1 << 20,    /* is kept as a whole */
    PIECE = 32 << 20,        /* noted at once */
    SLACK_BEFORE = 64 << 10, /* the position may move before the write */
    SLACK_AFTER = 256 << 10,
};

int keep_failed(struct keep_call *call, const char *what)
{
    if (!call->err.text[0])
        ckpt_err_sys(&call->err, "%s", what);
    errno = EPERM;
    return -1;
}

/* --- content ------------------------------------------------------------- */

int keep_over_limit(struct keep_call *call, uint64_t more)
{
    if (journal_bytes(call->journal) + more <= call->limit)
        return 0;
    ckpt_err_set(&call->err, EFBIG,
                 "the changes since a checkpoint need more than the %llu MiB "
                 "that may be kept (--files-limit)",
                 (unsigned long long)(call->limit >> 20));
    errno = EPERM;
    return -1;
}

/* Note [from, to) of an open file; with from at its end: that it is changed. */
static int note_content(struct keep_call *call, int fd, const struct stat *st,
                        uint64_t from, uint64_t to)
{
    uint64_t size = (uint64_t)st->st_size;

    if (size <= SMALL_FILE && from < size) {
        from = 0;
        to = size;
    }
    if (to > size)
        to = size;
    if (from > to)
        from = to;
    do {
        uint64_t len = to - from < PIECE ? to - from : PIECE;
        if (keep_over_limit(call, len) < 0)
            return -1;
        if (journal_data(call->journal, fd, from, len, &call->err) < 0 ||
            journal_ready(call->journal, -1, &call->err) < 0)
            return keep_failed(call, "journal");
        from += len;
    } while (from < to);
    return 0;
}

/* The same of an inode that we have to open first, by a descriptor of the
 * program. */
static int change_fd(struct keep_call *call, int fd, uint64_t from, uint64_t to)
{
    struct stat st;

    if (keep_stat_fd(call->tid, fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode) || journal_has(call->journal, &st, from, to))
        return 0;
    int own = keep_open_fd(call->tid, fd, O_RDONLY);
    if (own < 0)
        return errno == EPERM
                   ? keep_failed(call, "cannot read a file that is written to")
                   : -1;
    int rc = keep_is_real(own) ? note_content(call, own, &st, from, to) : 0;
    close(own);
    return rc;
}

/* At the position of the descriptor, which the program's threads and children
 * may share: another may move it before the write. */
static int change_here(struct keep_call *call, int fd, uint64_t len)
{
    struct stat st;
    uint64_t at, from;
    int flags;

    if (keep_stat_fd(call->tid, fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode) || (st.st_size <= SMALL_FILE &&
                                 journal_has(call->journal, &st, 0, INT64_MAX)))
        return 0;
    if (keep_fd_state(call->tid, fd, &at, &flags) < 0)
        return -1;
    if (flags & O_APPEND)
        return change_fd(call, fd, (uint64_t)st.st_size, INT64_MAX);
    from = at > SLACK_BEFORE ? at - SLACK_BEFORE : 0;
    if (at >= (uint64_t)st.st_size) /* behind the end; nobody goes back */
        from = at;
    return change_fd(call, fd, from,
                     len < INT64_MAX / 2 ? at + len + SLACK_AFTER : INT64_MAX);
}

static uint64_t end_of(uint64_t offset, uint64_t len)
{
    return offset > INT64_MAX || len > INT64_MAX - offset ? INT64_MAX
                                                          : offset + len;
}

/* At an offset that is given. */
static int change_at(struct keep_call *call, int fd, uint64_t offset,
                     uint64_t len)
{
    return change_fd(call, fd, offset > INT64_MAX ? 0 : offset,
                     end_of(offset, len));
}

static uint64_t vector_len(const struct keep_call *call)
{
    struct iovec vector[64];
    uint64_t len = 0;

    if (call->arg[2] > 64)
        return INT64_MAX;
    if (keep_read_memory(call->tid, call->arg[1], vector,
                         call->arg[2] * sizeof *vector) < 0)
        return INT64_MAX;
    for (size_t i = 0; i < call->arg[2]; i++)
        len = end_of(len, vector[i].iov_len);
    return len;
}

int keep_on_write(struct keep_call *call)
{
    return change_here(call, (int)call->arg[0], call->arg[2]);
}

int keep_on_writev(struct keep_call *call)
{
    return change_here(call, (int)call->arg[0], vector_len(call));
}

int keep_on_pwrite(struct keep_call *call)
{
    return change_at(call, (int)call->arg[0], call->arg[3], call->arg[2]);
}

int keep_on_pwritev(struct keep_call *call)
{
    if (call->nr == SYS_pwritev2 && call->arg[3] == UINT64_MAX)
        return keep_on_writev(call);
    return change_at(call, (int)call->arg[0], call->arg[3], vector_len(call));
}

int keep_on_sendfile(struct keep_call *call)
{
    return change_here(call, (int)call->arg[0], call->arg[3]);
}

/* splice and copy_file_range have the same arguments. */
int keep_on_splice(struct keep_call *call)
{
    uint64_t offset;

    if (!call->arg[3])
        return change_here(call, (int)call->arg[2], call->arg[4]);
    if (keep_read_memory(call->tid, call->arg[3], &offset, sizeof offset) < 0)
        return -1;
    return change_at(call, (int)call->arg[2], offset, call->arg[4]);
}

int keep_on_ftruncate(struct keep_call *call)
{
    return change_at(call, (int)call->arg[0], call->arg[1], INT64_MAX);
}

int keep_on_fallocate(struct keep_call *call)
{
    uint64_t mode = call->arg[1];

    if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
        return change_at(call, (int)call->arg[0], call->arg[2], INT64_MAX);
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return change_at(call, (int)call->arg[0], call->arg[2], call->arg[3]);
    return change_at(call, (int)call->arg[0], INT64_MAX, 0);
}

int keep_on_ioctl(struct keep_call *call)
{
    return change_at(call, (int)call->arg[0], 0, INT64_MAX);
}

/* A shared mapping of a file that is open for writing may be written through
 * at any time. */
int keep_on_mmap(struct keep_call *call)
{
    uint64_t at;
    int flags;

    if (keep_fd_state(call->tid, (int)call->arg[4], &at, &flags) < 0)
        return -1;
    if ((flags & O_ACCMODE) != O_RDWR)
        return 0;
    return change_at(call, (int)call->arg[4], 0, INT64_MAX);
}

static int note_mapped(void *arg, int fd)
{
    struct keep_call *call = arg;
    struct stat st;

    if (fstat(fd, &st) < 0 || !keep_is_real(fd))
        return 0;
    return note_content(call, fd, &st, 0, INT64_MAX);
}

int keep_mapped(struct keep_call *call)
{
    int rc = keep_each_mapped(call->tid, note_mapped, call);

    journal_done(call->journal, -1);
    return rc < 0 ? keep_failed(call, "cannot keep a file that is mapped") : 0;
}

/* --- opening ------------------------------------------------------------- */

static int open_existing(struct keep_call *call, const struct keep_place *place,
                         const struct stat *st, uint64_t flags)
{
    if (!(flags & O_TRUNC) || !S_ISREG(st->st_mode) ||
        journal_has(call->journal, st, 0, INT64_MAX))
        return 0;
    int fd = openat(place->dirfd, place->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return faccessat(place->dirfd, place->name, W_OK, 0) < 0
                   ? 0 /* not ours to write to */
                   : keep_failed(call, place->name);
    int rc = note_content(call, fd, st, 0, INT64_MAX);
    close(fd);
    return rc;
}

/* Without a name of its own: /proc/self/fd/1, say. */
static int open_magic(struct keep_call *call, int dirfd, uint64_t path)
{
    char text[64] = "";
    unsigned fd;

    if (keep_read_memory(call->tid, path, text, sizeof text - 1) < 0)
        return -1;
    (void)dirfd;
    if (strcmp(text, "/dev/stdout") == 0)
        return change_at(call, 1, 0, INT64_MAX);
    if (strcmp(text, "/dev/stderr") == 0)
        return change_at(call, 2, 0, INT64_MAX);
    if (sscanf(text, "/dev/fd/%u", &fd) == 1 ||
        sscanf(text, "/proc/self/fd/%u", &fd) == 1)
        return change_at(call, (int)fd, 0, INT64_MAX);
    return 0;
}

static int open_flags(struct keep_call *call, int dirfd, uint64_t path,
                      uint64_t flags)
{
    struct keep_place place;
    struct stat st;
    bool follow = !(flags & O_NOFOLLOW) &&
                  (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    int rc = 0;

    if (!(flags & (O_CREAT | O_TRUNC)))
        return 0;
    if (keep_find_place(call->tid, dirfd, path, follow, &place) < 0)
        return errno == EISDIR && (flags & O_TRUNC)
                   ? open_magic(call, dirfd, path)
                   : -1;
    if (!keep_is_real(place.dirfd))
        rc = 0;
    else if (fstatat(place.dirfd, place.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        rc = open_existing(call, &place, &st, flags);
    else if (flags & O_CREAT)
        rc = keep_note_name(call, &place);
    keep_place_clear(&place);
    return rc;
}

int keep_on_open(struct keep_call *call)
{
    return open_flags(call, AT_FDCWD, call->arg[0], call->arg[1]);
}

int keep_on_openat(struct keep_call *call)
{
    return open_flags(call, (int)call->arg[0], call->arg[1], call->arg[2]);
}

int keep_on_creat(struct keep_call *call)
{
    return open_flags(call, AT_FDCWD, call->arg[0],
                      O_CREAT | O_TRUNC | O_WRONLY);
}

int keep_on_openat2(struct keep_call *call)
{
    uint64_t flags;

    if (keep_read_memory(call->tid, call->arg[2], &flags, sizeof flags) < 0)
        return -1;
    return open_flags(call, (int)call->arg[0], call->arg[1], flags);
}

int keep_on_truncate(struct keep_call *call)
{
    struct keep_place place;
    struct stat st;
    int rc = 0;

    if (keep_find_place(call->tid, AT_FDCWD, call->arg[0], true, &place) < 0)
        return -1;
    if (fstatat(place.dirfd, place.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        keep_is_real(place.dirfd))
        rc = open_existing(call, &place, &st, O_TRUNC);
    keep_place_clear(&place);
    return rc;
}
