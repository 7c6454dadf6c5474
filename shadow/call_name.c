/* call_name.c - names are made, removed, changed; directories are listed */
#include "shadow/call.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- one name --- */

SERVICE(unlink, shadow_unlink_args, shadow_status_res)
{
    BEGIN;
    struct place place;
    int rc = find_change(shadow, &args->at, false, &place);

    if (rc == 0) {
        off_t freed = freed_by_name(shadow, &place);
        rc = change_unlink(shadow->change, place.dirfd, place.name,
                           args->is_dir);
        if (rc == 0)
            quota_count(place.quota, freed, 0);
        place_clear(&place);
    }
    res->status = status_of(shadow, rc);
    return TRUE;
}

SERVICE(symlink, shadow_symlink_args, shadow_status_res)
{
    BEGIN;
    struct place place;
    int rc = find_change(shadow, &args->at, false, &place);

    if (rc == 0) {
        rc = change_symlink(shadow->change, args->target, place.dirfd,
                            place.name);
        place_clear(&place);
    }
    res->status = status_of(shadow, rc);
    return TRUE;
}

/* A trailing slash may stand behind the name of a directory to be made. */
static void strip_slashes(char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
}

SERVICE(mkdir, shadow_mode_args, shadow_status_res)
{
    BEGIN;
    struct place place;

    strip_slashes(args->at.path);
    int rc = find_at(shadow, &args->at, false, &place);
    if (rc == 0 && (place.above || place.fixed)) {
        errno = EEXIST; /* mkdir -p walks down from the root */
        rc = -1;
    } else if (rc == 0) {
        struct stat st;
        if (!place.write &&
            fstatat(place.dirfd, place.name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            errno = EROFS;
            rc = -1;
        } else {
            rc = change_mkdir(shadow->change, place.dirfd, place.name,
                              args->mode);
        }
        place_clear(&place);
    }
    res->status = status_of(shadow, rc);
    return TRUE;
}

SERVICE(readlink, shadow_path_args, shadow_path_res)
{
    BEGIN;
    char target[PATH_MAX];
    struct place place;
    ssize_t n = -1;

    if (find_at(shadow, &args->at, false, &place) == 0) {
        n = place.above ? readlink(place.path, target, sizeof target - 1)
                        : readlinkat(place.dirfd, place.name, target,
                                     sizeof target - 1);
        place_clear(&place);
    }
    res->status = status_of(shadow, n);
    if (n >= 0) {
        target[n] = '\0';
        res->shadow_path_res_u.path = strdup(target);
        return res->shadow_path_res_u.path != NULL;
    }
    return TRUE;
}

/* --- two names --- */

typedef int two_fn(struct shadow *shadow, const struct place *from,
                   const struct place *to, unsigned flags);

static int two_places(struct shadow *shadow, const shadow_two_paths_args *args,
                      bool follow, two_fn *fn)
{
    struct place from, to;

    if (find_change(shadow, &args->from, follow, &from) < 0)
        return -1;
    int rc = find_change(shadow, &args->to, false, &to);
    if (rc == 0) {
        rc = fn(shadow, &from, &to, args->flags);
        place_clear(&to);
    }
    place_clear(&from);
    return rc;
}

/* Neither name without the other. */
static void note_renaming(struct survive *survive, const char *from,
                          const char *to)
{
    __atomic_store_n(&survive->renamed_from[0], '\0', __ATOMIC_SEQ_CST);
    strcpy(survive->renamed_to, to);
    strcpy(survive->renamed_from + 1, from + 1);
    __atomic_store_n(&survive->renamed_from[0], '/', __ATOMIC_SEQ_CST);
}

static int do_rename(struct shadow *shadow, const struct place *from,
                     const struct place *to, unsigned flags)
{
    off_t freed = freed_by_name(shadow, to), moved;

    if (rename_fits(shadow, from, to, &moved) < 0)
        return -1;
    note_renaming(shadow->survive, from->path, to->path);
    int rc = change_rename(shadow->change, from->dirfd, from->name, to->dirfd,
                           to->name, flags);
    if (rc == 0) {
        handles_renamed(&shadow->handles, from->path, to->path);
        quota_count(to->quota, freed, 0);
        quota_count(from->quota, moved, 0);
        quota_count(to->quota, 0, moved);
    }
    return rc;
}

SERVICE(rename, shadow_two_paths_args, shadow_status_res)
{
    BEGIN;
    strip_slashes(args->from.path);
    strip_slashes(args->to.path);
    res->status = status_of(shadow, two_places(shadow, args, false, do_rename));
    return TRUE;
}

static int do_link(struct shadow *shadow, const struct place *from,
                   const struct place *to, unsigned flags)
{
    (void)flags;
    return change_link(shadow->change, from->dirfd, from->name, to->dirfd,
                       to->name);
}

SERVICE(link, shadow_two_paths_args, shadow_status_res)
{
    BEGIN;
    bool follow = args->flags & AT_SYMLINK_FOLLOW;

    res->status = status_of(shadow, two_places(shadow, args, follow, do_link));
    return TRUE;
}

/* --- directories --- */

static int go_to(struct shadow *shadow, int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
        return -1;
    strcpy(shadow->cwd, path);
    return 0;
}

static bool_t tell_cwd(struct shadow *shadow, int rc, shadow_path_res *res)
{
    res->status = status_of(shadow, rc);
    if (rc == 0)
        res->shadow_path_res_u.path = strdup(shadow->cwd);
    return rc < 0 || res->shadow_path_res_u.path != NULL;
}

SERVICE(chdir, shadow_path_args, shadow_path_res)
{
    BEGIN;
    struct note *note = shadow->note;
    struct place place;
    int rc = -1;

    if (note_has(note, NOTE_CWD)) {
        strcpy(shadow->cwd, note->path); /* relative to where it was */
    } else if (note) {
        strcpy(note->path, shadow->cwd);
        note_make(note, NOTE_CWD);
    }
    if (find_at(shadow, &args->at, true, &place) == 0) {
        int fd = open_place_path(&place);
        if (fd >= 0) {
            rc = go_to(shadow, fd, place.path);
            int saved = errno;
            close(fd);
            errno = saved;
        }
        place_clear(&place);
    }
    return tell_cwd(shadow, rc, res);
}

SERVICE(fchdir, shadow_handle_args, shadow_path_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);
    int rc = -1;

    if (handle && !handle->path)
        errno = ENOTDIR;
    else if (handle)
        rc = go_to(shadow, handle->fd, handle->path);
    return tell_cwd(shadow, rc, res);
}

