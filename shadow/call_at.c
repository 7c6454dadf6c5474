/* call_at.c - see server.h: what the procedures have in common */
#include "shadow/server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Where relative names begin; NULL with errno. */
static const char *base_of(struct shadow *shadow, uint32_t dir)
{
    if (dir == SHADOW_CWD)
        return shadow->cwd;
    struct handle *handle = handle_get(&shadow->handles, dir);
    if (handle && !handle->path)
        errno = ENOTDIR;
    return handle ? handle->path : NULL;
}

int find_at(struct shadow *shadow, const shadow_at *at, bool follow,
            struct place *place)
{
    const char *base = at->path[0] == '/' ? "/" : base_of(shadow, at->dir);

    if (!base)
        return -1;
    if (paths_find(shadow->paths, base, at->path, follow, place) == 0)
        return 0;
    if (errno == EACCES) {
        shadow_denied(shadow, at->path);
        errno = EACCES;
    }
    return -1;
}

int find_change(struct shadow *shadow, const shadow_at *at, bool follow,
                struct place *place)
{
    if (find_at(shadow, at, follow, place) < 0)
        return -1;
    if (!place->above && place->write && !place->fixed)
        return 0;
    place_clear(place);
    errno = place->above ? EACCES : place->write ? EBUSY : EROFS;
    return -1;
}

int open_place_path(const struct place *place)
{
    if (place->above)
        return open(place->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return openat(place->dirfd, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

void attr_of(const struct shadow *shadow, const struct stat *st,
             shadow_attr *attr)
{
    *attr = (shadow_attr){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .mode = st->st_mode,
        .nlink = (unsigned)st->st_nlink - journal_links(shadow->journal, st),
        .uid = st->st_uid,
        .gid = st->st_gid,
        .rdev = st->st_rdev,
        .size = (uint64_t)st->st_size,
        .blksize = (unsigned)st->st_blksize,
        .blocks = (uint64_t)st->st_blocks,
        .atime_sec = st->st_atim.tv_sec,
        .atime_nsec = (unsigned)st->st_atim.tv_nsec,
        .mtime_sec = st->st_mtim.tv_sec,
        .mtime_nsec = (unsigned)st->st_mtim.tv_nsec,
        .ctime_sec = st->st_ctim.tv_sec,
        .ctime_nsec = (unsigned)st->st_ctim.tv_nsec,
    };
}

int status_of(struct shadow *shadow, long rc)
{
    int status = rc < 0 ? errno : 0;
    const char *why = change_error(shadow->change);

    if (why)
        shadow_log(shadow, "change refused: %s", why);
    return status;
}
