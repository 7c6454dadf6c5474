/* changes.h - copy the pages that have changed
 *
 * The program stands still for it, so that all of its processors are free: the
 * work is divided among a few threads (image/workers.h).  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_CHANGES_H
#define CKPT_CAPTURE_CHANGES_H

#include "lib/capture/arena.h"
#include "lib/capture/dirty.h"
#include "lib/capture/memory.h"

/* Copy what has changed to `to`, runs->changed_bytes long, and set the runs'
 * `data`.  Uses what is left of the arena meanwhile. */
void ckpt_changes_copy(struct ckpt_runs *runs, const struct ckpt_memory *memory,
                       uint8_t *to, const struct ckpt_arena *arena);

#endif
