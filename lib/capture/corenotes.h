/* corenotes.h - the standard notes of a core file, for debuggers
 *
 * gdb finds the threads, their registers and the mapped files in them; libckpt
 * itself reads none of them.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_CORENOTES_H
#define CKPT_CAPTURE_CORENOTES_H

#include "lib/capture/arena.h"
#include "lib/capture/memory.h"
#include "lib/capture/thread.h"
#include "lib/common/err.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"

/* At most this many notes for n threads. */
#define CKPT_CORE_NOTES(n) (3 * (n) + 3)

/* Append to notes[*count].  0, or -1 with ENOMEM. */
int ckpt_core_notes(struct ckpt_arena *arena, struct ckpt_note *notes,
                    size_t *count, const struct ckpt_process *process,
                    const struct ckpt_memory *memory,
                    const struct ckpt_thread *threads, struct ckpt_err *err);

#endif
