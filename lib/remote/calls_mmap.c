/* calls_mmap.c - mapping a remote file
 *
 * A private mapping, and a shared one that is only read, becomes anonymous
 * memory that is filled by reading: right for private ones, a snapshot for
 * shared ones.  A shared writable mapping is refused with ENODEV, as by a file
 * system that has none.
 */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <sys/mman.h>

static long check(struct ckpt_file *file, uint64_t len, int prot, int flags,
                  uint64_t offset)
{
    if (!file)
        return -EBADF;
    if (len == 0 || offset % 4096 != 0)
        return -EINVAL;
    if (file->kind != CKPT_KIND_FILE)
        return -ENODEV;
    if ((file->flags & O_ACCMODE) == O_WRONLY)
        return -EACCES;
    if ((flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE)) {
        ckpt_refusal_log(SYS_mmap, "shared writable mapping of a remote file");
        return -ENODEV;
    }
    return 0;
}

/* Read the file's bytes into the mapping. */
static long fill(struct ckpt_file *file, uint64_t at, uint64_t len,
                 uint64_t offset)
{
    while (len > 0) {
        size_t part = len > SHADOW_DATA_MAX ? SHADOW_DATA_MAX : len;
        long n = ckpt_cache_read(file, (void *)at, part, offset);
        if (n < 0)
            return n;
        if ((size_t)n < part)
            break;
        at += part;
        offset += part;
        len -= part;
    }
    return 0;
}

static long do_mmap(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    struct ckpt_file *file = ckpt_file_of(arg[4]);
    int prot = (int)arg[2], flags = (int)arg[3];

    long rc = check(file, arg[1], prot, flags, arg[5]);
    if (rc != 0)
        return rc;
    flags &= ~(MAP_TYPE | MAP_POPULATE | MAP_SYNC);
    flags |= MAP_PRIVATE | MAP_ANONYMOUS;
    long at = ckpt_sys(SYS_mmap, arg[0], arg[1], PROT_READ | PROT_WRITE, flags,
                       -1, 0);
    if (at < 0 && at > -4096)
        return at;
    rc = fill(file, (uint64_t)at, arg[1], arg[5]);
    if (rc == 0 && prot != (PROT_READ | PROT_WRITE))
        rc = ckpt_sys(SYS_mprotect, at, arg[1], prot);
    if (rc < 0) {
        ckpt_sys(SYS_munmap, at, arg[1]);
        return rc;
    }
    return at;
}

long ckpt_on_mmap(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[4], do_mmap, call);
}
