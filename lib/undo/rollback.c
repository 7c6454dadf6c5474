/* rollback.c - see journal.h: the files go back to an earlier state */
#include "lib/common/io.h"
#include "lib/undo/copy.h"
#include "lib/undo/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- names ------------------------------------------------------------------
 */

static const struct undo_inode *inode_of(const struct undo *undo, uint32_t id)
{
    if (id >= undo->inode_count || undo->inodes[id].id == 0)
        return NULL;
    return &undo->inodes[id];
}

static bool same_link(int dirfd, const char *name, const char *target)
{
    char now[PATH_MAX];
    ssize_t n = readlinkat(dirfd, name, now, sizeof now - 1);

    if (n < 0)
        return false;
    now[n] = '\0';
    return strcmp(now, target) == 0;
}

bool undo_is_restored(const struct undo *undo, const struct undo_name *record,
                      int dirfd, const char *name)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return record->kind == SEGMENT_NONE;
    switch (record->kind) {
    case SEGMENT_NONE:
        return false;
    case SEGMENT_DIR:
        return S_ISDIR(st.st_mode);
    case SEGMENT_SYMLINK:
        return S_ISLNK(st.st_mode) && same_link(dirfd, name, record->target);
    case SEGMENT_FILE: {
        const struct undo_inode *inode = inode_of(undo, record->id);
        return inode && !undo_is_copy(undo, inode) &&
               undo_is_inode(undo, inode, &st);
    }
    }
    return false;
}

static int remove_wrong(struct undo *undo, const struct undo_name *record,
                        struct ckpt_err *err)
{
    const char *name;
    int rc = 0;
    int dirfd = undo_parent(record->path, &name);

    if (dirfd < 0)
        return 0; /* no directory: nothing is there */
    if (!undo_is_restored(undo, record, dirfd, name) &&
        unlinkat(dirfd, name, 0) < 0 && errno != ENOENT) {
        if (errno == EISDIR || errno == EPERM)
            rc = unlinkat(dirfd, name, AT_REMOVEDIR);
        else
            rc = -1;
    }
    if (rc < 0 && errno == ENOTEMPTY && record->kind == SEGMENT_NONE) {
        undo_report(undo, "%s stays: another process put files there",
                    record->path);
        rc = 0;
    }
    if (rc < 0)
        ckpt_err_sys(err, "cannot remove %s", record->path);
    close(dirfd);
    return rc;
}

static int adopt_in(struct seen *seen, const struct stat *st,
                    const struct undo_inode *inode)
{
    return seen_adopt(seen, st, inode ? inode->dev : 0, inode ? inode->ino : 0);
}

/* What is made anew has a new inode.  Earlier segments must not take it for
 * somebody else's work, so their tables get it before its name does. */
static int adopt(struct undo *undo, int dirfd, const char *name,
                 const struct undo_inode *inode)
{
    uint32_t *numbers;
    size_t count;
    struct stat st;
    int rc = 0;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        segment_list(undo->config->dir, &numbers, &count, NULL) < 0)
        return -1;
    if (inode) {
        st.st_size = (off_t)inode->size;
        st.st_mtim = inode->mtime;
    }
    for (size_t i = 0; rc == 0 && i < count && numbers[i] < undo->number; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/journal/%u", undo->config->dir,
                 numbers[i]);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct seen *seen = fd < 0 ? NULL : seen_open(fd);
        rc = seen ? adopt_in(seen, &st, inode) : -1;
        seen_close(seen);
        if (fd >= 0)
            close(fd);
    }
    free(numbers);
    return rc;
}

enum { PART_MAX = 64 };

/* The same after a kill, so that what was left is found. */
static void part_clean(const struct undo *undo, int dirfd, char part[PART_MAX])
{
    struct stat st = {0};

    (void)fstat(undo->dirfd, &st);
    snprintf(part, PART_MAX, ".ckpt-restore-%lu", (unsigned long)st.st_ino);
    if (unlinkat(dirfd, part, 0) < 0)
        (void)unlinkat(dirfd, part, AT_REMOVEDIR);
}

