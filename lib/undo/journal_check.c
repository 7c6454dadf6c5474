/* journal_check.c - see journal.h: looking without changing anything */
#include "lib/undo/copy.h"
#include "lib/undo/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int segment_check_lost(const char *dir, uint32_t number, struct ckpt_err *err)
{
    char path[PATH_MAX], why[200];

    snprintf(path, sizeof path, "%s/journal/%u/lost", dir, number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : ckpt_err_sys(err, "%s", path);
    ssize_t n = read(fd, why, sizeof why - 1);
    close(fd);
    why[n > 0 ? n : 0] = '\0';
    /* the log itself bears this name when nothing could be written */
    if (why[0] == '\0' || strncmp(why, "CKJR", 4) == 0)
        strcpy(why, "the journal could not be written");
    return ckpt_err_set(err, ESTALE, "%s", why);
}

/* The segments from `generation` on, without gaps, none lost. */
static int list(const struct journal_config *config, uint32_t generation,
                uint32_t **numbers, size_t *first, size_t *count,
                struct ckpt_err *err)
{
    if (segment_list(config->dir, numbers, count, err) < 0)
        return -1;
    size_t at = 0;
    int rc = 0;
    while (at < *count && (*numbers)[at] < generation)
        at++;
    *first = at;
    /* none at all: a roll-back was interrupted when it was done */
    if (at < *count && ((*numbers)[at] != generation ||
                        (*numbers)[*count - 1] - generation != *count - 1 - at))
        rc =
            ckpt_err_set(err, ENOENT, "%s: the journal of state %u is not kept",
                         config->dir, generation);
    for (; rc == 0 && at < *count; at++)
        rc = segment_check_lost(config->dir, (*numbers)[at], err);
    if (rc < 0)
        free(*numbers);
    return rc;
}

static int cover(struct undo *undo, struct map *covered)
{
    for (size_t i = 0; i < undo->name_count; i++)
        if (map_put(covered, undo->names[i].path, strlen(undo->names[i].path),
                    covered) < 0)
            return -1;
    for (size_t i = 0; i < undo->inode_count; i++) {
        const struct undo_inode *inode = &undo->inodes[i];
        uint64_t key[2] = {inode->dev, inode->ino};
        if (inode->id == 0)
            continue;
        if (map_put(covered, inode->path, strlen(inode->path), covered) < 0 ||
            map_put(covered, key, sizeof key, covered) < 0)
            return -1;
    }
    return 0;
}

/* What a newer segment touched is not as an older one left it. */
static int check_one(const struct journal_config *config, uint32_t number,
                     struct map *covered, bool newest, uint32_t *conflicts,
                     struct ckpt_err *err)
{
    struct undo undo = {.config = config,
                        .number = number,
                        .dirfd = -1,
                        .covered = covered,
                        .newest = newest};

    int rc = undo_load(&undo, err);
    if (rc == 0 && undo.any)
        rc = undo_check(&undo, err);
    if (rc == 0 && cover(&undo, covered) < 0)
        rc = ckpt_err_sys(err, "journal");
    *conflicts += undo.conflicts;
    undo_clear(&undo);
    return rc;
}

int journal_check(const struct journal_config *config, uint32_t generation,
                  struct ckpt_err *err)
{
    uint32_t *numbers, conflicts = 0;
    size_t first, count;
    int rc = 0;

    if (list(config, generation, &numbers, &first, &count, err) < 0)
        return -1;
    struct map *covered = map_create();
    if (!covered)
        rc = ckpt_err_sys(err, "journal");
    for (size_t i = count; rc == 0 && i-- > first;)
        rc = check_one(config, numbers[i], covered, i + 1 == count, &conflicts,
                       err);
    map_destroy(covered, NULL);
    free(numbers);
    return rc < 0 ? -1 : (int)conflicts;
}

/* --- measuring ----------------------------------------------------------- */

struct measure {
    struct journal_usage *usage;
    void (*file)(void *arg, const char *path);
    void *arg;
};

static int measure_name(void *arg, const struct segment_name *name)
{
    struct measure *m = arg;

    m->usage->names++;
    if (m->file)
        m->file(m->arg, name->path);
    return 0;
}

static int measure_inode(void *arg, const struct segment_inode *inode)
{
    struct measure *m = arg;

    m->usage->files++;
    if (m->file && inode->path[0])
        m->file(m->arg, inode->path);
    return 0;
}

static int measure_file(void *arg, int dirfd, const char *name)
{
    struct measure *m = arg;
    struct stat st;

    if (strcmp(name, "seen") != 0 &&
        fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        m->usage->bytes += (uint64_t)st.st_size;
    return 0;
}

static int measure_segment(const struct journal_config *config, uint32_t number,
                           struct measure *m, struct ckpt_err *err)
{
    static const struct segment_visitor visitor = {.name = measure_name,
                                                   .inode = measure_inode};
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/journal/%u", config->dir, number);
    int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return ckpt_err_sys(err, "%s", path);
    int rc = segment_read(dirfd, &visitor, m, err);
    struct seen *seen = rc == 0 ? seen_open(dirfd) : NULL;
    if (!seen || seen_head(seen)->checked)
        m->usage->settled = false;
    seen_close(seen);
    close(dirfd);
    if (rc == 0)
        (void)directory_each(path, measure_file, m);
    m->usage->segments++;
    return rc < 0 ? ckpt_err_prefix(err, "%s", path) : 0;
}

int journal_measure(const struct journal_config *config, uint32_t generation,
                    struct journal_usage *usage,
                    void (*file)(void *arg, const char *path), void *arg,
                    struct ckpt_err *err)
{
    struct measure m = {usage, file, arg};
    uint32_t *numbers;
    size_t first, count;
    int rc = 0;

    *usage = (struct journal_usage){.settled = true};
    if (list(config, generation, &numbers, &first, &count, err) < 0)
        return -1;
    for (size_t i = first; rc == 0 && i < count; i++)
        rc = measure_segment(config, numbers[i], &m, err);
    free(numbers);
    return rc;
}
