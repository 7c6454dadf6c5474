/* wait.h - waits of the program that libckpt interrupts and takes up again
 *
 * A system call of sleep.c or sigwait.c is made by CKPT_WAIT_CALL.  When a
 * signal of libckpt's was all that interrupted it, ckpt_wait_again() says so of
 * its result, and the caller goes on with the time that is left.
 */
#ifndef CKPT_WRAP_WAIT_H
#define CKPT_WRAP_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { CKPT_WAIT_NS = 1000000000 };

struct ckpt_wait {
    bool timed;
    int64_t end_ns; /* by the monotonic clock, less the time away */
};

/* A wait that begins now; for ever when `ns` is negative. */
struct ckpt_wait ckpt_wait_for(int64_t ns);

/* What is left of it: never negative; for ever is -1 ms and NULL. */
int64_t ckpt_wait_left_ns(const struct ckpt_wait *w);
int ckpt_wait_left_ms(const struct ckpt_wait *w);
const struct timespec *ckpt_wait_left(const struct ckpt_wait *w,
                                      struct timespec *ts);

/* Valid to the kernel; in nanoseconds, no more than ~70 years of them. */
bool ckpt_wait_valid(const struct timespec *ts);
int64_t ckpt_wait_ns(const struct timespec *ts);

/* One system call of the program, as a cancellation point: its result, or
 * -errno. */
#define CKPT_WAIT_CALL(...) ckpt_wait_call_(__VA_ARGS__, 0, 0, 0, 0, 0)
long ckpt_wait_call_(long nr, long a, long b, long c, long d, long e, ...);

/* The result of a call that libckpt alone interrupted. */
bool ckpt_wait_again(long rc);

#endif
