/* disk.c - see disk.h */
#include "scheduler/starter/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { BLOCK = 512, PAUSES = 50 };

static uint64_t of_directory(const char *scratch)
{
    char *paths[] = {(char *)(uintptr_t)scratch, NULL};
    uint64_t blocks = 0;

    /* what is mounted below is another's */
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    for (FTSENT *e = tree ? fts_read(tree) : NULL; e; e = fts_read(tree))
        if (e->fts_info != FTS_DP && e->fts_info != FTS_NS && e->fts_statp)
            blocks += (uint64_t)e->fts_statp->st_blocks;
    if (tree)
        fts_close(tree);
    return blocks * BLOCK;
}

/* Duplicates of a descriptor count again: two files or one, we cannot tell
 * without remembering all. */
static uint64_t of_nameless(const char *scratch, pid_t pid)
{
    char path[64];
    const struct dirent *entry;
    struct stat here, st;
    uint64_t blocks = 0;
    ino_t last = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = stat(scratch, &here) == 0 ? opendir(path) : NULL;
    while (dir && (entry = readdir(dir))) {
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 ||
            !S_ISREG(st.st_mode) || st.st_nlink > 0 ||
            st.st_dev != here.st_dev || st.st_ino == last)
            continue;
        last = st.st_ino;
        blocks += (uint64_t)st.st_blocks;
    }
    if (dir)
        closedir(dir);
    return blocks * BLOCK;
}

static uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool disk_look(struct disk *disk, const char *scratch, pid_t pid,
               uint64_t now_ms)
{
    if (disk->limit == 0 || now_ms < disk->next_ms)
        return false;
    disk->used = of_directory(scratch) + of_nameless(scratch, pid);
    uint64_t took_ms = clock_ms() - now_ms;
    disk->next_ms = now_ms + DISK_LOOK_MS + PAUSES * took_ms;
    return disk->used > disk->limit;
}
