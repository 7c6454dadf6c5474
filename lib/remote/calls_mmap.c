/* calls_mmap.c - mapping a remote file
 *
 * It becomes anonymous memory that is filled by reading: right for private
 * mappings, a snapshot for shared ones, which are written back (map.c) if their
 * descriptor may write.
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
    if ((flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) &&
        (file->flags & O_ACCMODE) != O_RDWR)
        return -EACCES;
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
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

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
    if (rc == 0 && shared && (file->flags & O_ACCMODE) == O_RDWR &&
        !ckpt_map_new(file, (uint64_t)at, arg[1], arg[5]))
        rc = -ENOMEM;
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
    if (call->arg[3] & MAP_FIXED) {
        long rc = ckpt_maps_cover(call);
        if (rc != 0)
            return rc;
    }
    if (call->arg[3] & MAP_ANONYMOUS)
        return CKPT_LOCAL;
    return ckpt_if_remote(call->arg[4], do_mmap, call);
}
