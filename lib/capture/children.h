/* children.h - a program with children cannot be saved
 *
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_CHILDREN_H
#define CKPT_CAPTURE_CHILDREN_H

#include "lib/common/err.h"

/* 0 when the process has no child of any kind, be it one that has ended and was
 * not waited for; else -1 with EBUSY, and one of them named.  Writers of images
 * that it left behind at an execve() are waited for. */
int ckpt_children_refuse(struct ckpt_err *err);

#endif
