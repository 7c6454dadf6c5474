/* undo_names.c - see undo.h: names stand again for what they stood for */
#include "lib/undo/copy.h"
#include "lib/undo/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
        const struct undo_inode *inode = undo_inode_of(undo, record->id);
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
    const struct undo_inode *inode = undo_inode_of(undo, record->id);
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
int undo_names(struct undo *undo, struct ckpt_err *err)
{
    for (size_t i = undo->name_count; i-- > 0;)
        if (remove_wrong(undo, &undo->names[i], err) < 0)
            return -1;
    for (size_t i = 0; i < undo->name_count; i++)
        if (restore_missing(undo, &undo->names[i], err) < 0)
            return -1;
    return 0;
}
