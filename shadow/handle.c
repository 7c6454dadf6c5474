/* handle.c - see server.h: open files of the job */
#include "shadow/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void handles_init(struct handles *handles, struct kept_handle *kept)
{
    for (unsigned i = 0; i < HANDLES_MAX; i++)
        handles->table[i] = (struct handle){.fd = -1};
    handles->next = HANDLE_STANDARD;
    handles->kept = kept;
}

static void forget(struct kept_handle *kept)
{
    __atomic_store_n(&kept->used, false, __ATOMIC_RELEASE);
}

static void release(struct handles *handles, unsigned index)
{
    struct handle *handle = &handles->table[index];

    if (handle->fd < 0)
        return;
    forget(&handles->kept[index]);
    close(handle->fd);
    free(handle->path);
    handle->path = NULL;
    handle->fd = -1;
}

void handles_clear(struct handles *handles)
{
    for (unsigned i = HANDLE_STANDARD; i < HANDLES_MAX; i++)
        release(handles, i);
    handles->next = HANDLE_STANDARD;
}

struct handle *handle_get(struct handles *handles, uint32_t number)
{
    uint32_t index = number & 0xffff;

    if (index >= HANDLES_MAX || handles->table[index].fd < 0 ||
        handles->table[index].generation != number >> 16) {
        errno = EBADF;
        return NULL;
    }
    return &handles->table[index];
}

/* All that is needed to open it again; valid once `used` is set. */
static void keep(struct kept_handle *kept, const struct handle *handle,
                 const struct place *place, const struct stat *st)
{
    kept->readable = handle->readable;
    kept->writable = handle->writable;
    kept->append = handle->append;
    kept->path_only = handle->path_only;
    kept->is_dir = handle->path != NULL;
    kept->lost = false;
    kept->generation = handle->generation;
    kept->dev = st->st_dev;
    kept->ino = st->st_ino;
    for (unsigned i = 0; i < SURVIVE_LOCKS; i++)
        kept->locks[i].type = F_UNLCK;
    strcpy(kept->path, place->path);
    __atomic_store_n(&kept->used, true, __ATOMIC_RELEASE);
}

int64_t handle_add(struct shadow *shadow, const struct handle *handle,
                   const struct place *place, const struct stat *st)
{
    struct handles *handles = &shadow->handles;

    for (unsigned n = HANDLE_STANDARD; n < HANDLES_MAX; n++) {
        unsigned index = handles->next;
        if (++handles->next == HANDLES_MAX)
            handles->next = HANDLE_STANDARD;
        struct handle *free_one = &handles->table[index];
        if (free_one->fd >= 0)
            continue;
        /* Never 0, which is the standard streams', nor SHADOW_CWD's. */
        uint16_t generation = (uint16_t)(free_one->generation + 1);
        if (generation == 0 || generation == 0xffff)
            generation = 1;
        *free_one = *handle;
        free_one->generation = generation;
        if (shadow->note) /* nobody knows of it until the reply is kept */
            __atomic_store_n(&shadow->note->made, index, __ATOMIC_RELEASE);
        keep(&handles->kept[index], free_one, place, st);
        return (int64_t)generation << 16 | index;
    }
    errno = EMFILE;
    return -1;
}

int handle_close(struct handles *handles, uint32_t number)
{
    struct handle *handle = handle_get(handles, number);

    if (!handle)
        return -1;
    if (handle >= &handles->table[HANDLE_STANDARD])
        release(handles, number & 0xffff);
    return 0; /* the standard streams stay for a restart */
}

/* --- what others must know of them ---------------------------------------- */

/* `path` with `from` at its beginning replaced; false: it does not begin so. */
static bool renamed(char *path, const char *from, const char *to)
{
    size_t len = strlen(from), add = strlen(to);
    char *tail = path + len;

    if (strncmp(path, from, len) != 0 || (*tail && *tail != '/') ||
        add + strlen(tail) >= PATH_MAX)
        return false;
    memmove(path + add, tail, strlen(tail) + 1);
    memcpy(path, to, add);
    return true;
}

void handles_renamed(struct handles *handles, const char *from, const char *to)
{
    for (unsigned i = HANDLE_STANDARD; i < HANDLES_MAX; i++)
        if (handles->table[i].fd >= 0)
            (void)renamed(handles->kept[i].path, from, to);
}

static uint64_t end_of(uint64_t start, uint64_t len)
{
    return len ? start + len : UINT64_MAX;
}

/* What is left of a range in part is another range, and not told: then the
 * handle cannot be opened again. */
