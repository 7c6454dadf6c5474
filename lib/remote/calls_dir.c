/* calls_dir.c - reading directories, and the working directory
 *
 * The job's working directory is one at home, which the shadow knows and we
 * remember by name; only chdir to a path of the station changes the process's
 * own.
 */
#include "lib/remote/attrs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

struct dirent64_head {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
} __attribute__((packed));

struct listing {
    struct ckpt_file *dir;
    uint64_t to;
    size_t len, done;
    bool old; /* getdents, whose type is the last byte */
    bool full;
};

static size_t record_len(const struct listing *l, size_t name_len)
{
    size_t head = l->old ? 18 : 19;
    return (head + name_len + 1 + (l->old ? 1 : 0) + 7) & ~(size_t)7;
}

/* Append one entry; false when there is no room. */
static bool list(struct listing *l, const shadow_dirent *entry)
{
    uint8_t record[SHADOW_NAME_MAX + 32] = {0};
    struct dirent64_head *head = (void *)record;
    size_t len = record_len(l, strlen(entry->name));

    if (l->done + len > l->len)
        return false;
    head->ino = entry->ino;
    head->off = entry->cookie;
    head->reclen = (uint16_t)len;
    if (l->old) {
        strcpy((char *)record + 18, entry->name);
        record[len - 1] = (uint8_t)entry->type;
    } else {
        head->type = (uint8_t)entry->type;
        strcpy(head->name, entry->name);
    }
    if (ckpt_user_write(l->to + l->done, record, len) != 0)
        return false;
    l->done += len;
    return true;
}

static void note_attr(const struct ckpt_file *dir, const shadow_dirent *entry)
{
    char *path = ckpt_link->where[0][0];

    if (entry->attr.ino != 0 && strcmp(entry->name, ".") != 0 &&
        strcmp(entry->name, "..") != 0 &&
        ckpt_path_join(path, dir->path, entry->name) == 0)
        ckpt_attrs_note(path, false, &entry->attr);
}

/* Entries that found no room are asked for again, by their cookie. */
static bool take(void *arg, const shadow_dirent *entry)
{
    struct listing *l = arg;

    note_attr(l->dir, entry);
    l->full = !list(l, entry);
    if (!l->full)
        l->dir->offset = (uint64_t)entry->cookie;
    return !l->full;
}

static long do_getdents(struct ckpt_call *call)
{
    struct ckpt_file *dir = ckpt_file_of(call->arg[0]);
    struct listing l = {.dir = dir,
                        .to = call->arg[1],
                        .len = (unsigned int)call->arg[2],
                        .old = call->nr == SYS_getdents};

    if (!dir)
        return -EBADF;
    if (dir->kind != CKPT_KIND_DIR)
        return -ENOTDIR;
    long rc = ckpt_readdir(dir->handle, (int64_t)dir->offset, l.len / 32 + 1,
                           take, &l);
    if (rc != 0)
        return rc;
    return l.full && l.done == 0 ? -EINVAL : (long)l.done;
}

long ckpt_on_getdents(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], do_getdents, call);
}

long ckpt_on_getdents64(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], do_getdents, call);
}

/* --- working directory --- */

static long go_home(uint32_t proc, void *encode, void *args)
{
    char *text = ckpt_link->where[1][0];
    shadow_path_res res = {.status = EIO, .shadow_path_res_u.path = text};

    long rc = ckpt_session_call(proc, (xdrproc_t)encode, args,
                                (xdrproc_t)xdr_shadow_path_res, &res);
    if (rc != 0)
        return rc;
    strcpy(ckpt_state->cwd, text);
    ckpt_words_forget();
    ckpt_state->cwd_local = ckpt_state->cwd_scratch = false;
    return 0;
}

/* The kernel has changed our own directory. */
static long gone_local(long rc)
{
    if (rc < 0)
        return rc;
    ckpt_words_forget();
    rc = ckpt_sys(SYS_getcwd, ckpt_state->cwd, sizeof ckpt_state->cwd);
    if (rc < 0)
        return rc;
    /* In the scratch directory the program has its own name for it. */
    size_t len = strlen(ckpt_link->scratch);
    char *cwd = ckpt_state->cwd;
    ckpt_state->cwd_local = true;
    ckpt_state->cwd_scratch = len > 0 &&
                              strncmp(cwd, ckpt_link->scratch, len) == 0 &&
                              cwd[len] == '/';
    if (ckpt_state->cwd_scratch)
        memmove(cwd, cwd + len, strlen(cwd + len) + 1);
    return 0;
}

static long do_chdir(struct ckpt_call *call)
{
    struct ckpt_where where;

    long rc = ckpt_path_resolve((uint64_t)AT_FDCWD, call->arg[0], 0, &where);
    if (rc != 0)
        return rc;
    if (where.empty)
        return -ENOENT;
    if (where.local)
        return gone_local(ckpt_sys(SYS_chdir, where.full));
    shadow_path_args args = {where.at};
    return go_home(SHADOW_CHDIR, xdr_shadow_path_args, &args);
}

long ckpt_on_chdir(struct ckpt_call *call)
{
    return ckpt_locked(do_chdir, call);
}

static long do_fchdir(struct ckpt_call *call)
{
    struct ckpt_file *dir = ckpt_file_of(call->arg[0]);

    if (!dir)
        return ckpt_fd_remote(call->arg[0])
                   ? -EBADF
                   : gone_local(ckpt_sys(SYS_fchdir, (int)call->arg[0]));
    shadow_handle_args args = {dir->handle};
    return go_home(SHADOW_FCHDIR, xdr_shadow_handle_args, &args);
}

long ckpt_on_fchdir(struct ckpt_call *call)
{
    return ckpt_locked(do_fchdir, call);
}

static long do_getcwd(struct ckpt_call *call)
{
    size_t len = strlen(ckpt_state->cwd) + 1;

    if (ckpt_state->cwd_local && !ckpt_state->cwd_scratch)
        return CKPT_LOCAL;
    if (call->arg[1] < len)
        return -ERANGE;
    long rc = ckpt_user_write(call->arg[0], ckpt_state->cwd, len);
    return rc < 0 ? rc : (long)len;
}

long ckpt_on_getcwd(struct ckpt_call *call)
{
    return ckpt_locked(do_getcwd, call);
}

/* What the program makes at home gets our mask, what it makes here the
 * kernel's. */
static long do_umask(struct ckpt_call *call)
{
    ckpt_state->umask = (uint32_t)call->arg[0] & 0777;
    return ckpt_sys(SYS_umask, call->arg[0]);
}

long ckpt_on_umask(struct ckpt_call *call)
{
    return ckpt_locked(do_umask, call);
}
