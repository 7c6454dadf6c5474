/* err.h - one error record, written where the failure is seen
 *
 * Functions that can fail for a reason a person should read take a `struct
 * ckpt_err *` as their last argument (NULL is allowed).  They return -1 or
 * NULL with errno set, and leave one line of text in the record.  Callers on
 * the way up may prefix it; whoever stands at the edge prints it once.
 *
 * All functions here may be called in a signal handler and while other
 * threads are stopped: they neither allocate nor lock.  For that reason the
 * formats must not use floating point or wide characters.
 */
#ifndef CKPT_COMMON_ERR_H
#define CKPT_COMMON_ERR_H

struct ckpt_err {
    char text[512];
};

/* Set the text and errno (to `errnum`).  Returns -1. */
int ckpt_err_set(struct ckpt_err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Set the text followed by ": " and the description of errno; keeps errno.
 * Returns -1. */
int ckpt_err_sys(struct ckpt_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "prefix: " before the text that is there; keeps errno.  Returns -1. */
int ckpt_err_prefix(struct ckpt_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
