/* fake_file.c - see fake_shadow.h: open files */
#include "tests/unit/fake_shadow.h"

#include <sys/statfs.h>
#include <sys/syscall.h>

SERVICE(open, shadow_open_args, shadow_open_res)
{
    struct stat st;
    unsigned h = 3;
    ZERO;
    while (h < HANDLES && handles[h] >= 0)
        h++;
    int fd = openat(dir_of(&args->at), args->at.path,
                    (int)args->flags | O_CLOEXEC, args->mode);
    res->status = status(fd);
    if (fd < 0)
        return TRUE;
    fstat(fd, &st);
    handles[h] = fd;
    res->shadow_open_res_u.ok.handle = h;
    res->shadow_open_res_u.ok.attr = attr_of(&st);
    return TRUE;
}

SERVICE(open_read, shadow_open_read_args, shadow_open_read_res)
{
    static char data[SHADOW_OPEN_DATA_MAX];
    shadow_open_read_ok *ok = &res->shadow_open_read_res_u.ok;
    shadow_open_res open = {.status = 0};

    ZERO;
    shadow_open_1_svc(&args->open, &open, req);
    res->status = open.status;
    if (open.status != 0)
        return TRUE;
    ok->open = open.shadow_open_res_u.ok;
    ssize_t n = S_ISREG(ok->open.attr.mode) && ok->open.attr.size <= args->count
                    ? pread(fd_of(ok->open.handle), data, sizeof data, 0)
                    : -1;
    ok->whole = n >= 0;
    if (n > 0 && (ok->data.data_val = malloc((size_t)n))) {
        memcpy(ok->data.data_val, data, (size_t)n);
        ok->data.data_len = (u_int)n;
    }
    return TRUE;
}

SERVICE(cancel, shadow_cancel_args, shadow_status_res)
{
    UNUSED;
    (void)args;
    res->status = ENOENT;
    return TRUE;
}

SERVICE(tty_set, shadow_tty_set_args, shadow_status_res)
{
    UNUSED;
    (void)args;
    res->status = ENOTTY;
    return TRUE;
}

SERVICE(close, shadow_handle_args, shadow_status_res)
{
    UNUSED;
    int fd = fd_of(args->handle);
    if (args->handle < HANDLES)
        handles[args->handle] = -1;
    return tell(res, close(fd));
}

SERVICE(read, shadow_read_args, shadow_read_res)
{
    ZERO;
    char *buf = malloc(args->count + 1);
    ssize_t n =
        pread(fd_of(args->handle), buf, args->count, (off_t)args->offset);
    if (n < 0 && errno == ESPIPE)
        n = read(fd_of(args->handle), buf, args->count);
    res->status = status(n);
    if (n < 0)
        free(buf);
    else
        res->shadow_read_res_u.ok.data = (shadow_data){(u_int)n, buf};
    return TRUE;
}