void handle_locked(struct handles *handles, uint32_t number, int type,
                   uint64_t start, uint64_t len)
{
    struct kept_handle *kept = &handles->kept[number & 0xffff];
    struct kept_lock *room = NULL;
    uint64_t end = end_of(start, len);

    if ((number & 0xffff) < HANDLE_STANDARD)
        return;
    for (struct kept_lock *lock = kept->locks;
         lock < kept->locks + SURVIVE_LOCKS; lock++) {
        uint64_t lock_end = end_of(lock->start, lock->len);
        bool held =
            lock->type != F_UNLCK && lock->start < end && start < lock_end;
        bool all = held && start <= lock->start && lock_end <= end;
        bool same = held && lock->type == type && lock->start <= start &&
                    end <= lock_end;
        if (same)
            return;
        if (held && !all)
            kept->lost = true;
        else if (all && room)
            lock->type = F_UNLCK;
        if (!room && (all || lock->type == F_UNLCK))
            room = lock;
    }
    if (room)
        *room = (struct kept_lock){(int16_t)type, start, len};
    else if (type != F_UNLCK)
        kept->lost = true; /* too many to be told */
}

/* --- after a kill --- */

static int set_locks(int fd, const struct kept_handle *kept)
{
    for (unsigned i = 0; i < SURVIVE_LOCKS; i++) {
        const struct kept_lock *lock = &kept->locks[i];
        struct flock set = {
            .l_type = lock->type,
            .l_whence = SEEK_SET,
            .l_start = (off_t)lock->start,
            .l_len = (off_t)lock->len,
        };
        if (lock->type != F_UNLCK && fcntl(fd, F_OFD_SETLK, &set) < 0)
            return -1;
    }
    return 0;
}

/* Open `path` if it is the file that was open. */
static int open_again(struct shadow *shadow, const struct kept_handle *kept,
                      const char *path, struct place *place)
{
    int flags = kept->path_only ? O_PATH : kept->writable ? O_RDWR : O_RDONLY;
    struct stat st;

    if (paths_find(shadow->paths, "/", path, false, place) < 0)
        return -1;
    int fd = place->above
                 ? -1
                 : openat(place->dirfd, place->name,
                          flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
                              O_NOCTTY | (kept->is_dir ? O_DIRECTORY : 0));
    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != kept->dev ||
                    st.st_ino != kept->ino)) {
        close(fd);
        fd = -1;
    }
    place_clear(place);
    return fd;
}

static int revive_one(struct shadow *shadow, unsigned index,
                      struct ckpt_err *err)
{
    struct kept_handle *kept = &shadow->handles.kept[index];
    struct survive *survive = shadow->survive;
    struct place place;
    char other[PATH_MAX];

    int fd = kept->lost ? -1 : open_again(shadow, kept, kept->path, &place);
    strcpy(other, kept->path);
    if (fd < 0 && !kept->lost && survive->renamed_from[0] &&
        renamed(other, survive->renamed_from, survive->renamed_to))
        fd = open_again(shadow, kept, other, &place);
    if (fd < 0 || set_locks(fd, kept) < 0) {
        if (fd >= 0)
            close(fd);
        return ckpt_err_set(err, ENOENT, "%.400s cannot be opened again",
                            kept->path);
    }
    shadow->handles.table[index] = (struct handle){
        .fd = fd,
        .generation = kept->generation,
        .readable = kept->readable,
        .writable = kept->writable,
        .append = kept->append,
        .path_only = kept->path_only,
        .path = kept->is_dir ? strdup(place.path) : NULL,
        .quota = place.quota,
    };
    return 0;
}

/* The handle of an OPEN whose reply was never kept. */
static void drop_unknown(struct shadow *shadow)
{
    struct kept_session *kept = &shadow->survive->sessions[SHADOW_ROLE_JOB];
    const struct slot *slot = &kept->slots[kept->slot];

    if (kept->seq == slot->seq && slot->kept == UINT64_MAX &&
        kept->note.made >= HANDLE_STANDARD && kept->note.made < HANDLES_MAX)
        forget(&shadow->handles.kept[kept->note.made]);
    kept->note.made = 0;
}

int handles_revive(struct shadow *shadow, struct ckpt_err *err)
{
    drop_unknown(shadow);
    for (unsigned i = HANDLE_STANDARD; i < HANDLES_MAX; i++) {
        struct kept_handle *kept = &shadow->handles.kept[i];
        shadow->handles.table[i].generation = kept->generation;
        if (kept->used && revive_one(shadow, i, err) < 0)
            return -1;
    }
    return 0;
}
