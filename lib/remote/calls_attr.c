/* calls_attr.c - modes, owners, times, sizes, and making files durable */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

static const uint64_t CWD = (uint64_t)AT_FDCWD;

static long call(uint32_t proc, void *encode, void *args)
{
    ckpt_cache_send_all();
    return ckpt_session_call(proc, (xdrproc_t)encode, args, NULL, NULL);
}

static long home_path(uint64_t dirfd, uint64_t path, struct ckpt_where *where)
{
    long rc = ckpt_path_resolve(dirfd, path, 0, where);

    if (rc != 0)
        return rc;
    if (where->local)
        return where->scratch     ? CKPT_SCRATCH
               : where->rewritten ? -EACCES
                                  : CKPT_LOCAL;
    return where->empty ? -ENOENT : 0;
}

/* --- mode --- */

static long do_chmod(struct ckpt_call *c)
{
    bool at = c->nr != SYS_chmod;
    struct ckpt_where where;

    if (c->nr == 452 /* fchmodat2 */ && c->arg[3])
        return -EOPNOTSUPP;
    long rc = home_path(at ? c->arg[0] : CWD, c->arg[at ? 1 : 0], &where);
    if (rc != 0)
        return rc;
    shadow_mode_args args = {where.at, (uint32_t)c->arg[at ? 2 : 1] & 07777};
    return call(SHADOW_CHMOD, xdr_shadow_mode_args, &args);
}

static long do_fchmod(struct ckpt_call *c)
{
    struct ckpt_file *file = ckpt_file_of(c->arg[0]);

    if (!file)
        return -EBADF;
    file->attr_fresh = false;
    shadow_fchmod_args args = {file->handle, (uint32_t)c->arg[1] & 07777};
    return call(SHADOW_FCHMOD, xdr_shadow_fchmod_args, &args);
}

/* --- owner --- */

static long own_fd(uint64_t fd, uint64_t uid, uint64_t gid)
{
    struct ckpt_file *file = ckpt_file_of(fd);

    if (!file)
        return -EBADF;
    file->attr_fresh = false;
    shadow_fchown_args args = {file->handle, (uint32_t)uid, (uint32_t)gid};
    return call(SHADOW_FCHOWN, xdr_shadow_fchown_args, &args);
}

static long own_path(uint64_t dirfd, uint64_t path, uint64_t uid, uint64_t gid,
                     int flags)
{
    struct ckpt_where where;
    long rc = home_path(dirfd, path, &where);

    if (rc == -ENOENT && where.empty && (flags & AT_EMPTY_PATH))
        return own_fd(dirfd, uid, gid);
    if (rc != 0)
        return rc;
    shadow_owner_args args = {where.at, (uint32_t)uid, (uint32_t)gid,
                              !(flags & AT_SYMLINK_NOFOLLOW)};
    return call(SHADOW_CHOWN, xdr_shadow_owner_args, &args);
}

static long do_chown(struct ckpt_call *c)
{
    const uint64_t *arg = c->arg;

    if (c->nr == SYS_fchownat)
        return own_path(arg[0], arg[1], arg[2], arg[3], (int)arg[4]);
    return own_path(CWD, arg[0], arg[1], arg[2],
                    c->nr == SYS_lchown ? AT_SYMLINK_NOFOLLOW : 0);
}

static long do_fchown(struct ckpt_call *c)
{
    return own_fd(c->arg[0], c->arg[1], c->arg[2]);
}

/* --- times --- */

static bool times_bad(const struct timespec t[2])
{
    for (int i = 0; i < 2; i++)
        if ((t[i].tv_nsec < 0 || t[i].tv_nsec > 999999999) &&
            t[i].tv_nsec != UTIME_NOW && t[i].tv_nsec != UTIME_OMIT)
            return true;
    return false;
}

static long set_times(uint64_t dirfd, uint64_t path, const struct timespec t[2],
                      int flags)
{
    shadow_times times = {t[0].tv_sec, (uint32_t)t[0].tv_nsec, t[1].tv_sec,
                          (uint32_t)t[1].tv_nsec};
    struct ckpt_where where;

    if (times_bad(t))
        return -EINVAL;
    if (path == 0) { /* futimens */
        struct ckpt_file *file = ckpt_file_of(dirfd);
        if (!file)
            return ckpt_fd_remote(dirfd) ? -EBADF : CKPT_LOCAL;
        file->attr_fresh = false;
        shadow_futimes_args args = {file->handle, times};
        return call(SHADOW_FUTIMES, xdr_shadow_futimes_args, &args);
    }
    long rc = home_path(dirfd, path, &where);
    if (rc != 0)
        return rc;
    shadow_utimes_args args = {where.at, times, !(flags & AT_SYMLINK_NOFOLLOW)};
    return call(SHADOW_UTIMES, xdr_shadow_utimes_args, &args);
}

static const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

static long do_utimensat(struct ckpt_call *c)
{
    struct timespec t[2] = {now[0], now[1]};
    long rc = c->arg[2] ? ckpt_user_read(t, c->arg[2], sizeof t) : 0;

    return rc < 0 ? rc : set_times(c->arg[0], c->arg[1], t, (int)c->arg[3]);
}

