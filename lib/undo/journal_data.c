/* journal_data.c - see journal.h: what files hold, before it changes */
#include "lib/undo/journal_impl.h"

#include "lib/common/io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK_LEN = 16 << 10,
    WINDOW_MAX = SEGMENT_BLOCK_MAX / BLOCK_LEN,
};

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
        journal_path_of(fd, path);
        touched = journal_is_fresh(journal, path)
                      ? journal_add(journal, &st, true)
                      : journal_touch(journal, &st, path, err);
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
