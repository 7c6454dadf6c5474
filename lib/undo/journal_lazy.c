/* journal_lazy.c - see journal.h: when nobody tells of the end of a change */
#include "lib/undo/journal_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool journal_is_fresh(const struct journal *journal, const char *path)
{
    return journal->config.lazy && path[0] &&
           map_get(journal->names, path, strlen(path));
}

/* The roll-back takes a table that was checked for one that says nothing. */
void journal_unsettle(struct journal *journal)
{
    __atomic_store_n(&seen_head(journal->seen)->checked, 1, __ATOMIC_SEQ_CST);
}

static void see(struct journal *journal, const struct stat *st)
{
    const struct touched *touched = journal_find(journal, st);

    if (touched)
        seen_update(journal->seen, touched->seen, st);
    else
        (void)seen_add(journal->seen, st);
}

static void settle_name(void *arg, const void *key, size_t len, void *value)
{
    char path[PATH_MAX];
    struct stat st;

    (void)value;
    memcpy(path, key, len);
    path[len] = '\0';
    if (lstat(path, &st) == 0)
        see(arg, &st);
}

static void settle_inode(void *arg, const void *key, size_t len, void *value)
{
    const struct touched *touched = value;
    const struct inode_key *inode = key;
    struct stat st;

    (void)len;
    if (touched->path && lstat(touched->path, &st) == 0 &&
        st.st_dev == inode->dev && st.st_ino == inode->ino)
        see(arg, &st);
}

void journal_settle(struct journal *journal)
{
    map_each(journal->names, settle_name, journal);
    map_each(journal->inodes, settle_inode, journal);
    __atomic_store_n(&seen_head(journal->seen)->checked, 0, __ATOMIC_SEQ_CST);
}

/* Where nothing can be written, a name can still be changed. */
void journal_lose(struct journal *journal, const char *why)
{
    int dirfd = segment_dirfd(journal->segment);
    int fd = openat(dirfd, "lost", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    size_t len = strlen(why);

    journal->lost = true;
    if (fd < 0 || write(fd, why, len) != (ssize_t)len)
        (void)renameat(dirfd, "log", dirfd, "lost");
    if (fd >= 0) {
        if (journal->config.sync)
            (void)fsync(fd);
        close(fd);
    }
    if (journal->config.sync)
        (void)fsync(dirfd);
    segment_drop(journal->segment);
}

bool journal_is_lost(const struct journal *journal)
{
    return journal->lost;
}

uint64_t journal_bytes(const struct journal *journal)
{
    return segment_bytes(journal->segment) + journal->kept_bytes;
}
