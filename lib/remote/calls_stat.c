/* calls_stat.c - the stat family, statx, access, statfs */
#include "lib/remote/attrs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

/* What was asked: by descriptor, or by path. */
struct asking {
    uint64_t dirfd, path;
    int flags; /* AT_* */
};

long ckpt_file_attr(struct ckpt_file *file, struct shadow_attr *attr)
{
    shadow_handle_args args = {file->handle};
    shadow_attr_res res = {.status = EIO};

    if (!file->attr_fresh || file->attr_call != ckpt_link->calls) {
        ckpt_cache_send_all();
        long rc =
            ckpt_session_call(SHADOW_FSTAT, (xdrproc_t)xdr_shadow_handle_args,
                              &args, (xdrproc_t)xdr_shadow_attr_res, &res);
        if (rc != 0)
            return rc;
        file->attr = res.shadow_attr_res_u.attr;
    }
    *attr = file->attr;
    file->attr_fresh = false; /* somebody may be waiting for a change */
    return 0;
}

static long attr_at(const struct ckpt_where *where, bool follow,
                    struct shadow_attr *attr)
{
    shadow_stat_args args = {where->at, follow};
    shadow_attr_res res = {.status = EIO};

    ckpt_cache_send_all();
    if (where->full && ckpt_attrs_find(where->full, follow, attr))
        return 0;
    long rc = ckpt_session_call(SHADOW_STAT, (xdrproc_t)xdr_shadow_stat_args,
                                &args, (xdrproc_t)xdr_shadow_attr_res, &res);
    if (rc != 0)
        return rc;
    *attr = res.shadow_attr_res_u.attr;
    if (where->full)
        ckpt_attrs_note(where->full, follow, attr);
    return 0;
}

static long attr_of_fd(uint64_t fd, struct shadow_attr *attr)
{
    struct ckpt_file *file = ckpt_file_of(fd);
    return file ? ckpt_file_attr(file, attr) : -EBADF;
}

static long cwd_attr(struct shadow_attr *attr)
{
    struct ckpt_where where = {.at = {SHADOW_CWD, (char *)(uintptr_t) "."}};
    return attr_at(&where, true, attr);
}

/* 0 with the attributes, CKPT_LOCAL, or -errno.  `where` tells a rewritten
 * path. */
static long attr_asked(const struct asking *ask, struct ckpt_where *where,
                       struct shadow_attr *attr)
{
    long rc = ckpt_path_resolve(ask->dirfd, ask->path, 0, where);

    if (rc != 0)
        return rc;
    if (where->empty) {
        if (!(ask->flags & AT_EMPTY_PATH))
            return where->local ? CKPT_LOCAL : -ENOENT;
        if ((int)ask->dirfd == AT_FDCWD)
            return ckpt_state->cwd_local ? CKPT_LOCAL : cwd_attr(attr);
        return where->local ? CKPT_LOCAL : attr_of_fd(ask->dirfd, attr);
    }
    bool follow = !(ask->flags & AT_SYMLINK_NOFOLLOW);
    if (where->fd >= 0 && follow)
        return attr_of_fd((uint64_t)where->fd, attr);
    return where->local ? CKPT_LOCAL : attr_at(where, follow, attr);
}

static struct stat stat_of(const struct shadow_attr *a)
{
    return (struct stat){
        .st_dev = a->dev,
        .st_ino = a->ino,
        .st_mode = a->mode,
        .st_nlink = a->nlink,
        .st_uid = a->uid,
        .st_gid = a->gid,
        .st_rdev = a->rdev,
        .st_size = (off_t)a->size,
        .st_blksize = (blksize_t)a->blksize,
        .st_blocks = (blkcnt_t)a->blocks,
        .st_atim = {a->atime_sec, a->atime_nsec},
        .st_mtim = {a->mtime_sec, a->mtime_nsec},
        .st_ctim = {a->ctime_sec, a->ctime_nsec},
    };
}

static long answer_stat(long rc, uint64_t to, const struct shadow_attr *attr)
{
    if (rc != 0)
        return rc;
    struct stat st = stat_of(attr);
    return ckpt_user_write(to, &st, sizeof st);
}

/* Would the same words ask the same again? */
static bool is_by_words(const struct asking *ask,
                        const struct ckpt_where *where)
{
    return (int)ask->dirfd == AT_FDCWD &&
           (ask->flags & ~AT_SYMLINK_NOFOLLOW) == 0 && !where->empty &&
           where->fd < 0 && where->full;
}

static long do_stat(struct ckpt_call *call)
{
    struct asking ask = {(uint64_t)AT_FDCWD, call->arg[0], 0};
    uint64_t to = call->arg[1];
    struct shadow_attr attr;
    struct ckpt_where where;

    if (call->nr == SYS_lstat)
        ask.flags = AT_SYMLINK_NOFOLLOW;
    if (call->nr == SYS_newfstatat) {
        ask = (struct asking){call->arg[0], call->arg[1], (int)call->arg[3]};
        to = call->arg[2];
    }
    long rc = attr_asked(&ask, &where, &attr);
    if (rc == CKPT_LOCAL && where.rewritten)
        return ckpt_sys(SYS_newfstatat, AT_FDCWD, where.full, to, ask.flags);
    if (rc == 0 && is_by_words(&ask, &where)) {
        struct stat st = stat_of(&attr);
        ckpt_words_note(ask.path, where.full, ask.flags == 0, &st);
    }
    return answer_stat(rc, to, &attr);
}

long ckpt_on_stat(struct ckpt_call *call)
{
    return ckpt_locked(do_stat, call);
}

long ckpt_on_lstat(struct ckpt_call *call)
{
    return ckpt_locked(do_stat, call);
}

