/* table.c - descriptors and open descriptions
 *
 * Each remote descriptor has a stand-in in the kernel, an eventfd with one
 * event: so numbers, dup, close-on-exec and limits are the kernel's, and poll,
 * select and epoll find it ready for reading and writing, as a regular file
 * is.
 */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct ckpt_file *ckpt_file_of(uint64_t fd)
{
    if (!ckpt_fd_remote(fd))
        return NULL;
    uint16_t entry = ckpt_state->fds[(uint32_t)fd];
    if (entry == CKPT_FD_PRIVATE)
        return NULL;
    struct ckpt_file *file = &ckpt_state->files[entry - 1];
    if (file->at_dirty)
        ckpt_node_unfollow(&ckpt_state->nodes[file->node]);
    return file;
}

static struct ckpt_file *file_free(void)
{
    for (uint32_t i = 0; i < ckpt_state->files_top; i++)
        if (ckpt_state->files[i].refs == 0)
            return &ckpt_state->files[i];
    if (ckpt_state->files_top == CKPT_FILES)
        return NULL;
    return &ckpt_state->files[ckpt_state->files_top++];
}

static enum ckpt_kind kind_of(uint32_t mode)
{
    return S_ISREG(mode)   ? CKPT_KIND_FILE
           : S_ISDIR(mode) ? CKPT_KIND_DIR
                           : CKPT_KIND_STREAM;
}

struct ckpt_file *ckpt_file_new(uint32_t handle, int flags, const char *path,
                                const struct shadow_attr *attr)
{
    struct ckpt_file *file = file_free();
    struct ckpt_node *node = file ? ckpt_node_get(attr) : NULL;

    if (!node)
        return NULL;
    file->refs = 1;
    file->handle = handle;
    file->flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC);
    file->kind = kind_of(attr->mode);
    file->node = (uint16_t)ckpt_node_index(node);
    file->standard = false;
    file->at_end = false;
    file->at_dirty = false;
    file->offset = 0;
    file->attr = *attr;
    file->attr_fresh = true;
    file->attr_call = ckpt_link->calls;
    strcpy(file->path, path);
    return file;
}

long ckpt_file_put(struct ckpt_file *file)
{
    shadow_handle_args args = {file->handle};

    if (--file->refs > 0)
        return 0;
    struct ckpt_node *node = &ckpt_state->nodes[file->node];
    long error = 0;
    if ((file->flags & O_ACCMODE) != O_RDONLY)
        error = ckpt_cache_settle(node);
    ckpt_wire_issue(ckpt_wire_begin(SHADOW_CLOSE,
                                    (xdrproc_t)xdr_shadow_handle_args, &args));
    ckpt_node_put(node);
    return error;
}

void ckpt_fd_set(int fd, struct ckpt_file *file)
{
    uint16_t entry = file ? (uint16_t)(file - ckpt_state->files + 1) : 0;
    __atomic_store_n(&ckpt_state->fds[fd], entry, __ATOMIC_RELEASE);
}

static long stand_in(bool cloexec)
{
    return ckpt_sys(SYS_eventfd2, 1,
                    EFD_NONBLOCK | (cloexec ? EFD_CLOEXEC : 0));
}

long ckpt_fd_make(struct ckpt_file *file, bool cloexec)
{
    long fd = stand_in(cloexec);

    if (fd >= CKPT_FDS) {
        ckpt_sys(SYS_close, fd);
        fd = -EMFILE;
    }
    if (fd >= 0)
        ckpt_fd_set((int)fd, file);
    return fd;
}

long ckpt_fd_stand_in(int fd, struct ckpt_file *file, bool cloexec)
{
    long made = stand_in(cloexec);

    if (made >= 0 && made != fd) {
        long rc = ckpt_sys(SYS_dup3, made, fd, cloexec ? O_CLOEXEC : 0);
        ckpt_sys(SYS_close, made);
        made = rc;
    }
    if (made >= 0)
        ckpt_fd_set(fd, file);
    return made;
}

/* The program's limit may be low; leave it as much room as can be. */
static int hidden_from(void)
{
    struct rlimit limit;

    if (ckpt_sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) != 0 ||
        limit.rlim_cur < 64)
        return 16;
    return (int)(limit.rlim_cur < CKPT_FDS ? limit.rlim_cur : CKPT_FDS) - 16;
}

long ckpt_fd_hide(int fd)
{
    long hidden = ckpt_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, hidden_from());

    ckpt_sys(SYS_close, fd);
    if (hidden >= 0)
        ckpt_state->fds[hidden] = CKPT_FD_PRIVATE;
    return hidden;
}

