/* calls_name.c - names: mkdir, rmdir, unlink, rename, link, symlink, readlink
 *
 * What is written behind is sent first, so that whoever sees the new name at
 * home sees the contents.
 */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>

static const uint64_t CWD = (uint64_t)AT_FDCWD;

/* Resolve for a call that goes home, or entirely to the kernel.  A local name
 * that is only local after rewriting is not worth supporting here, except in
 * the scratch directory: nothing else is made or removed under such a name. */
static long home_name(uint64_t dirfd, uint64_t path, int which,
                      struct ckpt_where *where)
{
    long rc = ckpt_path_resolve(dirfd, path, which, where);

    if (rc != 0)
        return rc;
    if (where->local)
        return where->scratch     ? CKPT_SCRATCH
               : where->rewritten ? -EACCES
                                  : CKPT_LOCAL;
    return where->empty ? -ENOENT : 0;
}

static long call(uint32_t proc, void *encode, void *args)
{
    ckpt_cache_send_all();
    return ckpt_session_call(proc, (xdrproc_t)encode, args, NULL, NULL);
}

static long make_dir(uint64_t dirfd, uint64_t path, uint64_t mode)
{
    struct ckpt_where where;
    long rc = home_name(dirfd, path, 0, &where);

    if (rc != 0)
        return rc;
    shadow_mode_args args = {where.at, (uint32_t)mode & ~ckpt_state->umask};
    return call(SHADOW_MKDIR, xdr_shadow_mode_args, &args);
}

static long do_mkdir(struct ckpt_call *c)
{
    if (c->nr == SYS_mkdir)
        return make_dir(CWD, c->arg[0], c->arg[1]);
    return make_dir(c->arg[0], c->arg[1], c->arg[2]);
}

static bool ends_in_dot(const char *path)
{
    size_t len = strlen(path);

    return len > 0 && path[len - 1] == '.' &&
           (len == 1 || path[len - 2] == '/');
}

static long remove_name(uint64_t dirfd, uint64_t path, bool is_dir)
{
    struct ckpt_where where;
    long rc = home_name(dirfd, path, 0, &where);

    if (rc != 0)
        return rc;
    if (is_dir && ends_in_dot(where.at.path))
        return -EINVAL;
    shadow_unlink_args args = {where.at, is_dir};
    return call(SHADOW_UNLINK, xdr_shadow_unlink_args, &args);
}

static long do_unlink(struct ckpt_call *c)
{
    if (c->nr != SYS_unlinkat)
        return remove_name(CWD, c->arg[0], c->nr == SYS_rmdir);
    if (c->arg[2] & ~(uint64_t)AT_REMOVEDIR)
        return -EINVAL;
    return remove_name(c->arg[0], c->arg[1], c->arg[2] & AT_REMOVEDIR);
}

/* Both names on the same side; the sides are different file systems. */
static long two_names(const uint64_t dirs[2], const uint64_t paths[2],
                      struct ckpt_where where[2])
{
    long from = home_name(dirs[0], paths[0], 0, &where[0]);

    if (from != 0 && from != CKPT_LOCAL && from != CKPT_SCRATCH)
        return from;
    long to = home_name(dirs[1], paths[1], 1, &where[1]);
    if (to != 0 && to != CKPT_LOCAL && to != CKPT_SCRATCH)
        return to;
    return from == to ? from : -EXDEV;
}

/* Open files are found again by name after a restart. */
static void follow_rename(const char *from, const char *to)
{
    size_t len = strlen(from);

    for (uint32_t i = 0; i < ckpt_state->files_top; i++) {
        struct ckpt_file *file = &ckpt_state->files[i];
        char *tail = file->path + len;
        if (file->refs == 0 || strncmp(file->path, from, len) != 0 ||
            (*tail && *tail != '/') || strlen(to) + strlen(tail) >= PATH_MAX)
            continue;
        memmove(file->path + strlen(to), tail, strlen(tail) + 1);
        memcpy(file->path, to, strlen(to));
    }
}

static long do_rename(struct ckpt_call *c)
{
    bool at = c->nr != SYS_rename;
    uint64_t dirs[2] = {at ? c->arg[0] : CWD, at ? c->arg[2] : CWD};
    uint64_t paths[2] = {c->arg[at ? 1 : 0], c->arg[at ? 3 : 1]};
    struct ckpt_where where[2];

    long rc = two_names(dirs, paths, where);
    if (rc != 0)
        return rc;
    unsigned flags = c->nr == SYS_renameat2 ? (unsigned)c->arg[4] : 0;
    shadow_two_paths_args args = {where[0].at, where[1].at, flags};
    rc = call(SHADOW_RENAME, xdr_shadow_two_paths_args, &args);
    if (rc == 0 && flags == 0)
        follow_rename(where[0].full, where[1].full);
    return rc;
}