struct linux_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[];
};

static int add_entry(struct shadow *shadow, int fd,
                     const struct linux_dirent64 *from, shadow_dirent *entry)
{
    struct stat st;

    entry->name = strdup(from->d_name);
    entry->ino = from->d_ino;
    entry->type = from->d_type;
    entry->cookie = from->d_off;
    if (fstatat(fd, from->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        attr_of(shadow, &st, &entry->attr);
    return entry->name ? 0 : -1;
}

enum { DIR_CHUNK = 32 << 10, DIR_BYTES_MAX = 512 << 10 };

/* Up to `count` entries from `cookie` on, as many as one reply takes. */
static int list(struct shadow *shadow, int fd, int64_t cookie, unsigned count,
                shadow_readdir_ok *ok)
{
    char *buf = malloc(DIR_CHUNK);
    size_t bytes = 0;
    long n = -1;

    ok->entries.entries_val = calloc(count, sizeof(shadow_dirent));
    if (!buf || !ok->entries.entries_val || lseek(fd, cookie, SEEK_SET) < 0)
        goto done;
    while (ok->entries.entries_len < count && bytes < DIR_BYTES_MAX &&
           (n = syscall(SYS_getdents64, fd, buf, DIR_CHUNK)) > 0) {
        for (long at = 0; at < n && ok->entries.entries_len < count;) {
            struct linux_dirent64 *entry = (void *)(buf + at);
            at += entry->d_reclen;
            if (add_entry(shadow, fd, entry,
                          &ok->entries.entries_val[ok->entries.entries_len]) <
                0) {
                n = -1;
                goto done;
            }
            ok->entries.entries_len++;
            bytes += 160 + strlen(entry->d_name);
        }
    }
done:
    free(buf);
    return n < 0 && ok->entries.entries_len == 0 ? -1 : 0;
}

SERVICE(readdir, shadow_readdir_args, shadow_readdir_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);
    shadow_readdir_ok *ok = &res->shadow_readdir_res_u.ok;
    unsigned count = args->count;
    int rc = -1;

    if (count == 0 || count > SHADOW_DIR_MAX)
        count = SHADOW_DIR_MAX;
    if (handle && (!handle->path || !handle->readable))
        errno = handle->path ? EBADF : ENOTDIR;
    else if (handle)
        rc = list(shadow, handle->fd, args->cookie, count, ok);
    res->status = status_of(shadow, rc);
    if (rc < 0) {
        free(ok->entries.entries_val);
        memset(ok, 0, sizeof *ok);
    }
    return TRUE;
}
