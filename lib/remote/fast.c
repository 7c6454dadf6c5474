/* fast.c - reads and writes that the cache can serve, without a system call
 *
 * The client's lock is borrowed (lock.c): signals are open, and the lock may
 * be taken away at any time.  So everything is only looked at until one
 * restartable sequence copies the bytes and stores the one word that makes
 * them count: a description's offset for a read, the node's number of dirty
 * bytes for a write (whose description follows it, cache.c).  What was seen
 * before the sequence holds if the lock is still ours in it; until then it may
 * be nonsense, but indices stay within their tables.
 *
 * Whatever is not plain goes the long way: CKPT_LOCAL.
 */
#include "lib/remote/attrs.h"
#include "lib/remote/cache.h"

#include <fcntl.h>
#include <linux/rseq.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

enum { TRIES = 3 };

/* What the sequence shall do. */
struct deed {
    void *to;
    const void *from;
    size_t len;
    uint64_t *commit;
    uint64_t value;
    uint64_t none; /* for `commit` when nothing changes */
};

static void *rseq_area(void)
{
    if (!&__rseq_offset || !&__rseq_size || __rseq_size == 0)
        return NULL;
    struct rseq *area =
        (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
    return (int32_t)area->cpu_id < 0 ? NULL : area;
}

/* A regular file that is open for such access and knows its offset. */
static struct ckpt_file *plain_file(int fd, int refused_access)
{
    if ((unsigned int)fd >= CKPT_FDS)
        return NULL;
    uint16_t entry = ckpt_state->fds[fd];
    if (entry == 0 || entry > CKPT_FILES)
        return NULL;
    struct ckpt_file *file = &ckpt_state->files[entry - 1];
    if (file->kind != CKPT_KIND_FILE || (file->flags & O_PATH) ||
        (file->flags & O_ACCMODE) == refused_access || file->node >= CKPT_NODES)
        return NULL;
    return file;
}

static uint64_t offset_of(const struct ckpt_file *file,
                          const struct ckpt_node *node)
{
    return file->at_dirty ? node->wstart + node->dirty : file->offset;
}

static bool read_deed(int fd, void *buf, size_t len, const uint64_t *at,
                      struct deed *deed)
{
    struct ckpt_file *file = plain_file(fd, O_WRONLY);
    if (!file || (!at && (file->at_end || file->at_dirty)))
        return false;
    const struct ckpt_node *node = &ckpt_state->nodes[file->node];
    uint64_t offset = at ? *at : file->offset;
    uint64_t skip = offset - node->rstart;
    if (offset < node->rstart || skip >= node->rlen ||
        node->rlen - skip < len || node->rbuf == 0 || node->rbuf > CKPT_POOL)
        return false;
    deed->to = buf;
    deed->from = ckpt_buffer(node->rbuf) + skip;
    deed->len = len;
    deed->commit = at ? &deed->none : &file->offset;
    deed->value = offset + len;
    return true;
}

/* Bytes that were read, or are being read, would have to be changed. */
static bool is_read_too(const struct ckpt_node *node)
{
    for (int i = 0; i < CKPT_AHEAD; i++)
        if (node->ahead[i].state != 0)
            return true;
    return node->rlen > 0;
}

static bool write_deed(int fd, const void *buf, size_t len, const uint64_t *at,
                       struct deed *deed)
{
    struct ckpt_file *file = plain_file(fd, O_RDONLY);
    if (!file)
        return false;
    struct ckpt_node *node = &ckpt_state->nodes[file->node];
    bool append = file->flags & O_APPEND;
    uint64_t dirty = node->dirty, skip = node->wstart - node->wbase;
    if (dirty == 0 || skip + dirty + len > CKPT_POOL_LEN || node->error ||
        node->append != append || node->wbuf == 0 || node->wbuf > CKPT_POOL ||
        (file->flags & O_DSYNC) || (!append && is_read_too(node)) ||
        __builtin_ia32_rdtsc() > ckpt_link->due_tsc)
        return false;
    if (at ? append || node->follower || *at != node->wstart + dirty
           : !file->at_dirty && !(append && file->at_end))
        return false;
    deed->to = ckpt_buffer(node->wbuf) + skip + dirty;
    deed->from = buf;
    deed->len = len;
    deed->commit = &node->dirty;
    deed->value = dirty + len;
    return true;
}

static bool seek_deed(int fd, int64_t offset, int whence, struct deed *deed)
{
    struct ckpt_file *file = plain_file(fd, -1);
    if (!file || file->at_end)
        return false;
    const struct ckpt_node *node = &ckpt_state->nodes[file->node];
    deed->to = &deed->none;
    deed->from = &deed->none;
    deed->len = 0;
    if (whence == SEEK_CUR && offset == 0) {
        deed->commit = &deed->none;
        deed->value = offset_of(file, node);
        return true;
    }
    if (whence != SEEK_SET || offset < 0 || file->at_dirty)
        return false;
    deed->commit = &file->offset;
    deed->value = (uint64_t)offset;
    return true;
}

static bool stat_deed(const char *path, bool follow, struct stat *to,
                      struct deed *deed)
{
    deed->to = to;
    deed->from = ckpt_words_find(path, follow);
    deed->len = sizeof *to;
    deed->commit = &deed->none;
    deed->value = 0;
    return deed->from;
}

static bool commit(const struct deed *deed, uint64_t mine, void *area)
{
    return ckpt_copy_commit(deed->to, deed->from, deed->len, deed->commit,
                            deed->value, area, &ckpt_lock, mine) == 1;
}

/* `prepare` fills in the deed; true when it was done. */
#define FAST(deed, prepare)                                                    \
    ({                                                                         \
        void *area = rseq_area();                                              \
        bool possible = area, done = false;                                    \
        for (int i = 0; i < TRIES && possible && !done; i++) {                 \
            uint64_t mine = ckpt_lock_lend();                                  \
            if (mine == 0)                                                     \
                break;                                                         \
            possible = (prepare);                                              \
            done = possible && commit(deed, mine, area);                       \
            ckpt_lock_give_back(mine);                                         \
        }                                                                      \
        done;                                                                  \
    })

long ckpt_fast_read(int fd, void *buf, size_t len, const uint64_t *at)
{
    struct deed deed;

    if (len == 0 || len > CKPT_POOL_LEN)
        return CKPT_LOCAL;
    return FAST(&deed, read_deed(fd, buf, len, at, &deed)) ? (long)len
                                                           : CKPT_LOCAL;
}

long ckpt_fast_write(int fd, const void *buf, size_t len, const uint64_t *at)
{
    struct deed deed;

    if (len == 0 || len >= CKPT_DIRECT_LEN)
        return CKPT_LOCAL;
    return FAST(&deed, write_deed(fd, buf, len, at, &deed)) ? (long)len
                                                            : CKPT_LOCAL;
}

long ckpt_fast_seek(int fd, int64_t offset, int whence)
{
    struct deed deed;

    return FAST(&deed, seek_deed(fd, offset, whence, &deed)) ? (long)deed.value
                                                             : CKPT_LOCAL;
}

long ckpt_fast_stat(const char *path, bool follow, struct stat *to)
{
    struct deed deed;

    if ((uintptr_t)path < 4096 || (uintptr_t)to < 4096)
        return CKPT_LOCAL;
    return FAST(&deed, stat_deed(path, follow, to, &deed)) ? 0 : CKPT_LOCAL;
}