/* utimes and futimesat: microseconds */
static long do_utimes(struct ckpt_call *c)
{
    bool at = c->nr == SYS_futimesat;
    uint64_t from = c->arg[at ? 2 : 1];
    struct timespec t[2] = {now[0], now[1]};
    struct timeval tv[2];

    long rc = from ? ckpt_user_read(tv, from, sizeof tv) : 0;
    if (rc < 0)
        return rc;
    for (int i = 0; from && i < 2; i++) {
        if (tv[i].tv_usec < 0 || tv[i].tv_usec > 999999)
            return -EINVAL;
        t[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
    }
    return set_times(at ? c->arg[0] : CWD, c->arg[at ? 1 : 0], t, 0);
}

static long do_utime(struct ckpt_call *c)
{
    struct timespec t[2] = {now[0], now[1]};
    struct utimbuf buf;

    long rc = c->arg[1] ? ckpt_user_read(&buf, c->arg[1], sizeof buf) : 0;
    if (rc < 0)
        return rc;
    if (c->arg[1]) {
        t[0] = (struct timespec){buf.actime, 0};
        t[1] = (struct timespec){buf.modtime, 0};
    }
    return set_times(CWD, c->arg[0], t, 0);
}

/* --- size --- */

/* A truncation changes what is read ahead of any file. */
static void drop_all(void)
{
    for (uint32_t i = 0; i < ckpt_state->nodes_top; i++)
        if (ckpt_state->nodes[i].refs > 0)
            ckpt_cache_drop(&ckpt_state->nodes[i]);
}

static long do_truncate(struct ckpt_call *c)
{
    struct ckpt_where where;

    if ((int64_t)c->arg[1] < 0)
        return -EINVAL;
    long rc = home_path(CWD, c->arg[0], &where);
    if (rc != 0)
        return rc;
    shadow_truncate_args args = {where.at, c->arg[1]};
    rc = call(SHADOW_TRUNCATE, xdr_shadow_truncate_args, &args);
    drop_all();
    return rc;
}

static struct ckpt_file *writable(uint64_t fd, long *rc)
{
    struct ckpt_file *file = ckpt_file_of(fd);

    *rc = !file ? -EBADF : 0;
    if (file && (file->flags & O_ACCMODE) == O_RDONLY)
        *rc = -EINVAL;
    if (*rc != 0)
        return NULL;
    file->attr_fresh = false;
    return file;
}

static long do_ftruncate(struct ckpt_call *c)
{
    long rc;
    struct ckpt_file *file = writable(c->arg[0], &rc);

    if (!file)
        return rc;
    if ((int64_t)c->arg[1] < 0)
        return -EINVAL;
    shadow_ftruncate_args args = {file->handle, c->arg[1]};
    rc = call(SHADOW_FTRUNCATE, xdr_shadow_ftruncate_args, &args);
    ckpt_cache_drop(&ckpt_state->nodes[file->node]);
    return rc;
}

static long do_fallocate(struct ckpt_call *c)
{
    long rc;
    struct ckpt_file *file = writable(c->arg[0], &rc);

    if (!file)
        return rc == -EINVAL ? -EBADF : rc;
    shadow_fallocate_args args = {file->handle, (int)c->arg[1], c->arg[2],
                                  c->arg[3]};
    rc = call(SHADOW_FALLOCATE, xdr_shadow_fallocate_args, &args);
    ckpt_cache_drop(&ckpt_state->nodes[file->node]);
    return rc;
}

/* --- durable --- */

static long sync_file(struct ckpt_file *file)
{
    shadow_handle_args args = {file->handle};

    ckpt_cache_send_all();
    long error = ckpt_cache_settle(&ckpt_state->nodes[file->node]);
    long rc = call(SHADOW_FSYNC, xdr_shadow_handle_args, &args);
    return error ? error : rc;
}

static long do_fsync(struct ckpt_call *c)
{
    struct ckpt_file *file = ckpt_file_of(c->arg[0]);

    if (!file)
        return -EBADF;
    return file->kind == CKPT_KIND_STREAM ? -EINVAL : sync_file(file);
}

/* sync and syncfs: every file that is open for writing. */
static long do_sync(struct ckpt_call *c)
{
    if (c->nr == SYS_syncfs && !ckpt_file_of(c->arg[0]))
        return ckpt_fd_remote(c->arg[0]) ? -EBADF : CKPT_LOCAL;
    for (uint32_t i = 0; i < ckpt_state->files_top; i++) {
        struct ckpt_file *file = &ckpt_state->files[i];
        if (file->refs > 0 && file->kind == CKPT_KIND_FILE &&
            (file->flags & O_ACCMODE) != O_RDONLY)
            sync_file(file);
    }
    return 0;
}

static long do_advise(struct ckpt_call *c)
{
    return ckpt_file_of(c->arg[0]) ? 0 : -EBADF;
}

#define BY_PATH(name, fn)                                                      \
    long ckpt_on_##name(struct ckpt_call *c)                                   \
    {                                                                          \
        c->body = fn;                                                          \
        return ckpt_locked(ckpt_named, c);                                     \
    }
#define BY_FD(name, fn)                                                        \
    long ckpt_on_##name(struct ckpt_call *c)                                   \
    {                                                                          \
        return ckpt_if_remote(c->arg[0], fn, c);                               \
    }

BY_PATH(chmod, do_chmod)
BY_PATH(fchmodat, do_chmod)
BY_PATH(fchmodat2, do_chmod)
BY_FD(fchmod, do_fchmod)
BY_PATH(chown, do_chown)
BY_PATH(lchown, do_chown)
BY_PATH(fchownat, do_chown)
BY_FD(fchown, do_fchown)
BY_PATH(utimensat, do_utimensat)
BY_PATH(utimes, do_utimes)
BY_PATH(futimesat, do_utimes)
BY_PATH(utime, do_utime)
BY_PATH(truncate, do_truncate)
BY_FD(ftruncate, do_ftruncate)
BY_FD(fallocate, do_fallocate)
BY_FD(fsync, do_fsync)
BY_FD(fdatasync, do_fsync)
BY_PATH(sync, do_sync)
BY_FD(advise, do_advise)
