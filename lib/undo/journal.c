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

enum {
    BLOCK_LEN = 16 << 10,
    WINDOW_MAX = SEGMENT_BLOCK_MAX / BLOCK_LEN,
};

static struct inode_key key_of(const struct stat *st)
{
    return (struct inode_key){st->st_dev, st->st_ino};
}

static void touched_free(void *value)
{
    struct touched *touched = value;

    if (touched->pin >= 0)
        close(touched->pin);
    free(touched->path);
    free(touched->blocks);
    free(touched);
}

/* --- links that the journal holds ----------------------------------------- */

static void count_link(struct journal *journal, const struct stat *st)
{
    struct inode_key key = key_of(st);
    uintptr_t count = (uintptr_t)map_get(journal->kept, &key, sizeof key);

    (void)map_put(journal->kept, &key, sizeof key, (void *)(count + 1));
}

unsigned journal_links(const struct journal *journal, const struct stat *st)
{
    struct inode_key key = key_of(st);

    if (st->st_nlink < 2)
        return 0;
    return (unsigned)(uintptr_t)map_get(journal->kept, &key, sizeof key);
}

static int count_one(void *arg, int dirfd, const char *name)
{
    struct stat st;

    if (strncmp(name, "kept.", 5) == 0 &&
        fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink > 1)
        count_link(arg, &st);
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
    map_destroy(journal->inodes, touched_free);
    seen_close(journal->seen);
    segment_close(journal->segment);
    journal->names = journal->inodes = NULL;
    journal->seen = NULL;
    journal->segment = NULL;
}

/* On failure the old segment goes on. */
static int segment_start(struct journal *journal, uint32_t number,
                         const struct segment_head *rename,
                         struct ckpt_err *err)
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
        segment_start(journal, number, NULL, err) < 0)
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
        if (segment_start(journal, now + 1, NULL, err) < 0)
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

/* --- recording --------------------------------------------------------------
 */

/* An absolute name of an open file without symbolic links; empty when it was
 * removed or cannot be told. */
static void path_of(int fd, char path[PATH_MAX])
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

static int name_path(int dirfd, const char *name, char path[PATH_MAX],
                     struct ckpt_err *err)
{
    path_of(dirfd, path);
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

struct touched *journal_find(const struct journal *journal,
                             const struct stat *st)
{
    struct inode_key key = key_of(st);

    return map_get(journal->inodes, &key, sizeof key);
}

static struct touched *add_touched(struct journal *journal,
                                   const struct stat *st, bool fresh)
{
    struct inode_key key = key_of(st);
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
        touched_free(touched);
        return NULL;
    }
    journal->recorded = true;
    return touched;
}

