/* futex.h - wait for a word to change; async-signal-safe */
#ifndef CKPT_COMMON_FUTEX_H
#define CKPT_COMMON_FUTEX_H

#include "lib/common/sys.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <time.h>

/* Sleep while *word == value, at most timeout_ms (negative: for ever).  May
 * wake early. */
static inline void ckpt_futex_wait(uint32_t *word, uint32_t value,
                                   int timeout_ms)
{
    struct timespec ts = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};

    ckpt_sys(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
             timeout_ms < 0 ? NULL : &ts);
}

static inline void ckpt_futex_wake_all(uint32_t *word)
{
    ckpt_sys(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

#endif
