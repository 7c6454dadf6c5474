/* call_attr.c - the stat family, modes, owners, times, access */
#include "shadow/call.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

/* --- looking --- */

static int stat_place(struct shadow *shadow, const shadow_at *at, bool follow,
                      struct stat *st)
{
    struct place place;

    if (find_at(shadow, at, follow, &place) < 0)
        return -1;
    int rc = place.above
                 ? lstat(place.path, st)
                 : fstatat(place.dirfd, place.name, st, AT_SYMLINK_NOFOLLOW);
    place_clear(&place);
    return rc;
}

static bool_t tell_attr(struct shadow *shadow, int rc, const struct stat *st,
                        shadow_attr_res *res)
{
    res->status = status_of(shadow, rc);
    if (rc == 0)
        attr_of(shadow, st, &res->shadow_attr_res_u.attr);
    return TRUE;
}

SERVICE(stat, shadow_stat_args, shadow_attr_res)
{
    BEGIN;
    struct stat st;

    int rc = stat_place(shadow, &args->at, args->follow, &st);
    return tell_attr(shadow, rc, &st, res);
}

SERVICE(fstat, shadow_handle_args, shadow_attr_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);
    struct stat st;

    return tell_attr(shadow, handle ? fstat(handle->fd, &st) : -1, &st, res);
}

static bool_t tell_statfs(struct shadow *shadow, int rc,
                          const struct statfs *fs, shadow_statfs_res *res)
{
    res->status = status_of(shadow, rc);
    if (rc == 0)
        res->shadow_statfs_res_u.ok = (shadow_statfs_ok){
            .type = (uint64_t)fs->f_type,
            .bsize = (uint64_t)fs->f_bsize,
            .blocks = fs->f_blocks,
            .bfree = fs->f_bfree,
            .bavail = fs->f_bavail,
            .files = fs->f_files,
            .ffree = fs->f_ffree,
            .namelen = (uint64_t)fs->f_namelen,
            .frsize = (uint64_t)fs->f_frsize,
        };
    return TRUE;
}

/* Find, open O_PATH, and close again when `fn` is done. */
static int with_path(struct shadow *shadow, const shadow_at *at, bool follow,
                     bool change, int (*fn)(struct shadow *, int, void *),
                     void *arg)
{
    struct place place;

    if (find_at(shadow, at, follow, &place) < 0)
        return -1;
    int rc = -1, fd = -1;
    if (change && (place.above || !place.write))
        errno = place.above ? EACCES : EROFS;
    else
        fd = open_place_path(&place);
    if (change && fd >= 0)
        change_note_fs(shadow->change, place.dirfd);
    if (fd >= 0)
        rc = fn(shadow, fd, arg);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    place_clear(&place);
    errno = saved;
    return rc;
}

static int do_statfs(struct shadow *shadow, int fd, void *arg)
{
    (void)shadow;
    return fstatfs(fd, arg);
}

SERVICE(statfs, shadow_path_args, shadow_statfs_res)
{
    BEGIN;
    struct statfs fs;

    int rc = with_path(shadow, &args->at, true, false, do_statfs, &fs);
    return tell_statfs(shadow, rc, &fs, res);
}

SERVICE(fstatfs, shadow_handle_args, shadow_statfs_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);
    struct statfs fs;

    return tell_statfs(shadow, handle ? fstatfs(handle->fd, &fs) : -1, &fs,
                       res);
}

SERVICE(access, shadow_access_args, shadow_status_res)
{
    BEGIN;
    struct place place;
    int rc = -1;

    if (find_at(shadow, &args->at, args->follow, &place) == 0) {
        int flags = AT_SYMLINK_NOFOLLOW | (args->effective ? AT_EACCESS : 0);
        if (place.above)
            rc = faccessat(AT_FDCWD, place.path, args->mode, flags);
        else
            rc = faccessat(place.dirfd, place.name, args->mode, flags);
        if (rc == 0 && (args->mode & W_OK) && !place.write) {
            errno = EROFS;
            rc = -1;
        }
        place_clear(&place);
    }
    res->status = status_of(shadow, rc);
    return TRUE;
}

