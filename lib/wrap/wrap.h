/* wrap.h - the few libc names that stand in front of libc's
 *
 * CKPT_WRAPPED in lib/libckpt.mk lists them all.
 */
#ifndef CKPT_WRAP_WRAP_H
#define CKPT_WRAP_WRAP_H

#include "lib/common/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* libc's sigaction(), for libckpt's own handlers. */
int ckpt_wrap_sigaction(int sig, const struct sigaction *action);

/* The signal belongs to libckpt. */
bool ckpt_wrap_reserved(int sig);

/* Nobody handles or ignores the signal. */
bool ckpt_wrap_is_free(int sig);

/* A signal mask without what must never be blocked. */
uint64_t ckpt_wrap_mask(uint64_t mask);

/* Give a signal that is no request to the handler that the program has set for
 * it.  False when there is none. */
bool ckpt_wrap_deliver(int sig, siginfo_t *info, void *ucontext);

/* The handler of the checkpoint signal is about to return to `ucontext`: a call
 * that it alone interrupted is made again, or told so (wait.h). */
void ckpt_wrap_interrupted(void *ucontext);

/* Refuse a checkpoint while the program has System V semaphores or message
 * queues. */
int ckpt_wrap_sysv(struct ckpt_err *err);

/* The program was away for this long, by the monotonic clocks of its machines
 * (may be negative). */
void ckpt_wrap_away(int64_t shift_ns);

#endif
