/* io.c - see io.h */
#include "lib/common/io.h"

#include "lib/common/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* One read or write, at `offset` when it is not negative, which is retried
 * while signals interrupt it. */
static long transfer_once(long nr, int fd, uintptr_t buf, size_t len,
                          off_t offset)
{
    long n;

    do
        n = ckpt_sys(nr, fd, buf, len, offset);
    while (n == -EINTR);
    return n;
}

static ssize_t transfer(long nr, int fd, uintptr_t buf, size_t len,
                        off_t offset)
{
    size_t done = 0;

    while (done < len) {
        long n =
            transfer_once(nr, fd, buf + done, len - done, offset + (off_t)done);
        if (n < 0)
            return ckpt_sys_errno(n);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int all_written(ssize_t done, size_t len)
{
    if (done < 0)
        return -1;
    if ((size_t)done < len) {
        errno = ENOSPC;
        return -1;
    }
    return 0;
}

int ckpt_write_full(int fd, const void *buf, size_t len)
{
    return all_written(transfer(SYS_write, fd, (uintptr_t)buf, len, 0), len);
}

int ckpt_pwrite_full(int fd, const void *buf, size_t len, off_t offset)
{
    return all_written(transfer(SYS_pwrite64, fd, (uintptr_t)buf, len, offset),
                       len);
}

ssize_t ckpt_read_full(int fd, void *buf, size_t len)
{
    return transfer(SYS_read, fd, (uintptr_t)buf, len, 0);
}

ssize_t ckpt_pread_full(int fd, void *buf, size_t len, off_t offset)
{
    return transfer(SYS_pread64, fd, (uintptr_t)buf, len, offset);
}

int ckpt_fsync_parent(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    if (len >= sizeof dir) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(dir, path, len);
    dir[len] = '\0';
    const char *name = !slash ? "." : len == 0 ? "/" : dir;
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, name,
                       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return (int)ckpt_sys_errno(fd);
    long rc = ckpt_sys(SYS_fsync, fd);
    ckpt_sys(SYS_close, fd);
    return (int)ckpt_sys_errno(rc);
}
