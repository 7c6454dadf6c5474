/* namespace.h - namespaces in which an image's ids are free and its clocks
 * have not run back
 */
#ifndef CKPT_RESTART_NAMESPACE_H
#define CKPT_RESTART_NAMESPACE_H

#include "lib/common/err.h"

#include <stdint.h>
#include <sys/types.h>

struct ckpt_namespace {
    int flags;            /* CLONE_NEW* of unshare(2); 0: none */
    int64_t monotonic_ns; /* added to the clocks, with CLONE_NEWTIME */
    int64_t boottime_ns;
};

/* Leave the namespaces that are named for new ones: this process, and for
 * process ids and time its children only.  In a new user namespace it keeps
 * its user and group id.  0, or -1 with err; then the process is of no use any
 * more, so ask ckpt_namespace_works() before. */
int ckpt_namespace_enter(const struct ckpt_namespace *ns, struct ckpt_err *err);

/* The caller's effective capabilities. */
uint64_t ckpt_capabilities(void);

/* Mount a fresh /proc, in the first process of a new pid namespace. */
int ckpt_namespace_mount_proc(struct ckpt_err *err);

/* Make a child with process id `pid`, as fork() does. */
pid_t ckpt_namespace_fork(pid_t pid);

/* Whether all of this works, with a child of id `pid` (0: any) at the end;
 * tried in a child.  0, or -1 with the cause. */
int ckpt_namespace_works(const struct ckpt_namespace *ns, pid_t pid,
                         struct ckpt_err *err);

#endif
