/* calls_rw.c - read, write, their vector and positioned forms, lseek */
#include "lib/remote/cache.h"
#include "lib/remote/names.h"

#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { VECTORS = 1024 };

/* One transfer: where, and what of the description it uses. */
struct transfer {
    struct ckpt_call *call;
    struct ckpt_file *file;
    bool writing;
    bool positioned;
    uint64_t offset;
};

/* The offset of a descriptor that was appended to is only known to the shadow
 * until somebody asks. */
static void settle_offset(struct ckpt_file *file)
{
    struct ckpt_node *node = &ckpt_state->nodes[file->node];

    if (!file->at_end)
        return;
    ckpt_cache_send(node);
    ckpt_wire_settle(ckpt_node_index(node));
    file->offset = node->end;
    file->at_end = false;
}

static long start(struct ckpt_call *call, bool writing, bool positioned,
                  struct transfer *t)
{
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);
    int access = file ? file->flags & O_ACCMODE : 0;

    if (!file || (file->flags & O_PATH) ||
        access == (writing ? O_RDONLY : O_WRONLY))
        return -EBADF;
    if (file->kind == CKPT_KIND_DIR)
        return -EISDIR;
    *t = (struct transfer){call, file, writing, positioned, 0};
    if (!positioned) {
        if (!(writing && (file->flags & O_APPEND)))
            settle_offset(file);
        t->offset = file->offset;
        return 0;
    }
    if (file->kind == CKPT_KIND_STREAM)
        return -ESPIPE;
    t->offset = call->arg[3];
    return (int64_t)t->offset < 0 ? -EINVAL : 0;
}

static long move(struct transfer *t, uint64_t buf, uint64_t len)
{
    struct ckpt_file *file = t->file;
    bool append = t->writing && (file->flags & O_APPEND);
    long n;

    if (len > 0x7ffff000)
        len = 0x7ffff000;
    if (buf < 4096 && len > 0)
        return -EFAULT;
    if (!t->writing && file->kind == CKPT_KIND_STREAM) {
        t->call->park = (struct ckpt_park){.nonblock = file->flags & O_NONBLOCK,
                                           .handle = file->handle,
                                           .len = (uint32_t)len,
                                           .buf = (void *)(uintptr_t)buf};
        return len > 0 ? CKPT_PARKED : 0;
    }
    if (t->writing)
        n = ckpt_cache_write(file, (void *)buf, len, t->offset, append);
    else
        n = ckpt_cache_read(file, (void *)buf, len, t->offset);
    if (n <= 0)
        return n;
    file->attr_fresh = false;
    t->offset += (uint64_t)n;
    if (!t->positioned) {
        file->offset = t->offset;
        file->at_end = append;
        if (t->writing)
            ckpt_node_follow(&ckpt_state->nodes[file->node], file);
    }
    return n;
}

static long broken_pipe(long result)
{
    if (result == -EPIPE)
        ckpt_sys(SYS_tkill, ckpt_sys(SYS_gettid), SIGPIPE);
    return result;
}

static long do_plain(struct ckpt_call *call, bool writing, bool positioned)
{
    struct transfer t;

    long rc = start(call, writing, positioned, &t);
    if (rc != 0)
        return rc;
    return broken_pipe(move(&t, call->arg[1], call->arg[2]));
}

static long do_vector(struct ckpt_call *call, bool writing, bool positioned)
{
    struct transfer t;
    uint64_t count = call->arg[2];
    long done = 0;

    long rc = start(call, writing, positioned, &t);
    if (rc != 0)
        return rc;
    if (count > VECTORS)
        return -EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        struct iovec iov;
        rc = ckpt_user_read(&iov, call->arg[1] + i * sizeof iov, sizeof iov);
        if (rc == 0 && iov.iov_len > 0)
            rc = move(&t, (uint64_t)(uintptr_t)iov.iov_base, iov.iov_len);
        if (rc < 0)
            return done > 0 ? done : broken_pipe(rc);
        done += rc;
        if ((size_t)rc < iov.iov_len)
            break;
    }
    return done;
}

static long may_wait(long rc, struct ckpt_call *call)
{
    return rc == CKPT_PARKED ? ckpt_park_wait(call) : rc;
}

#define TRANSFER(name, how, writing, positioned)                               \
    long ckpt_do_##name(struct ckpt_call *call)                                \
    {                                                                          \
        return how(call, writing, positioned);                                 \
    }                                                                          \
    long ckpt_on_##name(struct ckpt_call *call)                                \
    {                                                                          \
        return may_wait(ckpt_if_remote(call->arg[0], ckpt_do_##name, call),    \
                        call);                                                 \
    }

TRANSFER(read, do_plain, false, false)
TRANSFER(write, do_plain, true, false)
TRANSFER(pread64, do_plain, false, true)
TRANSFER(pwrite64, do_plain, true, true)
TRANSFER(readv, do_vector, false, false)
TRANSFER(writev, do_vector, true, false)
TRANSFER(preadv, do_vector, false, true)
TRANSFER(pwritev, do_vector, true, true)

/* Offset -1 means the description's own. */
static long with_flags(struct ckpt_call *call, bool writing)
{
    if (call->arg[5] & RWF_APPEND)
        return -EOPNOTSUPP;
    return do_vector(call, writing, call->arg[3] != (uint64_t)-1);
}

static long do_preadv2(struct ckpt_call *call)
{
    return with_flags(call, false);
}

long ckpt_on_preadv2(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], do_preadv2, call);
}

static long do_pwritev2(struct ckpt_call *call)
{
    return with_flags(call, true);
}

long ckpt_on_pwritev2(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], do_pwritev2, call);
}

/* --- lseek ------------------------------------------------------------------
 */

static long seek_base(struct ckpt_file *file, int whence, int64_t offset,
                      int64_t *base)
{
    *base = 0;
    if (whence == SEEK_SET)
        return 0;
    if (whence == SEEK_CUR) {
        settle_offset(file);
        *base = (int64_t)file->offset;
        return 0;
    }
    struct shadow_attr attr;
    long rc = ckpt_file_attr(file, &attr);
    if (rc != 0)
        return rc;
    if (whence == SEEK_END) {
        *base = (int64_t)attr.size;
        return 0;
    }
    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return -EINVAL;
    if (offset < 0 || offset >= (int64_t)attr.size)
        return -ENXIO;
    *base = whence == SEEK_HOLE ? (int64_t)attr.size - offset : 0;
    return 0;
}

long ckpt_do_lseek(struct ckpt_call *call)
{
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);
    int64_t offset = (int64_t)call->arg[1], base;

    if (!file || (file->flags & O_PATH))
        return -EBADF;
    if (file->kind == CKPT_KIND_STREAM)
        return -ESPIPE;
    long rc = seek_base(file, (int)call->arg[2], offset, &base);
    if (rc != 0)
        return rc;
    if (__builtin_add_overflow(base, offset, &base))
        return -EOVERFLOW;
    if (base < 0)
        return -EINVAL;
    file->offset = (uint64_t)base;
    file->at_end = false;
    return base;
}

long ckpt_on_lseek(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], ckpt_do_lseek, call);
}
