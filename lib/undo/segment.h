/* segment.h - one segment of the undo journal: its log and its table
 *
 * A segment is a directory, DIR/journal/N:
 *
 *     log      records, in batches; each is checked by a CRC-32
 *     seen     how its owner left each file it touched (struct seen_file)
 *     kept.K   the inode K, as a hard link (or a copy, on other file systems)
 *
 *     log:  record | record | ... | zeros (allocated ahead)
 *     record:  u32 magic | u16 type | u16 0 | u32 length | u32 batch |
 *              u32 crc | u32 0 | payload | zeros up to a multiple of 8
 *
 * Records of one flush carry the same batch number and are durable before
 * segment_flush() returns.  A log ends where no whole record follows; a whole
 * record of a later batch behind such a place means damage (EPROTO).
 *
 * `seen` is memory shared with the file: it survives the process, not the
 * machine, and is written after each change with what fstat(2) says.  It is
 * read only on the boot that wrote it.
 */
#ifndef CKPT_UNDO_SEGMENT_H
#define CKPT_UNDO_SEGMENT_H

#include "lib/common/bytes.h"
#include "lib/common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum segment_type {
    SEGMENT_HEAD = 1,  /* the first record: struct segment_head */
    SEGMENT_NAME = 2,  /* what a name stood for: struct segment_name */
    SEGMENT_INODE = 3, /* length and attributes: struct segment_inode */
    SEGMENT_BLOCK = 4, /* u32 id, u64 offset, blob */
};

enum { SEGMENT_VERSION = 1, SEGMENT_BOOT_LEN = 36 };

/* A segment may begin with the renaming of a directory, done just before
 * everything in it; `from` is empty when it does not. */
struct segment_head {
    uint32_t number;
    char boot[SEGMENT_BOOT_LEN + 1];
    char from[PATH_MAX];
    char to[PATH_MAX];
    uint64_t dev;
    uint64_t ino;
};

enum segment_kind {
    SEGMENT_NONE = 0,    /* the name did not exist */
    SEGMENT_FILE = 1,    /* inode `id`; kept.ID holds it */
    SEGMENT_SYMLINK = 2, /* to `target` */
    SEGMENT_DIR = 3,     /* an empty directory of this mode and owner */
};

struct segment_name {
    enum segment_kind kind;
    uint32_t id;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    char path[PATH_MAX];
    char target[PATH_MAX];
};

struct segment_inode {
    uint32_t id;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint64_t dev;
    uint64_t ino;
    uint64_t size;
    struct timespec atime;
    struct timespec mtime;
    char path[PATH_MAX]; /* a name it had; empty: it had none */
};

/* --- writing ------------------------------------------------------------- */

struct segment;

/* Make DIR/journal/NUMBER with its head, durably.  `sync` false leaves out
 * every sync (tests).  NULL with errno. */
struct segment *segment_create(const char *dir, uint32_t number,
                               const struct segment_head *rename, bool sync,
                               struct ckpt_err *err);
void segment_close(struct segment *segment);
uint32_t segment_number(const struct segment *segment);
int segment_dirfd(const struct segment *segment);
/* Of the records that are durable. */
uint64_t segment_bytes(const struct segment *segment);

/* Add a record to the batch.  0, or -1 with ENOMEM. */
int segment_put_name(struct segment *segment, const struct segment_name *name);
int segment_put_inode(struct segment *segment,
                      const struct segment_inode *inode);
/* The caller fills the `len` bytes it gets before the next call; NULL with
 * ENOMEM.  `len` is at most SEGMENT_BLOCK_MAX. */
enum { SEGMENT_BLOCK_MAX = 4 << 20 };
void *segment_put_block(struct segment *segment, uint32_t id, uint64_t offset,
                        size_t len);
/* Write the batch and make it durable; nothing to do when it is empty. */
int segment_flush(struct segment *segment, struct ckpt_err *err);
/* Forget the batch (its change will not be made). */
void segment_drop(struct segment *segment);

/* The directories of segments, ascending; *count of them, malloc'ed. */
int segment_list(const char *dir, uint32_t **numbers, size_t *count,
                 struct ckpt_err *err);
/* Remove a segment: it is gone, durably, at once. */
int segment_remove(const char *dir, uint32_t number, bool sync,
                   struct ckpt_err *err);

/* --- reading ------------------------------------------------------------- */

struct segment_visitor {
    int (*head)(void *arg, const struct segment_head *head);
    int (*name)(void *arg, const struct segment_name *name);
    int (*inode)(void *arg, const struct segment_inode *inode);
    int (*block)(void *arg, uint32_t id, uint64_t offset, const uint8_t *data,
                 size_t len);
};

/* Visit all records of a log in order; members may be NULL.  A callback's
 * nonzero result ends it.  An empty log (a segment that was just being made)
 * is no error: nothing is visited.  EPROTO for a damaged one. */
int segment_read(int dirfd, const struct segment_visitor *visitor, void *arg,
                 struct ckpt_err *err);

/* This boot's identity, as in the head. */
void segment_boot(char boot[SEGMENT_BOOT_LEN + 1]);

#endif
