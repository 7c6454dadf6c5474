/* rollback.c - see journal.h: the files go back to an earlier state */
#include "lib/common/io.h"
#include "lib/undo/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
