/* journal.h - so that the files can go back in time with the job
 *
 * Between two commits of an image the journal keeps what the files were: it
 * is told before each change, and makes durable what is needed to undo it.
 * journal_rollback() then restores the state, byte for byte.
 *
 * The journal is a chain of segments (segment.h), numbered without gaps.
 * Within a segment everything is recorded once, as it was when the segment
 * began, so that undoing it does not depend on the order of what was done and
 * may be done twice:
 *
 *     name  -> what it stood for (nothing, an inode, a link, a directory)
 *     inode -> its length, attributes, and each block before it is changed
 *
 * Inodes made in a segment need no records but their name's.  The renaming of
 * a directory, which changes what names mean, begins a new segment.
 *
 *     images:    (start)      image.3          image.5
 *     segments:     0   1   2    3   4            5      <- recording
 *
 * An image's number is that of the segment that began when its first byte was
 * put.  Going back to image G is undoing all segments down to G.  images/
 * current, replaced at once, is what makes an image and its interval the
 * newest.
 *
 * A name that goes is kept as a hard link to its inode, or as a copy on another
 * file system than the journal's; a file that has more names cannot be kept as
 * a copy, and its names cannot be changed there.
 *
 * Not restored: times of directories, extended attributes and ACLs, holes.
 */
#ifndef CKPT_UNDO_JOURNAL_H
#define CKPT_UNDO_JOURNAL_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { JOURNAL_TEXT_MAX = 512 };

struct journal_config {
    const char *dir; /* the job's; DIR/journal and DIR/conflicts are made */
    bool sync;       /* false: survive only the process (tests) */
    bool lazy; /* changes are made by somebody else after journal_ready(), and
                  nobody tells of their end: journal_made(), _gone() and _done()
                  are not called, journal_settle() is */
    /* A conflict: a file was changed by others.  May be NULL. */
    void (*conflict)(void *arg, const char *text);
    void *arg;
    /* Files that others may write to as well, up to a NULL: journal_check()
     * does not mind.  May be NULL. */
    const char *const *shared;
};

/* Undo everything that was done since `generation`, 0 being the start.  May be
 * killed and called again.  Files that others changed are copied to
 * DIR/conflicts first and reported.  0, or -1 with errno: EPROTO when a log is
 * damaged, ENOENT when the interval is not kept. */
int journal_rollback(const struct journal_config *config, uint32_t generation,
                     struct ckpt_err *err);

/* Look for what others changed since, without changing anything: `conflict` is
 * called for each.  Returns their number, or -1: as journal_rollback(), and
 * ESTALE when a segment was lost. */
int journal_check(const struct journal_config *config, uint32_t generation,
                  struct ckpt_err *err);

/* What the segments from `generation` on hold. */
struct journal_usage {
    uint32_t segments;
    uint32_t files; /* of which something was changed or removed */
    uint32_t names; /* that were made, removed or replaced */
    uint64_t bytes; /* of logs and kept files */
    bool settled;   /* all of them */
};
/* Read all of it; `file` (may be NULL) is called with each changed file and
 * each name, once per segment.  0, or -1 as journal_check(). */
int journal_measure(const struct journal_config *config, uint32_t generation,
                    struct journal_usage *usage,
                    void (*file)(void *arg, const char *path), void *arg,
                    struct ckpt_err *err);

struct journal;

/* Begin recording at segment `number`; there must be no such one yet.  The
 * config's strings must live as long. */
struct journal *journal_open(const struct journal_config *config,
                             uint32_t number, struct ckpt_err *err);
void journal_close(struct journal *journal);

/* Begin a new segment, and return its number in *number.  When nothing was
 * recorded since the last one began, that one goes on.  Lazy: nobody makes
 * changes meanwhile. */
int journal_begin(struct journal *journal, uint32_t *number,
                  struct ckpt_err *err);
/* Forget the segments before `number`; their states cannot be had again. */
int journal_prune(struct journal *journal, uint32_t number,
                  struct ckpt_err *err);
/* The job is done: forget everything. */
int journal_discard(struct journal *journal, struct ckpt_err *err);

/* --- before a change ------------------------------------------------------
 *
 * Each notes what it must; journal_ready() then makes the notes durable, and
 * the change may be made; journal_done() comes after it, successful or not.
 * When one of them fails, the change must not be made; journal_done() is
 * called all the same.
 */

/* `name` in directory `dirfd` is to be created, removed or replaced. */
int journal_name(struct journal *journal, int dirfd, const char *name,
                 struct ckpt_err *err);
/* These bytes of the file are to be changed. */
int journal_data(struct journal *journal, int fd, uint64_t offset, uint64_t len,
                 struct ckpt_err *err);
/* The file is to get this length. */
int journal_size(struct journal *journal, int fd, uint64_t size,
                 struct ckpt_err *err);
/* Mode, owner or times are to be changed, or another link to be made.  `fd`
 * may be O_PATH. */
int journal_attr(struct journal *journal, int fd, struct ckpt_err *err);

/* `fd` (may be -1): the file whose content or attributes are to be changed.
 * That others changed it since this journal's last change is noted, and a
 * roll-back will say so. */
int journal_ready(struct journal *journal, int fd, struct ckpt_err *err);

/* `fd` as for journal_ready(). */
void journal_done(struct journal *journal, int fd);
/* `name` in `dirfd` was made by us.  Called before journal_done(). */
void journal_made(struct journal *journal, int dirfd, const char *name);

/* A name was removed that had led to this inode (`st` is of just before). */
void journal_gone(struct journal *journal, const struct stat *st);

/* Lazy: all changes have ended and nobody makes any: note how everything that
 * was touched in this segment looks, so that a roll-back can tell what others
 * change from now on.  A segment that never was settled is not checked. */
void journal_settle(struct journal *journal);

/* A change was made that could not be noted: the segment can never be undone,
 * and roll-backs say `why`.  The next journal_begin() begins anew. */
void journal_lose(struct journal *journal, const char *why);
bool journal_is_lost(const struct journal *journal);

/* Nothing needs to be noted before [from, to) of this file is changed. */
bool journal_has(const struct journal *journal, const struct stat *st,
                 uint64_t from, uint64_t to);

/* What this segment holds of the past. */
uint64_t journal_bytes(const struct journal *journal);

/* Instead of the above: a directory is to be renamed. */
int journal_rename_dir(struct journal *journal, int from_dirfd,
                       const char *from, int to_dirfd, const char *to,
                       struct ckpt_err *err);

/* Links that the journal itself holds to this inode: less in st_nlink. */
unsigned journal_links(const struct journal *journal, const struct stat *st);

#endif
