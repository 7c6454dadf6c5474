/* calls_open.c - open, openat, creat */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct opening {
    uint64_t dirfd, path;
    int flags;
    uint32_t mode;
};

static struct opening opening_of(const struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    uint64_t cwd = (uint64_t)AT_FDCWD;

    if (call->nr == SYS_creat)
        return (struct opening){cwd, arg[0], O_CREAT | O_WRONLY | O_TRUNC,
                                (uint32_t)arg[1]};
    if (call->nr == SYS_open)
        return (struct opening){cwd, arg[0], (int)arg[1], (uint32_t)arg[2]};
    return (struct opening){arg[0], arg[1], (int)arg[2], (uint32_t)arg[3]};
}

/* What the shadow shall not do for us. */
static unsigned int wire_flags(int flags)
{
    return (unsigned int)(flags & ~(O_CLOEXEC | O_ASYNC | O_DIRECT | O_NOCTTY));
}

/* /dev/fd/N, /dev/stdin and the like: one more descriptor of that file. */
static long open_descriptor(int fd, bool cloexec)
{
    return ckpt_fd_copy((uint64_t)fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
}

static long open_home(const struct opening *o, struct ckpt_where *where)
{
    shadow_open_args args = {where->at, wire_flags(o->flags),
                             o->mode & ~ckpt_state->umask};
    shadow_open_res res = {.status = EIO};

    ckpt_cache_send_all();
    long rc = ckpt_session_call(SHADOW_OPEN, (xdrproc_t)xdr_shadow_open_args,
                                &args, (xdrproc_t)xdr_shadow_open_res, &res);
    if (rc != 0)
        return rc;
    struct ckpt_file *file =
        ckpt_file_new(res.shadow_open_res_u.ok.handle, o->flags, where->full,
                      &res.shadow_open_res_u.ok.attr);
    if (file && where->fetch && file->kind == CKPT_KIND_FILE &&
        (o->flags & (O_ACCMODE | O_PATH)) == O_RDONLY) {
        long copy = ckpt_fetch(file, o->flags);
        ckpt_file_put(file);
        return copy;
    }
    if (!file) {
        shadow_handle_args close = {res.shadow_open_res_u.ok.handle};
        ckpt_wire_issue(ckpt_wire_begin(
            SHADOW_CLOSE, (xdrproc_t)xdr_shadow_handle_args, &close));
        return -ENFILE;
    }
    long fd = ckpt_fd_make(file, o->flags & O_CLOEXEC);
    if (fd < 0)
        ckpt_file_put(file);
    return fd;
}

static long do_open(struct ckpt_call *call)
{
    struct opening o = opening_of(call);
    struct ckpt_where where;

    long rc = ckpt_path_resolve(o.dirfd, o.path, 0, &where);
    if (rc != 0)
        return rc;
    if (where.fd >= 0)
        return open_descriptor(where.fd, o.flags & O_CLOEXEC);
    if (where.local)
        return where.rewritten
                   ? ckpt_sys(SYS_openat, AT_FDCWD, where.full, o.flags, o.mode)
                   : CKPT_LOCAL;
    return where.empty ? -ENOENT : open_home(&o, &where);
}

long ckpt_on_open(struct ckpt_call *call)
{
    return ckpt_locked(do_open, call);
}

long ckpt_on_openat(struct ckpt_call *call)
{
    return ckpt_locked(do_open, call);
}

long ckpt_on_creat(struct ckpt_call *call)
{
    return ckpt_locked(do_open, call);
}
