/* process.h - what belongs to the process as a whole; async-signal-safe */
#ifndef CKPT_CAPTURE_PROCESS_H
#define CKPT_CAPTURE_PROCESS_H

#include "lib/common/err.h"
#include "lib/image/notes.h"

/* Fill in the note.  `signal` is libckpt's own and left out of the signal
 * actions.  0, or -1: EBUSY when the process has children, or what /proc
 * left. */
int ckpt_process_look(struct ckpt_process *process, int signal,
                      struct ckpt_err *err);

/* Fill in the parts of META that describe machine and moment. */
void ckpt_meta_look(struct ckpt_meta *meta);

#endif
