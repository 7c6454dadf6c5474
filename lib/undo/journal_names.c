/* journal_names.c - see journal.h: what names stand for, before they change */
#include "lib/undo/journal_impl.h"

#include "lib/undo/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int name_path(int dirfd, const char *name, char path[PATH_MAX],
                     struct ckpt_err *err)
{
    journal_path_of(dirfd, path);
    size_t len = strlen(path);
    if (len == 0)
        return ckpt_err_set(err, ENOENT, "%s: its directory is gone", name);
    if (len + strlen(name) + 2 > PATH_MAX)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", name);
    if (len > 1)
        path[len++] = '/';
    strcpy(path + len, name);
    return 0;
}

/* The number of an inode that goes must not be taken for the old one when it
 * is used again. */
static int pin(struct journal *journal, int dirfd, const char *name,
               struct touched *touched)
{
    if (!journal->config.lazy || touched->pin >= 0)
        return 0;
    touched->pin = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return touched->pin < 0 ? -1 : 0;
}

/* Hold the inode by a link; by a copy where there can be none. */
static int keep(struct journal *journal, int dirfd, const char *name,
                const struct stat *st, struct touched *touched,
                struct ckpt_err *err)
{
    char kept[32];
    int to = segment_dirfd(journal->segment);

    snprintf(kept, sizeof kept, "kept.%u", touched->id);
    if (linkat(dirfd, name, to, kept, 0) == 0) {
        journal_count_link(journal, st);
        if (S_ISREG(st->st_mode) && st->st_nlink == 1)
            journal->kept_bytes += (uint64_t)st->st_size;
        return 0;
    }
    if (errno == EEXIST)
        return 0; /* it had another name, which was removed before */
    /* A copy would not be linked to the other names. */
    if (!S_ISREG(st->st_mode) || st->st_nlink > 1)
        return ckpt_err_sys(err, "cannot keep %s", name);
    if (copy_file(dirfd, name, to, kept, journal->config.sync) < 0 ||
        pin(journal, dirfd, name, touched) < 0)
        return ckpt_err_sys(err, "cannot keep a copy of %s", name);
    journal->kept_bytes += (uint64_t)st->st_size;
    return 0;
}

static int note_file(struct journal *journal, int dirfd, const char *name,
                     const struct stat *st, struct segment_name *record,
                     struct ckpt_err *err)
{
    struct touched *touched = journal_touch(journal, st, record->path, err);

    if (!touched)
        return -1;
    record->kind = SEGMENT_FILE;
    record->id = touched->id;
    return keep(journal, dirfd, name, st, touched, err);
}

static int note_link(int dirfd, const char *name, struct segment_name *record,
                     struct ckpt_err *err)
{
    ssize_t n = readlinkat(dirfd, name, record->target, PATH_MAX - 1);

    if (n < 0)
        return ckpt_err_sys(err, "%s", record->path);
    record->target[n] = '\0';
    record->kind = SEGMENT_SYMLINK;
    return 0;
}

static int note_name(struct journal *journal, int dirfd, const char *name,
                     struct segment_name *record, struct ckpt_err *err)
{
    struct stat st;
    int rc = 0;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return ckpt_err_sys(err, "%s", record->path);
        record->kind = SEGMENT_NONE;
        return segment_put_name(journal->segment, record);
    }
    record->mode = st.st_mode;
    record->uid = st.st_uid;
    record->gid = st.st_gid;
    if (S_ISDIR(st.st_mode))
        record->kind = SEGMENT_DIR;
    else if (S_ISLNK(st.st_mode))
        rc = note_link(dirfd, name, record, err);
    else
        rc = note_file(journal, dirfd, name, &st, record, err);
    if (rc == 0)
        rc = segment_put_name(journal->segment, record);
    return rc;
}

/* A change to `path` begins: the table does not hold for it until it ends. */
static void busy_name(struct journal *journal, const char *path)
{
    struct seen_head *head = seen_head(journal->seen);

    if (journal->busy_paths < 2)
        strcpy(head->busy_path[journal->busy_paths++], path);
}

int journal_name(struct journal *journal, int dirfd, const char *name,
                 struct ckpt_err *err)
{
    struct segment_name record = {0};

    if (name_path(dirfd, name, record.path, err) < 0)
        return -1;
    busy_name(journal, record.path);
    size_t len = strlen(record.path);
    if (map_get(journal->names, record.path, len))
        return 0;
    if (note_name(journal, dirfd, name, &record, err) < 0)
        return -1;
    journal->recorded = true;
    if (map_put(journal->names, record.path, len, journal) < 0)
        return ckpt_err_sys(err, "journal");
    return 0;
}

void journal_made(struct journal *journal, int dirfd, const char *name)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    /* An older entry is of an inode that is gone: its number was used again. */
    journal_forget(journal, &st);
    (void)journal_add(journal, &st, true);
}

void journal_gone(struct journal *journal, const struct stat *st)
{
    if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
        journal_forget(journal, st);
}

int journal_rename_dir(struct journal *journal, int from_dirfd,
                       const char *from, int to_dirfd, const char *to,
                       struct ckpt_err *err)
{
    struct segment_head head = {0};
    struct stat st;

    if (name_path(from_dirfd, from, head.from, err) < 0 ||
        name_path(to_dirfd, to, head.to, err) < 0)
        return -1;
    if (fstatat(from_dirfd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return ckpt_err_sys(err, "%s", head.from);
    head.dev = st.st_dev;
    head.ino = st.st_ino;
    /* An empty directory that gives way belongs to the old segment. */
    if (journal_name(journal, to_dirfd, to, err) < 0 ||
        segment_flush(journal->segment, err) < 0)
        return -1;
    if (journal_start(journal, segment_number(journal->segment) + 1, &head,
                      err) < 0)
        return -1;
    journal->busy_paths = 0;
    busy_name(journal, head.from);
    busy_name(journal, head.to);
    return journal_ready(journal, -1, err);
}