static long do_link(struct ckpt_call *c)
{
    bool at = c->nr == SYS_linkat;
    uint64_t dirs[2] = {at ? c->arg[0] : CWD, at ? c->arg[2] : CWD};
    uint64_t paths[2] = {c->arg[at ? 1 : 0], c->arg[at ? 3 : 1]};
    struct ckpt_where where[2];

    long rc = two_names(dirs, paths, where);
    if (rc != 0)
        return rc;
    shadow_two_paths_args args = {where[0].at, where[1].at,
                                  at ? (unsigned)c->arg[4] : 0};
    return call(SHADOW_LINK, xdr_shadow_two_paths_args, &args);
}

static long do_symlink(struct ckpt_call *c)
{
    bool at = c->nr == SYS_symlinkat;
    struct ckpt_where target, where;

    /* The target is only a text; resolving it copies it. */
    long rc = ckpt_path_resolve(CWD, c->arg[0], 0, &target);
    if (rc == 0)
        rc = home_name(at ? c->arg[1] : CWD, c->arg[at ? 2 : 1], 1, &where);
    if (rc != 0)
        return rc;
    shadow_symlink_args args = {ckpt_link->where[0][0], where.at};
    return call(SHADOW_SYMLINK, xdr_shadow_symlink_args, &args);
}

static long answer_text(const char *text, uint64_t to, uint64_t size)
{
    size_t len = strlen(text);

    if (len > size)
        len = size;
    long rc = ckpt_user_write(to, text, len);
    return rc < 0 ? rc : (long)len;
}

/* /proc/self/fd/N and /proc/self/cwd tell the station's names. */
static const char *link_we_know(const struct ckpt_where *where)
{
    if (where->fd >= 0 && ckpt_file_of((uint64_t)where->fd))
        return ckpt_file_of((uint64_t)where->fd)->path;
    if (strcmp(where->full, "/proc/self/cwd") == 0)
        return ckpt_state->cwd;
    return NULL;
}

static long read_link(uint64_t dirfd, uint64_t path, uint64_t to, int size)
{
    struct ckpt_where where;
    char *text = ckpt_link->where[1][0];
    shadow_path_res res = {.status = EIO, .shadow_path_res_u.path = text};

    long rc = ckpt_path_resolve(dirfd, path, 0, &where);
    if (rc != 0)
        return rc;
    if (size <= 0)
        return -EINVAL;
    const char *known = link_we_know(&where);
    if (known)
        return answer_text(known, to, (uint64_t)size);
    if (where.local)
        return where.rewritten ? ckpt_sys(SYS_readlink, where.full, to, size)
                               : CKPT_LOCAL;
    if (where.empty)
        return -ENOENT;
    shadow_path_args args = {where.at};
    rc = ckpt_session_call(SHADOW_READLINK, (xdrproc_t)xdr_shadow_path_args,
                           &args, (xdrproc_t)xdr_shadow_path_res, &res);
    return rc != 0 ? rc : answer_text(text, to, (uint64_t)size);
}

static long do_readlink(struct ckpt_call *c)
{
    const uint64_t *arg = c->arg;

    if (c->nr == SYS_readlink)
        return read_link(CWD, arg[0], arg[1], (int)arg[2]);
    return read_link(arg[0], arg[1], arg[2], (int)arg[3]);
}

#define NAMED(name, fn)                                                        \
    long ckpt_on_##name(struct ckpt_call *c)                                   \
    {                                                                          \
        c->body = fn;                                                          \
        return ckpt_locked(ckpt_named, c);                                     \
    }

NAMED(mkdir, do_mkdir)
NAMED(mkdirat, do_mkdir)
NAMED(rmdir, do_unlink)
NAMED(unlink, do_unlink)
NAMED(unlinkat, do_unlink)
NAMED(rename, do_rename)
NAMED(renameat, do_rename)
NAMED(renameat2, do_rename)
NAMED(link, do_link)
NAMED(linkat, do_link)
NAMED(symlink, do_symlink)
NAMED(symlinkat, do_symlink)
NAMED(readlink, do_readlink)
NAMED(readlinkat, do_readlink)
