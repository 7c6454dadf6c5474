/* cgroup.h - a control group for one job, where the machine lets us have one
 *
 * Version 2 below the group that we are in or its parent (which a login session
 * of systemd may delegate to its user), else version 1 below ours, controller
 * by controller.  It bounds the job's memory and number of threads.  What a
 * machine does not offer is left out; nice and resource limits stay.
 */
#ifndef CKPT_SCHEDULER_CGROUP_H
#define CKPT_SCHEDULER_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { CGROUP_DIRS = 2, CGROUP_THREADS = 4096 };

struct cgroup {
    char dirs[CGROUP_DIRS][PATH_MAX]; /* of this job; v1: one a controller */
    int ndirs;
    bool has_memory; /* the limit on memory holds */
};

/* Make the calling starter's group with at most so many bytes of memory (0: as
 * many as there are), and remove those of starters that were killed.  A group
 * may have no directory at all. */
void cgroup_make(struct cgroup *cgroup, uint64_t memory);

/* Put the calling process in.  Async-signal-safe but for its reading of
 * `cgroup`; for the child between fork and exec. */
void cgroup_join(const struct cgroup *cgroup);

/* How many processes of the group were killed for want of memory. */
unsigned cgroup_oom_kills(const struct cgroup *cgroup);

/* Remove it; all its processes have ended. */
void cgroup_remove(struct cgroup *cgroup);

#endif