long ckpt_on_newfstatat(struct ckpt_call *call)
{
    return ckpt_locked(do_stat, call);
}

static long do_fstat(struct ckpt_call *call)
{
    struct shadow_attr attr;
    return answer_stat(attr_of_fd(call->arg[0], &attr), call->arg[1], &attr);
}

long ckpt_on_fstat(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], do_fstat, call);
}

static struct statx_timestamp statx_time(int64_t sec, uint32_t nsec)
{
    return (struct statx_timestamp){.tv_sec = sec, .tv_nsec = nsec};
}

static struct statx statx_of(const struct shadow_attr *a)
{
    return (struct statx){
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = a->blksize,
        .stx_nlink = a->nlink,
        .stx_uid = a->uid,
        .stx_gid = a->gid,
        .stx_mode = (uint16_t)a->mode,
        .stx_ino = a->ino,
        .stx_size = a->size,
        .stx_blocks = a->blocks,
        .stx_atime = statx_time(a->atime_sec, a->atime_nsec),
        .stx_mtime = statx_time(a->mtime_sec, a->mtime_nsec),
        .stx_ctime = statx_time(a->ctime_sec, a->ctime_nsec),
        .stx_rdev_major = major(a->rdev),
        .stx_rdev_minor = minor(a->rdev),
        .stx_dev_major = major(a->dev),
        .stx_dev_minor = minor(a->dev),
    };
}

static long do_statx(struct ckpt_call *call)
{
    struct asking ask = {call->arg[0], call->arg[1], (int)call->arg[2]};
    struct shadow_attr attr;
    struct ckpt_where where;

    long rc = attr_asked(&ask, &where, &attr);
    if (rc == CKPT_LOCAL && where.rewritten)
        return ckpt_sys(SYS_statx, AT_FDCWD, where.full, ask.flags,
                        call->arg[3], call->arg[4]);
    if (rc != 0)
        return rc;
    struct statx stx = statx_of(&attr);
    return ckpt_user_write(call->arg[4], &stx, sizeof stx);
}

long ckpt_on_statx(struct ckpt_call *call)
{
    return ckpt_locked(do_statx, call);
}

/* --- access --- */

static long access_at(uint64_t dirfd, uint64_t path, int mode, int flags)
{
    struct ckpt_where where;

    long rc = ckpt_path_resolve(dirfd, path, 0, &where);
    if (rc != 0)
        return rc;
    if (where.local)
        return where.rewritten
                   ? ckpt_sys(SYS_faccessat2, AT_FDCWD, where.full, mode, flags)
                   : CKPT_LOCAL;
    if (where.empty)
        return -ENOENT;
    shadow_access_args args = {where.at, mode, (flags & AT_EACCESS) != 0,
                               !(flags & AT_SYMLINK_NOFOLLOW)};
    ckpt_cache_send_all();
    return ckpt_session_call(SHADOW_ACCESS, (xdrproc_t)xdr_shadow_access_args,
                             &args, NULL, NULL);
}

static long do_access(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;

    if (call->nr == SYS_access)
        return access_at((uint64_t)AT_FDCWD, arg[0], (int)arg[1], 0);
    return access_at(arg[0], arg[1], (int)arg[2],
                     call->nr == SYS_faccessat ? 0 : (int)arg[3]);
}

long ckpt_on_access(struct ckpt_call *call)
{
    return ckpt_locked(do_access, call);
}

long ckpt_on_faccessat(struct ckpt_call *call)
{
    return ckpt_locked(do_access, call);
}

long ckpt_on_faccessat2(struct ckpt_call *call)
{
    return ckpt_locked(do_access, call);
}

/* --- statfs --- */

static long answer_statfs(long rc, uint64_t to, const shadow_statfs_ok *ok)
{
    if (rc != 0)
        return rc;
    struct statfs sf = {
        .f_type = (__fsword_t)ok->type,
        .f_bsize = (__fsword_t)ok->bsize,
        .f_blocks = ok->blocks,
        .f_bfree = ok->bfree,
        .f_bavail = ok->bavail,
        .f_files = ok->files,
        .f_ffree = ok->ffree,
        .f_namelen = (__fsword_t)ok->namelen,
        .f_frsize = (__fsword_t)ok->frsize,
    };
    return ckpt_user_write(to, &sf, sizeof sf);
}

static long do_statfs(struct ckpt_call *call)
{
    struct ckpt_where where;
    shadow_statfs_res res = {.status = EIO};

    long rc = ckpt_path_resolve((uint64_t)AT_FDCWD, call->arg[0], 0, &where);
    if (rc != 0)
        return rc;
    if (where.local)
        return where.rewritten ? ckpt_sys(SYS_statfs, where.full, call->arg[1])
                               : CKPT_LOCAL;
    shadow_path_args args = {where.at};
    rc = ckpt_session_call(SHADOW_STATFS, (xdrproc_t)xdr_shadow_path_args,
                           &args, (xdrproc_t)xdr_shadow_statfs_res, &res);
    return answer_statfs(rc, call->arg[1], &res.shadow_statfs_res_u.ok);
}

long ckpt_on_statfs(struct ckpt_call *call)
{
    return ckpt_locked(do_statfs, call);
}

static long do_fstatfs(struct ckpt_call *call)
{
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);
    shadow_statfs_res res = {.status = EIO};

    if (!file)
        return -EBADF;
    shadow_handle_args args = {file->handle};
    long rc =
        ckpt_session_call(SHADOW_FSTATFS, (xdrproc_t)xdr_shadow_handle_args,
                          &args, (xdrproc_t)xdr_shadow_statfs_res, &res);
    return answer_statfs(rc, call->arg[1], &res.shadow_statfs_res_u.ok);
}

long ckpt_on_fstatfs(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], do_fstatfs, call);
}
