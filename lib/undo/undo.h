/* undo.h - undoing one segment: what was recorded, and how it looks now
 *
 * The steps of segment_undo() each bring about a state and do nothing where it
 * is there already, so that one that was killed can be started again.
 */
#ifndef CKPT_UNDO_UNDO_H
#define CKPT_UNDO_UNDO_H

#include "lib/undo/journal.h"
#include "lib/undo/map.h"
#include "lib/undo/seen.h"
#include "lib/undo/segment.h"

struct undo_name {
    enum segment_kind kind;
    uint32_t id;
    uint32_t mode, uid, gid;
    char *path;
    char *target;
};

struct undo_inode {
    uint32_t id; /* 0: no record of this number */
    uint32_t mode, uid, gid;
    uint64_t dev, ino, size;
    struct timespec atime, mtime;
    char *path;
};

struct undo {
    const struct journal_config *config;
    uint32_t number;
    int dirfd; /* of the segment */
    bool any;  /* the log has a head */
    struct segment_head head;
    struct undo_name *names; /* sorted by path once they are all read */
    size_t name_count;
    struct undo_inode *inodes; /* by id */
    size_t inode_count;
    struct seen *seen;
    struct map *seen_index; /* dev, ino -> entry */
    uint32_t conflicts;
    struct map *covered; /* only look: paths and dev, ino that a newer segment
                            touched; NULL: what others changed is set aside */
    bool newest;         /* its paths are those of now */
};

/* Undo segment `number`, all but its removal. */
int segment_undo(const struct journal_config *config, uint32_t number,
                 struct ckpt_err *err);

/* Read the log into *undo; undo_clear() gives everything back, also after a
 * failure. */
int undo_load(struct undo *undo, struct ckpt_err *err);
void undo_clear(struct undo *undo);

/* The record of that number; NULL: none. */
const struct undo_inode *undo_inode_of(const struct undo *undo, uint32_t id);

/* The directory of an absolute path without symbolic links, O_PATH; *name
 * points to the last component.  -1 with errno. */
int undo_parent(const char *path, const char **name);

/* Open the inode: O_RDWR for a regular file, else O_PATH.  -1: gone. */
int undo_open_inode(struct undo *undo, const struct undo_inode *inode);

/* It is kept as a copy.  Then it may be gone and its number used again, so
 * nothing that has the number is known to be it. */
bool undo_is_copy(const struct undo *undo, const struct undo_inode *inode);

/* `st` is that inode, or what an earlier roll-back put in its place. */
bool undo_is_inode(const struct undo *undo, const struct undo_inode *inode,
                   const struct stat *st);

/* The name stands for what it stood for when the segment began. */
bool undo_is_restored(const struct undo *undo, const struct undo_name *record,
                      int dirfd, const char *name);

/* Look for files that others changed; copy them to DIR/conflicts and report
 * them.  Done once for each segment. */
int undo_check(struct undo *undo, struct ckpt_err *err);

/* The steps: what every name stood for, what the files held, and their
 * attributes. */
int undo_names(struct undo *undo, struct ckpt_err *err);
int undo_blocks(struct undo *undo, struct ckpt_err *err);
int undo_attributes(struct undo *undo, struct ckpt_err *err);

/* ESTALE, with the cause, when the segment cannot be undone any more. */
int segment_check_lost(const char *dir, uint32_t number, struct ckpt_err *err);

void undo_report(struct undo *undo, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
