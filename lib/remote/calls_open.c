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

/* Only read from, if it is a file. */
static bool is_for_reading(int flags)
{
    return (flags & (O_ACCMODE | O_PATH | O_CREAT | O_TRUNC | O_DIRECTORY)) ==
           O_RDONLY;
}

/* A short file comes with its content, which is put into `data`. */
static long open_there(const struct opening *o, shadow_open_args *args,
                       shadow_open_read_ok *ok)
{
    shadow_open_read_args read = {*args, SHADOW_OPEN_DATA_MAX};
    shadow_open_read_res read_res = {.status = EIO};
    shadow_open_res res = {.status = EIO};
    long rc;

    if (is_for_reading(o->flags)) {
        read_res.shadow_open_read_res_u.ok.data = ok->data;
        rc = ckpt_session_call(SHADOW_OPEN_READ,
                               (xdrproc_t)xdr_shadow_open_read_args, &read,
                               (xdrproc_t)xdr_shadow_open_read_res, &read_res);
        if (rc == 0)
            *ok = read_res.shadow_open_read_res_u.ok;
        return rc;
    }
    rc = ckpt_session_call(SHADOW_OPEN, (xdrproc_t)xdr_shadow_open_args, args,
                           (xdrproc_t)xdr_shadow_open_res, &res);
    if (rc == 0)
        ok->open = res.shadow_open_res_u.ok;
    return rc;
}

static void close_there(uint32_t handle)
{
    shadow_handle_args close = {handle};

    ckpt_wire_issue(ckpt_wire_begin(SHADOW_CLOSE,
                                    (xdrproc_t)xdr_shadow_handle_args, &close));
}

static long open_home(const struct opening *o, struct ckpt_where *where)
{
    char data[SHADOW_OPEN_DATA_MAX];
    shadow_open_args args = {where->at, wire_flags(o->flags),
                             o->mode & ~ckpt_state->umask};
    shadow_open_read_ok ok = {.data = {.data_val = data}};

    ckpt_cache_send_all();
    long rc = open_there(o, &args, &ok);
    if (rc != 0)
        return rc;
    struct ckpt_file *file =
        ckpt_file_new(ok.open.handle, o->flags, where->full, &ok.open.attr);
    if (!file) {
        close_there(ok.open.handle);
        return -ENFILE;
    }
    if (where->fetch && file->kind == CKPT_KIND_FILE &&
        (o->flags & (O_ACCMODE | O_PATH)) == O_RDONLY) {
        long copy = ckpt_fetch(file, o->flags);
        ckpt_file_put(file);
        return copy;
    }
    if (ok.whole)
        ckpt_cache_fill(file, data, ok.data.data_len);
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
