/* futex.h - wait for a word to change; async-signal-safe */
#ifndef CKPT_COMMON_FUTEX_H
#define CKPT_COMMON_FUTEX_H

#include "lib/common/sys.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
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

/* A lock between the threads of one process: 0 free, 1 taken, 2 taken and
 * somebody waits.  Not fair. */
static inline void ckpt_futex_lock(uint32_t *lock)
{
    uint32_t was = 0;

    if (__atomic_compare_exchange_n(lock, &was, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE) != 0)
        ckpt_futex_wait(lock, 2, -1);
}

static inline void ckpt_futex_unlock(uint32_t *lock)
{
    if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
        ckpt_sys(SYS_futex, lock, FUTEX_WAKE_PRIVATE, 1);
}

#endif
