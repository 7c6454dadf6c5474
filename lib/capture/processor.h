/* processor.h - what a processor does for a program and no image can hold
 *
 * Memory protection keys and shadow stacks: a restart could give neither back.
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_PROCESSOR_H
#define CKPT_CAPTURE_PROCESSOR_H

#include "lib/capture/memory.h"
#include "lib/common/err.h"

/* 0, or -1 with EBUSY when the program uses one of them. */
int ckpt_processor_refuse(const struct ckpt_memory *memory,
                          struct ckpt_err *err);

#endif
