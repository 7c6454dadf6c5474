/* journal_inodes.c - see journal.h: the inodes that were touched */
#include "lib/undo/journal_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void journal_touched_free(void *value)
{
    struct touched *touched = value;

    if (touched->pin >= 0)
        close(touched->pin);
    free(touched->path);
    free(touched->blocks);
    free(touched);
}

void journal_path_of(int fd, char path[PATH_MAX])
{
    static const char deleted[] = " (deleted)";
    char link[32];
    struct stat st, named;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    size_t tail = sizeof deleted - 1;
    if (n > (ssize_t)tail && strcmp(path + n - tail, deleted) == 0 &&
        (fstat(fd, &st) < 0 || lstat(path, &named) < 0 ||
         st.st_ino != named.st_ino || st.st_dev != named.st_dev))
        path[0] = '\0';
}

struct touched *journal_find(const struct journal *journal,
                             const struct stat *st)
{
    struct inode_key key = inode_key_of(st);

    return map_get(journal->inodes, &key, sizeof key);
}

struct touched *journal_add(struct journal *journal, const struct stat *st,
                            bool fresh)
{
    struct inode_key key = inode_key_of(st);
    struct touched *touched = calloc(1, sizeof *touched);

    if (!touched)
        return NULL;
    touched->id = journal->next_id++;
    touched->fresh = fresh;
    touched->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
    touched->window = 1;
    touched->pin = -1;
    touched->seen = seen_add(journal->seen, st);
    if (touched->seen < 0 ||
        map_put(journal->inodes, &key, sizeof key, touched) < 0) {
        journal_touched_free(touched);
        return NULL;
    }
    journal->recorded = true;
    return touched;
}

struct touched *journal_touch(struct journal *journal, const struct stat *st,
                              const char *path, struct ckpt_err *err)
{
    struct touched *touched = journal_find(journal, st);
    struct segment_inode inode = {
        .mode = st->st_mode,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .atime = st->st_atim,
        .mtime = st->st_mtim,
    };

    if (touched)
        return touched;
    touched = journal_add(journal, st, false);
    if (touched) {
        inode.id = touched->id;
        if (journal->config.lazy)
            touched->path = strdup(path);
        snprintf(inode.path, sizeof inode.path, "%s", path);
        if (segment_put_inode(journal->segment, &inode) == 0)
            return touched;
        journal_forget(journal, st);
    }
    ckpt_err_sys(err, "journal");
    return NULL;
}

void journal_forget(struct journal *journal, const struct stat *st)
{
    struct inode_key key = inode_key_of(st);
    struct touched *touched = map_take(journal->inodes, &key, sizeof key);

    if (touched)
        journal_touched_free(touched);
}

/* --- links that the journal holds --- */

void journal_count_link(struct journal *journal, const struct stat *st)
{
    struct inode_key key = inode_key_of(st);
    uintptr_t count = (uintptr_t)map_get(journal->kept, &key, sizeof key);

    (void)map_put(journal->kept, &key, sizeof key, (void *)(count + 1));
}

unsigned journal_links(const struct journal *journal, const struct stat *st)
{
    struct inode_key key = inode_key_of(st);

    if (st->st_nlink < 2)
        return 0;
    return (unsigned)(uintptr_t)map_get(journal->kept, &key, sizeof key);
}
