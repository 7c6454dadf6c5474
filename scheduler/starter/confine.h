/* confine.h - what a job may not do on the machine that lends itself
 *
 * Called in the job's process between fork and exec.  The job gets a session
 * and process group of its own, the lowest priority, no core dumps, no
 * privileges (and another user, when we are root), and, where the kernel has
 * Landlock, no file but those of the system (to read and execute) and its
 * scratch directory, and not the calls that lead around that.  It dies with its
 * parent.
 */
#ifndef CKPT_SCHEDULER_CONFINE_H
#define CKPT_SCHEDULER_CONFINE_H

#include "lib/common/err.h"
#include "lib/proto/shadow.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct confine {
    const char *scratch; /* the directory the job starts in */
    int program_fd;      /* a program outside it that it may execute, or -1 */
    bool change_user;    /* to uid and gid, with no other groups */
    uid_t uid;
    gid_t gid;
    pid_t parent;    /* ours: the job dies when it does */
    int nice;        /* and its session's */
    uint64_t memory; /* bytes of data, where no control group bounds it; or 0 */
    const shadow_grants_ok *mounted; /* it is in a view (view.h), or NULL */
};

/* Confine the calling process.  -1 with errno and err when something that must
 * hold could not be done; a kernel without Landlock is no failure. */
int confine_self(const struct confine *confine, struct ckpt_err *err);

/* Where the kernel makes a group of every session (sched_autogroup), nice
 * counts within the session alone, and the session has a value of its own.
 * Written for the job by its parent: before exec it is a copy of that, which
 * keeps secrets, so its files in /proc are root's.  Without privilege it can be
 * written ten times in a second by all of the machine: may take two seconds. */
void confine_session(pid_t pid, int nice);

/* Take calls away, for ever (confine_calls.c); those of a job in a view that
 * its library would refuse, too.  -1 with errno. */
int confine_calls(bool mounted, struct ckpt_err *err);

/* The kernel's Landlock version, 0: none. */
int confine_landlock_version(void);

#endif
