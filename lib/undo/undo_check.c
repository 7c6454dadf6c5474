/* undo_check.c - see undo.h: what others changed meanwhile
 *
 * The table of the segment says how its owner left each file.  A file that
 * looks different now was changed by somebody else; undoing would lose their
 * work without a word.  So it is copied to DIR/conflicts first and reported.
 * Nothing can be said about another boot's table, or about the change that was
 * going on when the owner was killed.
 */
#include "lib/undo/copy.h"
#include "lib/undo/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The change that was under way may have touched it. */
static bool in_doubt(const struct undo *undo, const char *path,
                     const struct stat *st)
{
    const struct seen_head *head = seen_head(undo->seen);

    if (!head->busy)
        return false;
    return (head->busy_dev == st->st_dev && head->busy_ino == st->st_ino) ||
           strcmp(head->busy_path[0], path) == 0 ||
           strcmp(head->busy_path[1], path) == 0;
}

static bool is_ours(const struct undo *undo, const char *path,
                    const struct stat *st)
{
    uint64_t key[2] = {st->st_dev, st->st_ino};
    const struct seen_file *file = map_get(undo->seen_index, key, sizeof key);

    const struct seen_head *head = seen_head(undo->seen);
    if (file && file->was_ino && head->busy && file->was_ino == head->busy_ino)
        return true; /* put back from a copy of the one in doubt */
    /* An empty directory is nobody's work; one with files in it will not be
     * removed. */
    return S_ISDIR(st->st_mode) || (file && seen_matches(file, st)) ||
           in_doubt(undo, path, st);
}

static int set_aside(struct undo *undo, int dirfd, const char *name,
                     const char *path, const struct stat *st,
                     struct ckpt_err *err)
{
    char to[PATH_MAX];
    int n = 0;

    if (undo->covered) {
        undo_report(undo, "%s was changed by another process", path);
        return 0;
    }
    if (!S_ISREG(st->st_mode)) {
        undo_report(undo, "%s was replaced by another process", path);
        return 0;
    }
    do {
        if (snprintf(to, sizeof to, "%s/conflicts/%u-%d-%s", undo->config->dir,
                     undo->number, n++, name) >= (int)sizeof to)
            return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", path);
    } while (access(to, F_OK) == 0);
    if (copy_file(dirfd, name, AT_FDCWD, to, undo->config->sync) < 0)
        return ckpt_err_sys(err,
                            "cannot keep a copy of %s, which another "
                            "process changed",
                            path);
    undo_report(undo, "%s was changed by another process; kept as %s", path,
                to);
    return 0;
}

static bool is_covered(const struct undo *undo, const char *path,
                       const struct stat *st)
{
    uint64_t key[2] = {st->st_dev, st->st_ino};

    for (const char *const *p = undo->config->shared; p && *p; p++)
        if (undo->covered && strcmp(*p, path) == 0)
            return true;
    return undo->covered && (map_get(undo->covered, path, strlen(path)) ||
                             map_get(undo->covered, key, sizeof key));
}

/* What `path` stands for now: as a name that was recorded, or as one of an
 * inode whose content was. */
static int check_path(struct undo *undo, const char *path,
                      const struct undo_name *record,
                      const struct undo_inode *only, struct ckpt_err *err)
{
    const char *name;
    struct stat st;
    int rc = 0;
    int dirfd = undo_parent(path, &name);

    if (dirfd < 0)
        return 0; /* gone; what matters is found out later */
    bool there = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (only && undo->newest && (!there || !undo_is_inode(undo, only, &st)))
        undo_report(undo, "%s was %s by another process", path,
                    there ? "replaced" : "removed");
    else if (there && !is_covered(undo, path, &st) &&
             !is_ours(undo, path, &st) &&
             !(record && record->kind != SEGMENT_FILE &&
               undo_is_restored(undo, record, dirfd, name)) &&
             (!only || undo_is_inode(undo, only, &st)))
        rc = set_aside(undo, dirfd, name, path, &st, err);
    close(dirfd);
    return rc;
}

static bool is_name(const struct undo *undo, const char *path)
{
    size_t low = 0, high = undo->name_count;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(path, undo->names[mid].path);
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

static int check_all(struct undo *undo, struct ckpt_err *err)
{
    for (size_t i = 0; i < undo->name_count; i++)
        if (check_path(undo, undo->names[i].path, &undo->names[i], NULL, err) <
            0)
            return -1;
    for (size_t i = 0; i < undo->inode_count; i++) {
        const struct undo_inode *inode = &undo->inodes[i];
        if (inode->id && inode->path[0] && !is_name(undo, inode->path) &&
            check_path(undo, inode->path, NULL, inode, err) < 0)
            return -1;
    }
    return 0;
}

int undo_check(struct undo *undo, struct ckpt_err *err)
{
    char boot[SEGMENT_BOOT_LEN + 1];
    struct seen_head *head = seen_head(undo->seen);

    segment_boot(boot);
    if (head->checked || strcmp(boot, undo->head.boot) != 0)
        return 0;
    if (check_all(undo, err) < 0)
        return -1;
    if (!undo->covered)
        __atomic_store_n(&head->checked, 1, __ATOMIC_SEQ_CST);
    return 0;
}
