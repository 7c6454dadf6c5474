/* kept.h - the program's side of --files save (lib/keep)
 */
#ifndef CKPT_CAPTURE_KEPT_H
#define CKPT_CAPTURE_KEPT_H

#include "lib/common/err.h"

#include <stdint.h>

/* Before main, with its arguments.  Where CKPT_FILES wants files kept and there
 * is no keeper yet, the program is started again by `ckpt run`, which makes
 * one: then this does not return.  0, or -1. */
int ckpt_kept_start(char **argv, struct ckpt_err *err);

/* In the revived program: the keeper is another one. */
void ckpt_kept_revive(void);

/* All threads are stopped: a new state of the files begins, that of the image
 * with this id.  *number is 0 when files are not kept.  Async-signal-safe. */
int ckpt_kept_begin(const uint8_t *id, uint32_t *number, struct ckpt_err *err);

/* That image is durable; so many of its row stay (0: it is not of the row).
 * Also in a forked child. */
void ckpt_kept_commit(uint32_t images);

#endif
