/* filters.h - system call filters (seccomp) of the program's own
 *
 * The kernel shows nobody what they do, so they cannot be made again.  Those
 * that the program was started under are the surroundings'.
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_FILTERS_H
#define CKPT_CAPTURE_FILTERS_H

#include "lib/capture/thread.h"
#include "lib/common/err.h"

/* How many the calling thread is under. */
int32_t ckpt_filters_count(void);

/* 0, or -1 with EBUSY: one of the threads is under more than `at_start`. */
int ckpt_filters_refuse(const struct ckpt_thread *threads, int32_t at_start,
                        struct ckpt_err *err);

#endif
