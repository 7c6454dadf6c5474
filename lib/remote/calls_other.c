/* calls_other.c - copying between descriptors, extended attributes, refused
 * calls, and the end of the process */
#include "lib/remote/state.h"

#include <fcntl.h>

/* Programs that copy this way fall back to read and write on EINVAL. */
long ckpt_on_sendfile(struct ckpt_call *call)
{
    return ckpt_fd_remote(call->arg[0]) || ckpt_fd_remote(call->arg[1])
               ? -EINVAL
               : CKPT_LOCAL;
}

long ckpt_on_copy_file_range(struct ckpt_call *call)
{
    return ckpt_fd_remote(call->arg[0]) || ckpt_fd_remote(call->arg[2])
               ? -EINVAL
               : CKPT_LOCAL;
}

long ckpt_on_splice(struct ckpt_call *call)
{
    uint64_t other = call->nr == SYS_splice ? call->arg[2]
                     : call->nr == SYS_tee  ? call->arg[1]
                                            : call->arg[0];

    return ckpt_fd_remote(call->arg[0]) || ckpt_fd_remote(other) ? -EINVAL
                                                                 : CKPT_LOCAL;
}

/* As the kernel, whose answer makes a program take a file as one that never
 * blocks. */
static long do_epoll_ctl(struct ckpt_call *call)
{
    const struct ckpt_file *file = ckpt_file_of(call->arg[2]);

    if (!file)
        return -EBADF;
    return file->kind == CKPT_KIND_STREAM ? CKPT_LOCAL : -EPERM;
}

long ckpt_on_epoll_ctl(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[2], do_epoll_ctl, call);
}

static long do_xattr(struct ckpt_call *call)
{
    struct ckpt_where where;

    long rc = ckpt_path_resolve((uint64_t)AT_FDCWD, call->arg[0], 0, &where);
    if (rc != 0)
        return rc;
    return where.local && !where.rewritten ? CKPT_LOCAL : -EOPNOTSUPP;
}

long ckpt_on_xattr(struct ckpt_call *call)
{
    return ckpt_locked(do_xattr, call);
}

long ckpt_on_fxattr(struct ckpt_call *call)
{
    return ckpt_fd_remote(call->arg[0]) ? -EOPNOTSUPP : CKPT_LOCAL;
}

static long do_refuse(struct ckpt_call *call)
{
    bool process = call->nr == SYS_fork || call->nr == SYS_vfork ||
                   call->nr == SYS_clone || call->nr == SYS_execve ||
                   call->nr == SYS_execveat;

    ckpt_refusal_log(call->nr, process ? "a trapped job is one process: see "
                                         "ckpt submit --front-end mount"
                                       : "not served by the shadow");
    return call->nr == SYS_socket ? -EACCES : -ENOSYS;
}

long ckpt_on_refused(struct ckpt_call *call)
{
    return ckpt_locked(do_refuse, call);
}

/* Errors of late writes have nobody left to be told to but the log. */
static long do_exit_group(struct ckpt_call *call)
{
    bool failed = ckpt_maps_write_back() != 0;

    ckpt_cache_send_all();
    ckpt_wire_settle(-1);
    for (uint32_t i = 0; i < ckpt_state->nodes_top; i++)
        failed |= ckpt_state->nodes[i].refs > 0 && ckpt_state->nodes[i].error;
    if (failed) {
        ckpt_session_log("the program ended before it could be told that "
                         "a write had failed");
        ckpt_wire_settle(-1);
    }
    ckpt_session_close();
    return ckpt_sys(SYS_exit_group, call->arg[0]);
}

long ckpt_on_exit_group(struct ckpt_call *call)
{
    return ckpt_locked(do_exit_group, call);
}