/* What was made as `part` gets its place by a rename, as a whole. */
static int put_in_place(struct undo *undo, int dirfd, const char *part,
                        const char *name, const struct undo_inode *inode)
{
    if (adopt(undo, dirfd, part, inode) == 0 &&
        renameat(dirfd, part, dirfd, name) == 0)
        return 0;
    int saved = errno;
    unlinkat(dirfd, part, 0);
    errno = saved;
    return -1;
}

static int restore_copy(struct undo *undo, const char *kept, int dirfd,
                        const char *part, const char *name,
                        const struct undo_inode *inode)
{
    if (copy_file(undo->dirfd, kept, dirfd, part, undo->config->sync) < 0)
        return -1;
    return put_in_place(undo, dirfd, part, name, inode);
}

static int restore_link(struct undo *undo, const struct undo_name *record,
                        int dirfd, const char *part, const char *name)
{
    if (symlinkat(record->target, dirfd, part) < 0)
        return -1;
    return put_in_place(undo, dirfd, part, name, NULL);
}

static int restore_file(struct undo *undo, const struct undo_name *record,
                        int dirfd, const char *part, const char *name)
{
    const struct undo_inode *inode = inode_of(undo, record->id);
    char kept[32];
    struct stat st;

    snprintf(kept, sizeof kept, "kept.%u", record->id);
    if (!inode || fstatat(undo->dirfd, kept, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (st.st_ino == inode->ino && st.st_dev == inode->dev)
        return linkat(undo->dirfd, kept, dirfd, name, 0);
    return restore_copy(undo, kept, dirfd, part, name, inode);
}

static int restore_dir(struct undo *undo, const struct undo_name *record,
                       int dirfd, const char *part, const char *name)
{
    if (mkdirat(dirfd, part, 0700) < 0)
        return -1;
    if (fchownat(dirfd, part, record->uid, record->gid, AT_SYMLINK_NOFOLLOW) <
            0 &&
        errno != EPERM)
        return -1;
    if (fchmodat(dirfd, part, record->mode & 07777, 0) < 0)
        return -1;
    return put_in_place(undo, dirfd, part, name, NULL);
}

static int restore_missing(struct undo *undo, const struct undo_name *record,
                           struct ckpt_err *err)
{
    char part[PART_MAX];
    const char *name;
    int rc = 0;

    if (record->kind == SEGMENT_NONE)
        return 0;
    int dirfd = undo_parent(record->path, &name);
    if (dirfd < 0)
        return ckpt_err_sys(err, "cannot restore %s", record->path);
    part_clean(undo, dirfd, part);
    if (!undo_is_restored(undo, record, dirfd, name)) {
        if (record->kind == SEGMENT_FILE)
            rc = restore_file(undo, record, dirfd, part, name);
        else if (record->kind == SEGMENT_DIR)
            rc = restore_dir(undo, record, dirfd, part, name);
        else
            rc = restore_link(undo, record, dirfd, part, name);
    } else if (record->kind == SEGMENT_SYMLINK) {
        rc = adopt(undo, dirfd, name, NULL); /* maybe made again the same */
    }
    if (rc < 0)
        ckpt_err_sys(err, "cannot restore %s", record->path);
    close(dirfd);
    return rc;
}

/* Deepest first; then shallowest first. */
static int undo_names(struct undo *undo, struct ckpt_err *err)
{
    for (size_t i = undo->name_count; i-- > 0;)
        if (remove_wrong(undo, &undo->names[i], err) < 0)
            return -1;
    for (size_t i = 0; i < undo->name_count; i++)
        if (restore_missing(undo, &undo->names[i], err) < 0)
            return -1;
    return 0;
}

/* --- content ----------------------------------------------------------------
 */

struct blocks {
    struct undo *undo;
    uint32_t id; /* of the open file */
    int fd;
};

static int undo_block(void *arg, uint32_t id, uint64_t offset,
                      const uint8_t *data, size_t len)
{
    struct blocks *blocks = arg;
    const struct undo_inode *inode = inode_of(blocks->undo, id);

    if (!inode) {
        errno = EPROTO;
        return -1;
    }
    if (id != blocks->id) {
        if (blocks->fd >= 0)
            close(blocks->fd);
        blocks->fd = undo_open_inode(blocks->undo, inode);
        blocks->id = id;
    }
    if (blocks->fd < 0)
        return 0; /* gone; reported with its attributes */
    return ckpt_pwrite_full(blocks->fd, data, len, (off_t)offset);
}

static int undo_blocks(struct undo *undo, struct ckpt_err *err)
{
    static const struct segment_visitor visitor = {.block = undo_block};
    struct blocks blocks = {.undo = undo, .fd = -1};

    int rc = segment_read(undo->dirfd, &visitor, &blocks, err);
    if (blocks.fd >= 0)
        close(blocks.fd);
    return rc;
}

static int set_attributes(int fd, const struct undo_inode *inode)
{
    struct timespec times[2] = {inode->atime, inode->mtime};
    char link[32];
    struct stat st;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) < 0)
        return -1;
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size != inode->size &&
        ftruncate(fd, (off_t)inode->size) < 0)
        return -1;
    if ((st.st_uid != inode->uid || st.st_gid != inode->gid) &&
        fchownat(fd, "", inode->uid, inode->gid, AT_EMPTY_PATH) < 0 &&
        errno != EPERM)
        return -1;
    if (!S_ISLNK(st.st_mode) && chmod(link, inode->mode & 07777) < 0)
        return -1;
    return S_ISLNK(st.st_mode) ? utimensat(fd, "", times, AT_EMPTY_PATH)
                               : utimensat(AT_FDCWD, link, times, 0);
}

