/* workers.h - a few threads for one piece of work
 *
 * Raw threads, made and ended here: a child of fork() from an arbitrary
 * instant has no usable threads of libc's, nor has a program that is stopped.
 * They share the caller's thread-local memory, errno for one, so what they run
 * returns its errors and calls nothing of libc but memcpy and the like.  All
 * signals are the caller's business: they have its mask.
 */
#ifndef CKPT_IMAGE_WORKERS_H
#define CKPT_IMAGE_WORKERS_H

#include <stddef.h>
#include <stdint.h>

enum { CKPT_WORKERS_MAX = 32, CKPT_WORKER_STACK = 128 << 10 };

/* Call fn(arg, i) for 0 <= i < n at the same time, fn(arg, 0) in the calling
 * thread, and return when all have.  `stacks` has (n - 1) * CKPT_WORKER_STACK
 * bytes, 16-byte aligned.  Where the system allows fewer threads there are
 * fewer: only fn(arg, 0) is certain.  n <= CKPT_WORKERS_MAX. */
void ckpt_workers_run(unsigned n, void (*fn)(void *arg, unsigned i), void *arg,
                      uint8_t *stacks);

/* The processors that this process may use. */
unsigned ckpt_workers_cpus(void);

#endif
