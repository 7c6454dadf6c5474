/* journal.c - see journal.h: recording */
#include "lib/undo/journal_impl.h"

#include "lib/common/io.h"
#include "lib/undo/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- links that the journal holds ----------------------------------------- */

static int count_one(void *arg, int dirfd, const char *name)
{
    struct stat st;

    if (strncmp(name, "kept.", 5) == 0 &&
        fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink > 1)
        journal_count_link(arg, &st);
    return 0;
}

static int count_links(struct journal *journal, struct ckpt_err *err)
{
    uint32_t *numbers;
    size_t count;
    char path[PATH_MAX];

    map_destroy(journal->kept, NULL);
    journal->kept = map_create();
    if (!journal->kept)
        return ckpt_err_set(err, ENOMEM, "journal: out of memory");
    if (segment_list(journal->config.dir, &numbers, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/journal/%u", journal->config.dir,
                 numbers[i]);
        (void)directory_each(path, count_one, journal);
    }
    free(numbers);
    return 0;
}

/* What a roll-back put back is from now on what the files are. */
static int settle(const struct journal *journal, struct ckpt_err *err)
{
    uint32_t *numbers;
    size_t count;
    char path[PATH_MAX];

    if (segment_list(journal->config.dir, &numbers, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/journal/%u", journal->config.dir,
                 numbers[i]);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct seen *seen = fd < 0 ? NULL : seen_open(fd);
        if (seen)
            seen_settle(seen);
        seen_close(seen);
        if (fd >= 0)
            close(fd);
    }
    free(numbers);
    return 0;
}

/* --- segments --------------------------------------------------------------
 */

static void segment_end(struct journal *journal)
{
    map_destroy(journal->names, NULL);
    map_destroy(journal->inodes, journal_touched_free);
    seen_close(journal->seen);
    segment_close(journal->segment);
    journal->names = journal->inodes = NULL;
    journal->seen = NULL;
    journal->segment = NULL;
}

int journal_start(struct journal *journal, uint32_t number,
                  const struct segment_head *rename, struct ckpt_err *err)
{
    struct segment *segment = segment_create(journal->config.dir, number,
                                             rename, journal->config.sync, err);
    if (!segment)
        return -1;
    struct seen *seen = seen_open(segment_dirfd(segment));
    struct map *names = map_create(), *inodes = map_create();
    if (!seen || !names || !inodes) {
        ckpt_err_sys(err, "journal/%u", number);
        map_destroy(names, NULL);
        map_destroy(inodes, NULL);
        seen_close(seen);
        segment_close(segment);
        (void)segment_remove(journal->config.dir, number, journal->config.sync,
                             NULL);
        return -1;
    }
    segment_end(journal);
    journal->segment = segment;
    journal->seen = seen;
    journal->names = names;
    journal->inodes = inodes;
    journal->next_id = 1;
    journal->recorded = rename != NULL;
    journal->lost = false;
    journal->kept_bytes = 0;
    if (journal->config.lazy)
        journal_unsettle(journal);
    return 0;
}

struct journal *journal_open(const struct journal_config *config,
                             uint32_t number, struct ckpt_err *err)
{
    struct journal *journal = calloc(1, sizeof *journal);
    char path[PATH_MAX];

    if (!journal) {
        ckpt_err_set(err, ENOMEM, "journal: out of memory");
        return NULL;
    }
    journal->config = *config;
    snprintf(path, sizeof path, "%s/journal", config->dir);
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        ckpt_err_sys(err, "%s", path);
        goto fail;
    }
    if (count_links(journal, err) < 0 || settle(journal, err) < 0 ||
        journal_start(journal, number, NULL, err) < 0)
        goto fail;
    return journal;
fail:
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    int saved = errno;
    segment_end(journal);
    map_destroy(journal->kept, NULL);
    free(journal);
    errno = saved;
}

int journal_begin(struct journal *journal, uint32_t *number,
                  struct ckpt_err *err)
{
    uint32_t now = segment_number(journal->segment);

    /* Segment 0 is the start itself, never an image's. */
    if (journal->recorded || journal->lost || now == 0) {
        if (journal->config.lazy)
            journal_settle(journal);
        if (journal_start(journal, now + 1, NULL, err) < 0)
            return -1;
        now++;
    }
    *number = now;
    return 0;
}

int journal_prune(struct journal *journal, uint32_t number,
                  struct ckpt_err *err)
{
    uint32_t *numbers;
    size_t count;
    int rc = 0;

    if (segment_list(journal->config.dir, &numbers, &count, err) < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < count && numbers[i] < number; i++)
        rc = segment_remove(journal->config.dir, numbers[i],
                            journal->config.sync, err);
    bool some = count > 0 && numbers[0] < number;
    free(numbers);
    if (rc == 0 && some)
        rc = count_links(journal, err);
    return rc;
}

int journal_discard(struct journal *journal, struct ckpt_err *err)
{
    uint32_t last = segment_number(journal->segment);

    segment_end(journal);
    return journal_prune(journal, last + 1, err);
}

/* --- around a change --- */

/* Others may have been at the file, the last moment being now. */
static void look_for_others(struct journal *journal, int fd)
{
    struct stat st;

    if (fd < 0 || journal->config.lazy || fstat(fd, &st) < 0)
        return;
    struct touched *touched = journal_find(journal, &st);
    if (touched)
        seen_expect(journal->seen, touched->seen, &st);
}

int journal_ready(struct journal *journal, int fd, struct ckpt_err *err)
{
    if (segment_flush(journal->segment, err) < 0)
        return -1;
    look_for_others(journal, fd);
    __atomic_store_n(&seen_head(journal->seen)->busy, 1, __ATOMIC_SEQ_CST);
    return 0;
}

void journal_done(struct journal *journal, int fd)
{
    struct seen_head *head = seen_head(journal->seen);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0) {
        struct touched *touched = journal_find(journal, &st);
        if (touched)
            seen_update(journal->seen, touched->seen, &st);
    }
    __atomic_store_n(&head->busy, 0, __ATOMIC_SEQ_CST);
    journal->busy_paths = 0;
    head->busy_path[0][0] = head->busy_path[1][0] = '\0';
    head->busy_dev = head->busy_ino = 0;
}
