/* parent.h - when the program cannot be this process, but only its child
 *
 *     caller - ckpt restart -+- the program   (its old process id)
 *                            +- the minder    (the first process of a new pid
 *                                              namespace, when there is one)
 *
 * ckpt restart hands on the signals that are sent to it, and the way the
 * program stops and ends.  The minder is there for what ckpt restart cannot do
 * itself: when that is stopped (SIGSTOP) it stops the program too; and children
 * that the program leaves behind live on under it.
 */
#ifndef CKPT_RESTART_PARENT_H
#define CKPT_RESTART_PARENT_H

#include "lib/common/err.h"
#include "lib/restart/namespace.h"

#include <sys/types.h>

/* Returns 0 in a child with process id `pid` in the namespaces of `ns`, which
 * is to become the program.  The caller's process ends as that child ends, and
 * the child is killed when it is.  -1 with err when that is not possible. */
int ckpt_parent_fork(const struct ckpt_namespace *ns, pid_t pid,
                     struct ckpt_err *err);

#endif