/* --- changing --- */

static int do_chmod(struct shadow *shadow, int fd, void *arg)
{
    return change_mode(shadow->change, fd, *(const mode_t *)arg);
}

SERVICE(chmod, shadow_mode_args, shadow_status_res)
{
    BEGIN;
    mode_t mode = args->mode;

    res->status = status_of(
        shadow, with_path(shadow, &args->at, true, true, do_chmod, &mode));
    return TRUE;
}

/* A handle through which the file's attributes may be changed: any that was
 * found in a writable grant. */
static int fd_of_writable(struct shadow *shadow, uint32_t number)
{
    struct handle *handle = handle_get(&shadow->handles, number);
    struct place place;
    char link[32], path[PATH_MAX];

    if (!handle || handle->writable)
        return handle ? handle->fd : -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle->fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return -1;
    path[n] = '\0';
    if (paths_find(shadow->paths, "/", path, false, &place) < 0)
        return -1;
    place_clear(&place);
    if (!place.write) {
        errno = EROFS;
        return -1;
    }
    return handle->fd;
}

SERVICE(fchmod, shadow_fchmod_args, shadow_status_res)
{
    BEGIN;
    int fd = fd_of_writable(shadow, args->handle);

    res->status = status_of(
        shadow, fd < 0 ? -1 : change_mode(shadow->change, fd, args->mode));
    return TRUE;
}

static int do_chown(struct shadow *shadow, int fd, void *arg)
{
    const shadow_owner_args *args = arg;

    return change_owner(shadow->change, fd, args->uid, args->gid);
}

SERVICE(chown, shadow_owner_args, shadow_status_res)
{
    BEGIN;
    res->status = status_of(shadow, with_path(shadow, &args->at, args->follow,
                                              true, do_chown, args));
    return TRUE;
}

SERVICE(fchown, shadow_fchown_args, shadow_status_res)
{
    BEGIN;
    int fd = fd_of_writable(shadow, args->handle);

    res->status = status_of(
        shadow,
        fd < 0 ? -1 : change_owner(shadow->change, fd, args->uid, args->gid));
    return TRUE;
}

static void times_of(const shadow_times *from, struct timespec times[2])
{
    times[0].tv_sec = from->atime_sec;
    times[0].tv_nsec = from->atime_nsec;
    times[1].tv_sec = from->mtime_sec;
    times[1].tv_nsec = from->mtime_nsec;
}

static int do_utimes(struct shadow *shadow, int fd, void *arg)
{
    struct timespec times[2];

    times_of(arg, times);
    return change_times(shadow->change, fd, times);
}

SERVICE(utimes, shadow_utimes_args, shadow_status_res)
{
    BEGIN;
    res->status = status_of(shadow, with_path(shadow, &args->at, args->follow,
                                              true, do_utimes, &args->times));
    return TRUE;
}

SERVICE(futimes, shadow_futimes_args, shadow_status_res)
{
    BEGIN;
    int fd = fd_of_writable(shadow, args->handle);

    res->status =
        status_of(shadow, fd < 0 ? -1 : do_utimes(shadow, fd, &args->times));
    return TRUE;
}

SERVICE(truncate, shadow_truncate_args, shadow_status_res)
{
    BEGIN;
    struct place place;
    int rc = -1;

    if (find_at(shadow, &args->at, true, &place) == 0) {
        int fd = -1;
        if (place.above || !place.write)
            errno = place.above ? EACCES : EROFS;
        else
            fd = change_open(shadow->change, place.dirfd, place.name, O_WRONLY,
                             0);
        if (fd >= 0) {
            rc = truncate_to(shadow, fd, place.quota, args->size);
            int saved = errno;
            close(fd);
            errno = saved;
        }
        place_clear(&place);
    }
    res->status = status_of(shadow, rc);
    return TRUE;
}
