/* files_locks.c - locks that the program held, taken again; see files_kinds.h
 *
 * Locks of an open file description come with it.  POSIX locks belong to the
 * process and go when it closes any descriptor of the file: they are taken
 * when all temporary descriptors are closed.
 */
#include "lib/restart/files_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

enum { DYING_WAIT_MS = 1000 };

struct lock {
    uint32_t kind, exclusive;
    uint64_t start, last;
};

static bool next_lock(struct ckpt_bytes *b, struct lock *lock)
{
    if (ckpt_bytes_left(b) == 0)
        return false;
    lock->kind = ckpt_get_u32(b);
    lock->exclusive = ckpt_get_u32(b);
    lock->start = ckpt_get_u64(b);
    lock->last = ckpt_get_u64(b);
    return !b->failed;
}

static struct ckpt_bytes locks_of(const struct ckpt_open_file *f)
{
    return ckpt_bytes_over((void *)(uintptr_t)f->locks.data, f->locks.len);
}

static struct flock to_flock(const struct lock *lock)
{
    return (struct flock){
        .l_type = lock->exclusive ? F_WRLCK : F_RDLCK,
        .l_whence = SEEK_SET,
        .l_start = (off_t)lock->start,
        .l_len = lock->last == UINT64_MAX
                     ? 0
                     : (off_t)(lock->last - lock->start + 1),
    };
}

static int taken(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    if (errno == EAGAIN || errno == EACCES)
        return ckpt_err_set(err, EAGAIN,
                            "%s, which the program had locked, is locked by "
                            "another now",
                            f->path);
    return ckpt_err_sys(err, "cannot lock %s again", f->path);
}

static int try_early(int fd, const struct lock *lock)
{
    struct flock fl = to_flock(lock);
    int rc = 0;

    if (lock->kind == CKPT_LOCK_FLOCK)
        rc = flock(fd, (lock->exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
    else if (lock->kind == CKPT_LOCK_OFD)
        rc = fcntl(fd, F_OFD_SETLK, &fl);
    else {
        rc = fcntl(fd, F_GETLK, &fl);
        if (rc == 0 && fl.l_type != F_UNLCK) {
            errno = EAGAIN;
            rc = -1;
        }
    }
    return rc;
}

/* The program may have been killed just now, and not be quite gone. */
static int take_early(const struct ckpt_open_file *f, int fd,
                      const struct lock *lock, struct ckpt_err *err)
{
    int rc = try_early(fd, lock);

    for (int ms = 0;
         rc < 0 && ms < DYING_WAIT_MS && (errno == EAGAIN || errno == EACCES);
         ms += 20) {
        poll(NULL, 0, 20);
        rc = try_early(fd, lock);
    }
    return rc < 0 ? taken(f, err) : 0;
}

int ckpt_files_lock(const struct ckpt_open_file *f, int fd,
                    struct ckpt_err *err)
{
    struct ckpt_bytes b = locks_of(f);
    struct lock lock;

    while (next_lock(&b, &lock))
        if (take_early(f, fd, &lock, err) < 0)
            return -1;
    return b.failed ? ckpt_files_malformed(f, err) : 0;
}

int ckpt_files_commit_locks(const struct ckpt_open_file *f, int fd,
                            struct ckpt_err *err)
{
    struct ckpt_bytes b = locks_of(f);
    struct lock lock;

    while (next_lock(&b, &lock)) {
        struct flock fl = to_flock(&lock);
        if (lock.kind == CKPT_LOCK_POSIX && fcntl(fd, F_SETLK, &fl) < 0)
            return taken(f, err);
    }
    return 0;
}