/* All of it, or the error that stopped it. */
static ssize_t write_all(int fd, const char *buf, size_t len, off_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(fd, buf + done, len - done, offset + (off_t)done);
        if (n < 0 && errno == ESPIPE)
            n = write(fd, buf + done, len - done);
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

SERVICE(write, shadow_write_args, shadow_write_res)
{
    int fd = fd_of(args->handle);
    ZERO;
    const shadow_data *d = &args->data;
    off_t at = args->append ? lseek(fd, 0, SEEK_END) : (off_t)args->offset;
    ssize_t n = write_all(fd, d->shadow_data_val, d->shadow_data_len, at);
    res->status = status(n);
    res->shadow_write_res_u.ok.count = (u_int)n;
    res->shadow_write_res_u.ok.end = (uint64_t)(at + n);
    return TRUE;
}

SERVICE(stat, shadow_stat_args, shadow_attr_res)
{
    struct stat st;
    ZERO;
    int rc = fstatat(dir_of(&args->at), args->at.path, &st,
                     args->follow ? 0 : AT_SYMLINK_NOFOLLOW);
    return tell_attr(res, rc, &st);
}

SERVICE(fstat, shadow_handle_args, shadow_attr_res)
{
    struct stat st;
    ZERO;
    return tell_attr(res, fstat(fd_of(args->handle), &st), &st);
}

static bool_t tell_statfs(shadow_statfs_res *res, int rc,
                          const struct statfs *sf)
{
    res->status = status(rc);
    res->shadow_statfs_res_u.ok =
        (shadow_statfs_ok){(uint64_t)sf->f_type,  (uint64_t)sf->f_bsize,
                           sf->f_blocks,          sf->f_bfree,
                           sf->f_bavail,          sf->f_files,
                           sf->f_ffree,           (uint64_t)sf->f_namelen,
                           (uint64_t)sf->f_frsize};
    return TRUE;
}

SERVICE(statfs, shadow_path_args, shadow_statfs_res)
{
    struct statfs sf = {0};
    ZERO;
    return tell_statfs(res, statfs(args->at.path, &sf), &sf);
}

SERVICE(fstatfs, shadow_handle_args, shadow_statfs_res)
{
    struct statfs sf = {0};
    ZERO;
    return tell_statfs(res, fstatfs(fd_of(args->handle), &sf), &sf);
}

SERVICE(truncate, shadow_truncate_args, shadow_status_res)
{
    UNUSED;
    return tell(res, truncate(args->at.path, (off_t)args->size));
}

SERVICE(ftruncate, shadow_ftruncate_args, shadow_status_res)
{
    UNUSED;
    return tell(res, ftruncate(fd_of(args->handle), (off_t)args->size));
}

SERVICE(fallocate, shadow_fallocate_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fallocate(fd_of(args->handle), args->mode,
                               (off_t)args->offset, (off_t)args->len));
}

SERVICE(chmod, shadow_mode_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fchmodat(dir_of(&args->at), args->at.path, args->mode, 0));
}

SERVICE(fchmod, shadow_fchmod_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fchmod(fd_of(args->handle), args->mode));
}

SERVICE(chown, shadow_owner_args, shadow_status_res)
{
    UNUSED;
    return tell(res,
                fchownat(dir_of(&args->at), args->at.path, args->uid, args->gid,
                         args->follow ? 0 : AT_SYMLINK_NOFOLLOW));
}

SERVICE(fchown, shadow_fchown_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fchown(fd_of(args->handle), args->uid, args->gid));
}

SERVICE(utimes, shadow_utimes_args, shadow_status_res)
{
    UNUSED;
    struct timespec t[2] = {{args->times.atime_sec, args->times.atime_nsec},
                            {args->times.mtime_sec, args->times.mtime_nsec}};
    return tell(res, utimensat(dir_of(&args->at), args->at.path, t,
                               args->follow ? 0 : AT_SYMLINK_NOFOLLOW));
}

SERVICE(futimes, shadow_futimes_args, shadow_status_res)
{
    UNUSED;
    struct timespec t[2] = {{args->times.atime_sec, args->times.atime_nsec},
                            {args->times.mtime_sec, args->times.mtime_nsec}};
    return tell(res, futimens(fd_of(args->handle), t));
}

SERVICE(fsync, shadow_handle_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fsync(fd_of(args->handle)));
}

SERVICE(lock, shadow_lock_args, shadow_status_res)
{
    UNUSED;
    struct flock fl = {.l_type = (short)args->type,
                       .l_start = (off_t)args->start,
                       .l_len = (off_t)args->len};
    return tell(res, fcntl(fd_of(args->handle), F_SETLK, &fl));
}

SERVICE(tty, shadow_tty_args, shadow_tty_res)
{
    ZERO;
    res->status = ENOTTY;
    return TRUE;
}

/* Images go to the file $FAKE_SHADOW_IMAGE. */
