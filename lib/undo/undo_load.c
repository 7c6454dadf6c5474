/* undo_load.c - see undo.h: the records, and the way to what they name */
#include "lib/undo/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void undo_report(struct undo *undo, const char *fmt, ...)
{
    char text[JOURNAL_TEXT_MAX];
    va_list ap;

    undo->conflicts++;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (undo->config->conflict)
        undo->config->conflict(undo->config->arg, text);
}

static int load_head(void *arg, const struct segment_head *head)
{
    struct undo *undo = arg;

    undo->head = *head;
    undo->any = true;
    return 0;
}

static int load_name(void *arg, const struct segment_name *name)
{
    struct undo *undo = arg;
    size_t n = undo->name_count;

    if ((n & (n - 1)) == 0) { /* grows at powers of two */
        struct undo_name *more =
            realloc(undo->names, (n ? 2 * n : 1) * sizeof *more);
        if (!more)
            return -1;
        undo->names = more;
    }
    undo->names[n] = (struct undo_name){
        .kind = name->kind,
        .id = name->id,
        .mode = name->mode,
        .uid = name->uid,
        .gid = name->gid,
        .path = strdup(name->path),
        .target = strdup(name->target),
    };
    undo->name_count++;
    return undo->names[n].path && undo->names[n].target ? 0 : -1;
}

static int load_inode(void *arg, const struct segment_inode *inode)
{
    struct undo *undo = arg;

    if (inode->id >= undo->inode_count) {
        size_t count = 2 * (size_t)inode->id + 16;
        struct undo_inode *more = realloc(undo->inodes, count * sizeof *more);
        if (!more)
            return -1;
        memset(more + undo->inode_count, 0,
               (count - undo->inode_count) * sizeof *more);
        undo->inodes = more;
        undo->inode_count = count;
    }
    free(undo->inodes[inode->id].path);
    undo->inodes[inode->id] = (struct undo_inode){
        .id = inode->id,
        .mode = inode->mode,
        .uid = inode->uid,
        .gid = inode->gid,
        .dev = inode->dev,
        .ino = inode->ino,
        .size = inode->size,
        .atime = inode->atime,
        .mtime = inode->mtime,
        .path = strdup(inode->path),
    };
    return undo->inodes[inode->id].path ? 0 : -1;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct undo_name *)a)->path,
                  ((const struct undo_name *)b)->path);
}

static int load_seen(struct undo *undo)
{
    undo->seen = seen_open(undo->dirfd);
    undo->seen_index = map_create();
    if (!undo->seen || !undo->seen_index)
        return -1;
    for (uint32_t i = 0; i < seen_count(undo->seen); i++) {
        const struct seen_file *file = seen_at(undo->seen, i);
        uint64_t key[2] = {file->dev, file->ino};
        if (map_put(undo->seen_index, key, sizeof key,
                    (void *)(uintptr_t)file) < 0)
            return -1;
    }
    return 0;
}

int undo_load(struct undo *undo, struct ckpt_err *err)
{
    static const struct segment_visitor visitor = {
        .head = load_head, .name = load_name, .inode = load_inode};
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/journal/%u", undo->config->dir,
             undo->number);
    undo->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (undo->dirfd < 0)
        return ckpt_err_sys(err, "%s", path);
    if (segment_read(undo->dirfd, &visitor, undo, err) < 0)
        return ckpt_err_prefix(err, "%s", path);
    if (load_seen(undo) < 0)
        return ckpt_err_sys(err, "%s/seen", path);
    if (undo->name_count > 0)
        qsort(undo->names, undo->name_count, sizeof *undo->names, by_path);
    return 0;
}

void undo_clear(struct undo *undo)
{
    int saved = errno;

    for (size_t i = 0; i < undo->name_count; i++) {
        free(undo->names[i].path);
        free(undo->names[i].target);
    }
    for (size_t i = 0; i < undo->inode_count; i++)
        free(undo->inodes[i].path);
    free(undo->names);
    free(undo->inodes);
    map_destroy(undo->seen_index, NULL);
    seen_close(undo->seen);
    if (undo->dirfd >= 0)
        close(undo->dirfd);
    errno = saved;
}

int undo_parent(const char *path, const char **name)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof dir) {
        errno = EINVAL;
        return -1;
    }
    memcpy(dir, path, (size_t)(slash - path));
    dir[slash - path] = '\0';
    *name = slash + 1;
    return (int)syscall(SYS_openat2, AT_FDCWD, dir[0] ? dir : "/", &how,
                        sizeof how);
}

const struct undo_inode *undo_inode_of(const struct undo *undo, uint32_t id)
{
    if (id >= undo->inode_count || undo->inodes[id].id == 0)
        return NULL;
    return &undo->inodes[id];
}

bool undo_is_copy(const struct undo *undo, const struct undo_inode *inode)
{
    char kept[32];
    struct stat st;

    snprintf(kept, sizeof kept, "kept.%u", inode->id);
    return fstatat(undo->dirfd, kept, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_ino != inode->ino || st.st_dev != inode->dev);
}

bool undo_is_inode(const struct undo *undo, const struct undo_inode *inode,
                   const struct stat *st)
{
    uint64_t key[2] = {st->st_dev, st->st_ino};

    if (st->st_dev == inode->dev && st->st_ino == inode->ino)
        return true;
    const struct seen_file *file = map_get(undo->seen_index, key, sizeof key);
    return file && file->was_ino == inode->ino && file->was_dev == inode->dev &&
           inode->ino != 0;
}

/* Open `name` if it is that inode (NULL: any). */
static int open_if(const struct undo *undo, int dirfd, const char *name,
                   const struct undo_inode *inode)
{
    char link[32];
    struct stat st;
    int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || (inode && !undo_is_inode(undo, inode, &st))) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    if (!S_ISREG(st.st_mode))
        return fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int file = open(link, O_RDWR | O_CLOEXEC);
    if (file < 0 && errno == EACCES && chmod(link, 0600) == 0)
        file = open(link, O_RDWR | O_CLOEXEC);
    close(fd);
    return file;
}

static int open_path(const struct undo *undo, const char *path,
                     const struct undo_inode *inode)
{
    const char *name;
    int dirfd = undo_parent(path, &name);

    if (dirfd < 0)
        return -1;
    int fd = open_if(undo, dirfd, name, inode);
    close(dirfd);
    return fd;
}

int undo_open_inode(struct undo *undo, const struct undo_inode *inode)
{
    char kept[32];

    snprintf(kept, sizeof kept, "kept.%u", inode->id);
    /* a new inode at the name it had; a copy without a name was made by
     * somebody who was killed before he could remove the file, which is still
     * there */
    for (size_t i = 0; undo_is_copy(undo, inode) && i < undo->name_count; i++)
        if (undo->names[i].kind == SEGMENT_FILE &&
            undo->names[i].id == inode->id)
            return open_path(undo, undo->names[i].path, NULL);
    int fd = open_if(undo, undo->dirfd, kept, inode);
    return fd < 0 && inode->path[0] ? open_path(undo, inode->path, inode) : fd;
}
