/* timers.h - the POSIX timers of the program (timer_create)
 *
 * Seen in the stopped program, and made again, with the same ids, in the
 * revived one, when its threads are there.  libckpt's own timers, which carry
 * an address inside ckpt_capture_state, are left out.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_TIMERS_H
#define CKPT_CAPTURE_TIMERS_H

#include "lib/capture/arena.h"
#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

struct ckpt_thread;

enum { CKPT_TIMERS_MAX = 256 };

struct ckpt_timer {
    int32_t id, clock;
    int32_t signal, notify;     /* of its sigevent */
    uint64_t value;             /* of its signal */
    struct ckpt_thread *thread; /* the signal goes to; NULL: the process */
    uint64_t left_ns;           /* 0: not running */
    uint64_t interval_ns;
};

struct ckpt_timers {
    struct ckpt_timer entries[CKPT_TIMERS_MAX];
    size_t count;
};

/* 0, or -1 with EBUSY and the timer named that cannot be made again. */
int ckpt_timers_look(struct ckpt_timers *timers, struct ckpt_arena *arena,
                     struct ckpt_err *err);

/* 0, or -1 with err.  Before libckpt makes timers of its own. */
int ckpt_timers_make(const struct ckpt_timers *timers, struct ckpt_err *err);

#endif
