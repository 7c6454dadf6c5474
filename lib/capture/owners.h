/* owners.h - locks that are held and know their owner by its id
 *
 * libc's mutexes of the kinds recursive, error-checking, robust and priority
 * inheritance, and read-write locks held for writing, hold the thread id of
 * their owner: under another id it could not release them.  The kernel knows
 * nothing of them, so they are looked for in what is saved (decision 13).
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_OWNERS_H
#define CKPT_CAPTURE_OWNERS_H

#include "lib/capture/memory.h"
#include "lib/capture/thread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckpt_held_lock {
    uint64_t at; /* of the word that holds the id */
    int32_t tid;
};

/* The first one in the segments of `memory` that one of the threads holds. */
bool ckpt_owners_find(const struct ckpt_memory *memory,
                      const struct ckpt_thread *threads,
                      struct ckpt_held_lock *found);

/* The same in `len` bytes (a multiple of 64, aligned so), which the program has
 * at `vaddr`. */
bool ckpt_owners_find_in(const void *data, size_t len, uint64_t vaddr,
                         const struct ckpt_thread *threads,
                         struct ckpt_held_lock *found);

/* A thread has its id in a register: it may be about to write it into a lock.
 * found->at is 0. */
bool ckpt_owners_taking(const struct ckpt_thread *threads,
                        struct ckpt_held_lock *found);

#endif