void ckpt_fd_forget(int fd)
{
    ckpt_state->fds[fd] = 0;
}

void ckpt_fd_unhide(int fd)
{
    ckpt_fd_forget(fd);
    ckpt_sys(SYS_close, fd);
}

/* --- calls ---------------------------------------------------------------- */

static long do_close(struct ckpt_call *call)
{
    int fd = (int)call->arg[0];
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);

    if (!file)
        return ckpt_fd_remote(call->arg[0]) ? -EBADF : CKPT_LOCAL;
    ckpt_fd_set(fd, NULL);
    ckpt_sys(SYS_close, fd);
    return ckpt_file_put(file);
}

long ckpt_on_close(struct ckpt_call *call)
{
    return ckpt_fd_remote(call->arg[0]) ? ckpt_locked(do_close, call)
                                        : CKPT_LOCAL;
}

/* The kernel copied the stand-in `from` to `to`; so does the table. */
static long copied(uint64_t from, long to)
{
    struct ckpt_file *file = ckpt_file_of(from);

    if (to < 0)
        return to;
    if (to >= CKPT_FDS) {
        ckpt_sys(SYS_close, to);
        return -EMFILE;
    }
    file->refs++;
    ckpt_fd_set((int)to, file);
    return to;
}

static long do_dup(struct ckpt_call *call)
{
    if (!ckpt_file_of(call->arg[0]))
        return -EBADF;
    return copied(call->arg[0], ckpt_sys(SYS_dup, (int)call->arg[0]));
}

long ckpt_on_dup(struct ckpt_call *call)
{
    return ckpt_fd_remote(call->arg[0]) ? ckpt_locked(do_dup, call)
                                        : CKPT_LOCAL;
}

/* dup2 and dup3 onto another number; what was open there is closed. */
static long dup_over(uint64_t from, uint64_t to, int flags)
{
    struct ckpt_file *file = ckpt_file_of(from), *old = ckpt_file_of(to);

    if ((!file && ckpt_fd_remote(from)) || (!old && ckpt_fd_remote(to)))
        return -EBADF;
    long rc = ckpt_sys(SYS_dup3, (int)from, (int)to, flags);
    if (rc < 0)
        return rc;
    if (old)
        ckpt_fd_set((int)to, NULL);
    if (file)
        rc = copied(from, rc);
    if (old)
        ckpt_file_put(old);
    return rc;
}

static long do_dup3(struct ckpt_call *call)
{
    int flags = call->nr == SYS_dup3 ? (int)call->arg[2] : 0;
    return dup_over(call->arg[0], call->arg[1], flags);
}

long ckpt_on_dup3(struct ckpt_call *call)
{
    if (!ckpt_fd_remote(call->arg[0]) && !ckpt_fd_remote(call->arg[1]))
        return CKPT_LOCAL;
    return ckpt_locked(do_dup3, call);
}

long ckpt_on_dup2(struct ckpt_call *call)
{
    if ((uint32_t)call->arg[0] == (uint32_t)call->arg[1] &&
        ckpt_fd_remote(call->arg[0]))
        return (int)call->arg[0];
    return ckpt_on_dup3(call);
}

/* fcntl(F_DUPFD, F_DUPFD_CLOEXEC) */
long ckpt_fd_copy(uint64_t fd, int command, uint64_t least)
{
    return copied(fd, ckpt_sys(SYS_fcntl, (int)fd, command, least));
}

enum { CLOSE_RANGE_CLOEXEC_FLAG = 4 };

/* Remote ones one by one, the others by the kernel in the gaps between. */
static long do_close_range(struct ckpt_call *call)
{
    uint32_t first = (uint32_t)call->arg[0], last = (uint32_t)call->arg[1];
    uint32_t flags = (uint32_t)call->arg[2], gap = first;

    if (first > last || (flags & ~(uint32_t)CLOSE_RANGE_CLOEXEC_FLAG))
        return -EINVAL;
    for (uint32_t fd = first; fd <= last && fd < CKPT_FDS; fd++) {
        if (!ckpt_fd_remote(fd))
            continue;
        if (fd > gap)
            ckpt_sys(SYS_close_range, gap, fd - 1, flags);
        gap = fd + 1;
        struct ckpt_call one = {.nr = SYS_close, .arg = {fd}};
        if (flags)
            ckpt_sys(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
        else
            do_close(&one);
    }
    return gap > last ? 0 : ckpt_sys(SYS_close_range, gap, last, flags);
}

long ckpt_on_close_range(struct ckpt_call *call)
{
    return ckpt_locked(do_close_range, call);
}
