/* pending.h - signals that are pending, with their values
 *
 * The kernel shows what is pending only to who takes it: the captor takes every
 * signal of the process off the queues and puts it back in the same order.
 * Of the other threads only the set of directed signals is known.  All signals
 * are blocked meanwhile.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_PENDING_H
#define CKPT_CAPTURE_PENDING_H

#include "lib/common/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CKPT_PENDING_MAX = 256 };

struct ckpt_pending {
    size_t count;
    struct {
        siginfo_t info;
        bool directed; /* to the captor, not to the process */
    } entries[CKPT_PENDING_MAX];
};

/* 0, or -1 with EBUSY when there are too many. */
int ckpt_pending_look(struct ckpt_pending *pending, struct ckpt_err *err);

/* Queue them (again): in this process, to this thread. */
void ckpt_pending_queue(const struct ckpt_pending *pending);

/* The set of signals directed at thread `tid`. */
uint64_t ckpt_pending_directed(int tid);

#endif