static int undo_attributes(struct undo *undo, struct ckpt_err *err)
{
    for (size_t i = 0; i < undo->inode_count; i++) {
        const struct undo_inode *inode = &undo->inodes[i];
        if (inode->id == 0)
            continue;
        int fd = undo_open_inode(undo, inode);
        if (fd < 0) {
            undo_report(undo, "%s was removed by another process", inode->path);
            continue;
        }
        int rc = set_attributes(fd, inode);
        if (rc < 0)
            ckpt_err_sys(err, "cannot restore %s", inode->path);
        close(fd);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* --- the whole ---------------------------------------------------------------
 */

static int undo_rename(struct undo *undo, struct ckpt_err *err)
{
    const char *from, *to;
    struct stat st;
    int rc = 0;

    if (!undo->head.from[0])
        return 0;
    int from_dirfd = undo_parent(undo->head.from, &from);
    if (from_dirfd < 0)
        return ckpt_err_sys(err, "cannot restore %s", undo->head.from);
    int to_dirfd = undo_parent(undo->head.to, &to);
    /* With all names of this segment restored, `from` is there only if the
     * renaming was never done, or is undone already.  (The directory may have
     * a new inode: it may have been removed and made anew.) */
    if (to_dirfd >= 0 &&
        fstatat(from_dirfd, from, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
        fstatat(to_dirfd, to, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(st.st_mode) &&
        renameat2(to_dirfd, to, from_dirfd, from, RENAME_NOREPLACE) < 0)
        rc = ckpt_err_sys(err, "cannot rename %s back to %s", undo->head.to,
                          undo->head.from);
    if (to_dirfd >= 0)
        close(to_dirfd);
    close(from_dirfd);
    return rc;
}

/* Everything that was put back is on the disk before the records go. */
static int sync_all(struct undo *undo, struct ckpt_err *err)
{
    if (!undo->config->sync)
        return 0;
    if (syncfs(undo->dirfd) < 0)
        return ckpt_err_sys(err, "syncfs");
    struct stat own, st;
    const char *name;
    dev_t last = fstat(undo->dirfd, &own) == 0 ? own.st_dev : 0;
    for (size_t i = 0; i < undo->name_count + undo->inode_count; i++) {
        const char *path = i < undo->name_count
                               ? undo->names[i].path
                               : undo->inodes[i - undo->name_count].path;
        int dirfd = path && path[0] ? undo_parent(path, &name) : -1;
        if (dirfd < 0)
            continue;
        if (fstat(dirfd, &st) == 0 && st.st_dev != last) {
            int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (fd >= 0 && syncfs(fd) == 0)
                last = st.st_dev;
            if (fd >= 0)
                close(fd);
        }
        close(dirfd);
    }
    return 0;
}

/* --- the renaming that began the segment ------------------------------------
 *
 * Once it is undone the segment's names mean something else: they must not be
 * undone again.  So a file in the segment says first that they are done.
 */

static const char names_done[] = "undone";

static bool is_marked(const struct undo *undo)
{
    return faccessat(undo->dirfd, names_done, F_OK, 0) == 0;
}

static int mark(struct undo *undo, struct ckpt_err *err)
{
    int fd =
        openat(undo->dirfd, names_done, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || (undo->config->sync && fsync(undo->dirfd) < 0)) {
        ckpt_err_sys(err, "journal/%u/%s", undo->number, names_done);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    close(fd);
    return 0;
}

static int sync_parent(const struct undo *undo, const char *path,
                       struct ckpt_err *err)
{
    if (undo->config->sync && ckpt_fsync_parent(path) < 0)
        return ckpt_err_sys(err, "%s", path);
    return 0;
}

static int undo_head(struct undo *undo, struct ckpt_err *err)
{
    if (!undo->head.from[0])
        return 0;
    if (mark(undo, err) < 0 || undo_rename(undo, err) < 0)
        return -1;
    return sync_parent(undo, undo->head.from, err);
}

static int undo_body(struct undo *undo, struct ckpt_err *err)
{
    if (is_marked(undo))
        return 0;
    if (undo_check(undo, err) < 0 || undo_names(undo, err) < 0 ||
        undo_blocks(undo, err) < 0 || undo_attributes(undo, err) < 0)
        return -1;
    return sync_all(undo, err);
}

int segment_undo(const struct journal_config *config, uint32_t number,
                 struct ckpt_err *err)
{
    struct undo undo = {.config = config, .number = number, .dirfd = -1};

    int rc = undo_load(&undo, err);
    if (rc == 0 && undo.any) {
        rc = undo_body(&undo, err);
        if (rc == 0)
            rc = undo_head(&undo, err);
    }
    undo_clear(&undo);
    return rc;
}

static int make_directories(const char *dir, struct ckpt_err *err)
{
    static const char *const names[] = {"journal", "conflicts"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (snprintf(path, sizeof path, "%s/%s", dir, names[i]) >=
            (int)sizeof path)
            return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", dir);
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return ckpt_err_sys(err, "%s", path);
    }
    return 0;
}

int journal_rollback(const struct journal_config *config, uint32_t generation,
                     struct ckpt_err *err)
{
    uint32_t *numbers;
    size_t count, first = 0;
    int rc = 0;

    if (make_directories(config->dir, err) < 0 ||
        segment_list(config->dir, &numbers, &count, err) < 0)
        return -1;
    while (first < count && numbers[first] < generation)
        first++;
    if (first < count && (numbers[first] != generation ||
                          numbers[count - 1] - generation != count - 1 - first))
        rc =
            ckpt_err_set(err, ENOENT, "%s: the journal of state %u is not kept",
                         config->dir, generation);
    for (size_t i = first; rc == 0 && i < count; i++)
        rc = segment_check_lost(config->dir, numbers[i], err);
    for (size_t i = count; rc == 0 && i-- > first;) {
        rc = segment_undo(config, numbers[i], err);
        if (rc == 0)
            rc = segment_remove(config->dir, numbers[i], config->sync, err);
    }
    free(numbers);
    return rc;
}
