/* pending.h - signals that are pending, with their values
 *
 * The kernel shows what is pending only to who takes it.  So the captor takes
 * every signal of the process, and every thread those that are directed at it,
 * off the queues, and puts them back in the same order.  All signals are
 * blocked meanwhile.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_PENDING_H
#define CKPT_CAPTURE_PENDING_H

#include "lib/common/err.h"

#include <signal.h>
#include <stddef.h>

struct ckpt_thread;

enum { CKPT_PENDING_MAX = 256 };

struct ckpt_pending {
    size_t count;
    struct {
        siginfo_t info;
        struct ckpt_thread *thread; /* it is directed at; NULL: the process */
    } entries[CKPT_PENDING_MAX];
};

/* In the captor, when all others are parked: fill in
 * ckpt_capture_state.pending.  0, or -1 with EBUSY when there are too many. */
int ckpt_pending_look(struct ckpt_err *err);

/* Queue again what was directed at `thread`, the caller, in the revived
 * process. */
void ckpt_pending_queue(struct ckpt_thread *thread);

/* Queue again those of the process. */
void ckpt_pending_queue_process(void);

#endif
