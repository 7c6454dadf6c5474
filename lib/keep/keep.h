/* keep.h - the keeper: a program's files can go back in time with it
 *
 *     program (and its children)              keeper
 *       open, write, rename, ...  --seccomp-->  note in the journal what the
 *          waits                                 change will destroy, durably
 *       the kernel goes on with it  <---------  "continue"
 *
 * The keeper is a process of its own, beside the program and not its child.  It
 * sees the calls that change files by a seccomp filter with user notification
 * (Linux 5.9), notes in an undo journal (lib/undo) what they will destroy, and
 * lets the kernel carry them out.  The filter holds for children and what they
 * execute, too.  The keeper ends when all of them have ended.
 *
 *     DIR/journal/N/   what to undo to go back to state N (lib/undo/journal.h)
 *     DIR/images       which image is of which state: "N ID" lines
 *     DIR/lock         held by the keeper; has the program's pid
 *     DIR/conflicts/   files that others changed, set aside by a forced restart
 *
 * A state begins at the instant of a checkpoint, while all threads are stopped,
 * and its image's id is in DIR/images before the image gets its name: that
 * renaming is the commit of both.  Going back to an image undoes all segments
 * down to its state, so images newer than it cannot be gone back to any more.
 */
#ifndef CKPT_KEEP_KEEP_H
#define CKPT_KEEP_KEEP_H

#include "lib/common/err.h"
#include "lib/image/notes.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CKPT_KEEP_LIMIT (4ull << 30)

struct ckpt_keep {
    char dir[PATH_MAX - 300];
    char log[PATH_MAX]; /* a file that gets a line for each event, or "" */
    uint64_t limit;     /* bytes kept between two checkpoints */
    uint32_t number;    /* the state that recording begins at */
    int lock;           /* or -1 */
    int sock;           /* to the keeper, or -1 */
    pid_t pid;          /* the keeper's */
};

/* Take the directory, made when it is not there.  0, or -1: EBUSY when a
 * program that uses it is still running. */
int ckpt_keep_open(struct ckpt_keep *keep, const char *dir,
                   struct ckpt_err *err);
void ckpt_keep_close(struct ckpt_keep *keep);

/* A new program: what it changes comes on top of what is kept.  `anew`: no
 * image is there, so forget it instead. */
int ckpt_keep_fresh(struct ckpt_keep *keep, bool anew, struct ckpt_err *err);

/* How to put files back. */
struct ckpt_keep_back {
    uint32_t number; /* the image's state and id */
    const uint8_t *id;
    bool force;                     /* set aside what others changed */
    const char *const *shared;      /* journal.h: set aside in any case */
    void (*tell)(const char *text); /* what others changed */
};
/* Put the files back to the state of an image.  Refused with ESTALE, nothing
 * touched, when that cannot be, or when others changed files meanwhile. */
int ckpt_keep_rollback(struct ckpt_keep *keep,
                       const struct ckpt_keep_back *back, struct ckpt_err *err);

/* Start the keeper.  It waits for ckpt_keep_watch(), and ends when this
 * process does before. */
int ckpt_keep_start(struct ckpt_keep *keep, struct ckpt_err *err);

/* From here on this process (one thread), what it executes and what it forks
 * is kept. */
int ckpt_keep_watch(struct ckpt_keep *keep, struct ckpt_err *err);

/* The state of the image is known there.  0, or -1 with ESTALE. */
int ckpt_keep_find(const char *dir, uint32_t number,
                   const uint8_t id[CKPT_ID_LEN], struct ckpt_err *err);

#endif
