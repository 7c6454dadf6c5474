/* process.h - what belongs to the process as a whole, set again */
#ifndef CKPT_RESTART_PROCESS_H
#define CKPT_RESTART_PROCESS_H

#include "lib/bare/bare.h"
#include "lib/common/err.h"
#include "lib/image/notes.h"

/* Whether this machine and kernel can run the image: page size, processor
 * features.  0, or -1 with ENOTSUP and what is missing. */
int ckpt_process_check(const struct ckpt_notes *notes, struct ckpt_err *err);

/* Working directory, umask, priority: may fail, changes nothing that matters
 * to others. */
int ckpt_process_prepare(const struct ckpt_notes *notes, struct ckpt_err *err);

/* Signal actions (all signals are blocked first), interval timers, limits;
 * leave rseq.  Cannot fail; the process is the program's from here on. */
void ckpt_process_commit(const struct ckpt_notes *notes);

/* Fill in what the kernel should know of the new memory. */
void ckpt_process_mm(const struct ckpt_notes *notes,
                     struct ckpt_bare_plan *plan);

#endif
