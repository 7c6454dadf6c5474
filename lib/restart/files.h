/* files.h - the descriptors of the program, opened again
 *
 * Opening and checking come first and change nothing; ckpt_files_commit() then
 * puts the descriptors at their numbers and rolls the files back.
 */
#ifndef CKPT_RESTART_FILES_H
#define CKPT_RESTART_FILES_H

#include "lib/common/err.h"
#include "lib/image/notes.h"

#include <stdbool.h>

struct ckpt_files {
    const struct ckpt_notes *notes;
    int *opened; /* for each open file description, a temporary descriptor */
    int (*spare)[2]; /* the same, of what comes in pairs, or by copies */
    int base;        /* temporary ones are at or above this number */
};

/* Before all others: 0, or -1 with ENOMEM. */
int ckpt_files_begin(struct ckpt_files *files, const struct ckpt_notes *notes,
                     struct ckpt_err *err);

/* A descriptor, to be closed by the caller, of the open file without a name
 * that had this identity; -1 when none had, -2 with err. */
int ckpt_files_nameless(struct ckpt_files *files, uint64_t dev, uint64_t ino,
                        bool writable, struct ckpt_err *err);

/* 0, or -1: ESTALE when a file is not what it was (unless `force`), ENOENT and
 * the like when it cannot be opened; the file is named. */
int ckpt_files_open(struct ckpt_files *files, bool force, struct ckpt_err *err);

/* Cut off what was appended since; put every descriptor in its place; close
 * all others except `keep` (-1: none), which is moved out of the way if need
 * be.  Returns the number that `keep` has then, or -1. */
int ckpt_files_commit(struct ckpt_files *files, int keep, struct ckpt_err *err);

/* The terminals of the program get their modes again, in its descriptors; with
 * SIGTTOU blocked.  Only when ckpt_files_in_foreground() said so before any
 * namespace was entered: in the background they are somebody else's. */
void ckpt_files_set_terminals(const struct ckpt_notes *notes);
bool ckpt_files_in_foreground(void);

#endif