/* The inode's record, made at the first touch. */
static struct touched *touch(struct journal *journal, const struct stat *st,
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
    touched = add_touched(journal, st, false);
    if (touched) {
        inode.id = touched->id;
        if (journal->config.lazy)
            touched->path = strdup(path);
        snprintf(inode.path, sizeof inode.path, "%s", path);
        if (segment_put_inode(journal->segment, &inode) == 0)
            return touched;
        struct inode_key key = key_of(st);
        map_take(journal->inodes, &key, sizeof key);
        touched_free(touched);
    }
    ckpt_err_sys(err, "journal");
    return NULL;
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
        count_link(journal, st);
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
    struct touched *touched = touch(journal, st, record->path, err);

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

/* --- content
 * ------------------------------------------------------------------ */

static bool is_kept(const struct touched *touched, uint64_t block)
{
    return touched->blocks[block / 8] >> block % 8 & 1;
}

/* Put blocks [from, to) into the batch. */
static int keep_run(struct journal *journal, struct touched *touched, int fd,
                    uint64_t from, uint64_t to)
{
    uint64_t offset = from * BLOCK_LEN, end = to * BLOCK_LEN;

    if (end > touched->size)
        end = touched->size;
    size_t len = (size_t)(end - offset);
    void *data = segment_put_block(journal->segment, touched->id, offset, len);
    if (!data)
        return -1;
    ssize_t n = ckpt_pread_full(fd, data, len, (off_t)offset);
    if (n < 0)
        return -1;
    memset((uint8_t *)data + n, 0, len - (size_t)n); /* cut by others */
    for (uint64_t b = from; b < to; b++)
        touched->blocks[b / 8] |= (uint8_t)(1U << b % 8);
    touched->next = to;
    return 0;
}

/* A block's worth more, as long as writes go on where the last ended. */
static uint64_t look_ahead(struct touched *touched, uint64_t first,
                           uint64_t last, uint64_t count)
{
    if (first == touched->next && touched->window < WINDOW_MAX)
        touched->window *= 2;
    else if (first != touched->next)
        touched->window = 1;
    if (last < first + touched->window)
        last = first + touched->window;
    return last < count ? last : count;
}

static int keep_blocks(struct journal *journal, struct touched *touched, int fd,
                       uint64_t first, uint64_t last)
{
    uint64_t count = (touched->size + BLOCK_LEN - 1) / BLOCK_LEN;

    while (first < last && is_kept(touched, first))
        first++;
    if (first == last)
        return 0;
    last = look_ahead(touched, first, last, count);
    for (uint64_t at = first; at < last;) {
        uint64_t end = at;
        while (end < last && end - at < WINDOW_MAX && !is_kept(touched, end))
            end++;
        if (end == at)
            at++;
        else if (keep_run(journal, touched, fd, at, end) < 0)
            return -1;
        else
            at = end;
    }
    return 0;
}

/* Keep [from, to) of the original content. */
static int keep_range(struct journal *journal, int fd, uint64_t from,
                      uint64_t to, struct ckpt_err *err)
{
    char path[PATH_MAX];
    struct stat st;
    struct seen_head *head = seen_head(journal->seen);

    if (fstat(fd, &st) < 0)
        return ckpt_err_sys(err, "journal");
    head->busy_dev = st.st_dev;
    head->busy_ino = st.st_ino;
    struct touched *touched = journal_find(journal, &st);
    if (!touched) {
        if (st.st_nlink == 0)
            return 0; /* no name leads to it: nothing to go back to */
        path_of(fd, path);
        touched = journal_is_fresh(journal, path)
                      ? add_touched(journal, &st, true)
                      : touch(journal, &st, path, err);
    }
    if (!touched)
        return -1;
    if (to > touched->size)
        to = touched->size;
    if (touched->fresh || from >= to)
        return 0;
    if (!touched->blocks) {
        touched->blocks =
            calloc(1, (size_t)(touched->size / BLOCK_LEN / 8 + 1));
        if (!touched->blocks)
            return ckpt_err_sys(err, "journal");
        touched->next = UINT64_MAX;
    }
    if (keep_blocks(journal, touched, fd, from / BLOCK_LEN,
                    (to + BLOCK_LEN - 1) / BLOCK_LEN) < 0)
        return ckpt_err_sys(err, "journal");
    return 0;
}

int journal_data(struct journal *journal, int fd, uint64_t offset, uint64_t len,
                 struct ckpt_err *err)
{
    uint64_t end = offset + len;

    if (end < offset || end > INT64_MAX)
        return ckpt_err_set(err, EFBIG, "journal: offset too large");
    return keep_range(journal, fd, offset, end, err);
}

int journal_size(struct journal *journal, int fd, uint64_t size,
                 struct ckpt_err *err)
{
    return keep_range(journal, fd, size, INT64_MAX, err);
}

bool journal_has(const struct journal *journal, const struct stat *st,
                 uint64_t from, uint64_t to)
{
    const struct touched *touched = journal_find(journal, st);

    if (!touched || touched->fresh)
        return touched;
    if (to > touched->size)
        to = touched->size;
    if (from >= to)
        return true;
    if (!touched->blocks)
        return false;
    for (uint64_t b = from / BLOCK_LEN; b * BLOCK_LEN < to; b++)
        if (!is_kept(touched, b))
            return false;
    return true;
}

int journal_attr(struct journal *journal, int fd, struct ckpt_err *err)
{
    return keep_range(journal, fd, 0, 0, err);
}

/* --- around the change
 * ---------------------------------------------------------- */

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

void journal_made(struct journal *journal, int dirfd, const char *name)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    /* An older entry is of an inode that is gone: its number was used again. */
    struct inode_key key = key_of(&st);
    struct touched *old = map_take(journal->inodes, &key, sizeof key);
    if (old)
        touched_free(old);
    (void)add_touched(journal, &st, true);
}

void journal_gone(struct journal *journal, const struct stat *st)
{
    struct inode_key key = key_of(st);

    if (st->st_nlink > 1 && !S_ISDIR(st->st_mode))
        return;
    /* The inode's number may be used again, by anybody. */
    struct touched *touched = map_take(journal->inodes, &key, sizeof key);
    if (touched)
        touched_free(touched);
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
    if (segment_start(journal, segment_number(journal->segment) + 1, &head,
                      err) < 0)
        return -1;
    journal->busy_paths = 0;
    busy_name(journal, head.from);
    busy_name(journal, head.to);
    return journal_ready(journal, -1, err);
}
