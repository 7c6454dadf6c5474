/* kept.h - files that go back in time with the program (--files save) */
#ifndef CKPT_RESTART_KEPT_H
#define CKPT_RESTART_KEPT_H

#include "lib/image/notes.h"
#include "lib/keep/keep.h"
#include "lib/restart/restart.h"

/* Put the files back to the state of the image, and start the keeper that
 * watches what comes; nothing when the image's files are only tracked.  Before
 * the process goes into namespaces, where the keeper must not be.  0, or -1. */
int ckpt_kept_put_back(struct ckpt_keep *keep, const struct ckpt_notes *notes,
                       const struct ckpt_restart_options *options,
                       struct ckpt_err *err);

#endif
