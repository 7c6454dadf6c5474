/* request_find.h - which process a request is for, and from where to ask it
 *
 * A program whose ids were kept over a restart is a child of `ckpt restart`,
 * perhaps in a pid and user namespace of its own (lib/restart/ids.h).  It can
 * be named by its own id, or by that of `ckpt restart`.  It opens a
 * descriptor of the asker's through /proc, so it must be asked from within its
 * namespaces.  Ordinary code.
 */
#ifndef CKPT_CAPTURE_REQUEST_FIND_H
#define CKPT_CAPTURE_REQUEST_FIND_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* What `ckpt restart` calls itself (comm) while it is a program's parent. */
#define CKPT_PARENT_COMM "ckpt-parent"

struct ckpt_request_target {
    pid_t pid;      /* as seen from here */
    pid_t inner;    /* as seen from its own pid namespace */
    int signal;     /* that its marker names */
    bool elsewhere; /* its pid or user namespace is not ours */
};

/* 0, or -1: ESRCH when there is no process `pid`, ENOTSUP when it is not under
 * checkpointing.  Waits up to a second for a program that is just being
 * started. */
int ckpt_request_find(pid_t pid, struct ckpt_request_target *target,
                      struct ckpt_err *err);

/* The checkpoint signal that the process's marker names; 0: it has none, -1
 * with errno: it cannot be looked at. */
int ckpt_request_marker(pid_t pid);

/* The process has ended, with all its threads. */
bool ckpt_request_gone(pid_t pid);

/* Go where the target is; only a child of the caller is there wholly.  0, or
 * -1 with err. */
int ckpt_request_go(const struct ckpt_request_target *target,
                    struct ckpt_err *err);

#endif
