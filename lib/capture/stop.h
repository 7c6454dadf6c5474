/* stop.h - bring all threads of the process to a halt, and let them go
 *
 *     captor (any thread)              every other thread
 *     -------------------              ------------------
 *     ckpt_stop_all  -- signal -->     handler: ckpt_stop_park
 *        waits until all are parked       describes itself, saves its context
 *     ... captures ...                    sleeps on a futex
 *     ckpt_stop_release -- wake -->       returns from the handler
 *
 * After a restart each thread wakes up inside ckpt_stop_park with its context
 * resumed, registers itself with the new kernel, and sleeps until the release
 * as before.  All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_STOP_H
#define CKPT_CAPTURE_STOP_H

#include "lib/capture/thread.h"
#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Stop all threads but the caller by queueing signal `sig` to each; wait until
 * each is parked.  0, or -1 with EBUSY and the thread that would not stop
 * (then all have been released again). */
int ckpt_stop_all(int sig, struct ckpt_thread *self, struct ckpt_err *err);

/* Whether this signal is a call to park, and not one that has been overtaken.
 * `value` is si_value.sival_ptr. */
bool ckpt_stop_is_call(const void *value);
bool ckpt_stop_in_progress(void);

/* Park the calling thread until the release. */
void ckpt_stop_park(void *ucontext);

/* Have a parked thread call errand(thread), and wait until it has. */
void ckpt_stop_ask(struct ckpt_thread *thread,
                   void (*errand)(struct ckpt_thread *thread));

void ckpt_stop_release(void);

/* The parked threads and the captor, linked by `next`; valid between stop and
 * release. */
struct ckpt_thread *ckpt_stop_threads(size_t *count);

/* In the revived process: wait until all threads are parked again. */
void ckpt_stop_wait_revived(void);

#endif
