/* notify.h - when the owner of a job is to be told, and how
 *
 * A command (`--on-done`) runs at home when the job has left the queue:
 * completed or removed.  Mail goes out as HTCondor's `notification` says:
 *
 *     never     the default
 *     complete  when it has ended by itself
 *     error     when it has ended with another exit code than 0 or by a
 *               signal, or is held
 *     always    in all of these cases, and when it is removed
 *
 * Pure.
 */
#ifndef CKPT_SCHEDULER_NOTIFY_H
#define CKPT_SCHEDULER_NOTIFY_H

#include "scheduler/core/job.h"

/* Kept in queue.db: append, never renumber. */
enum notify_how { NOTIFY_COMMAND = 1, NOTIFY_MAIL = 2 };

/* One of the words above, in any case.  0, or -1 with EINVAL naming them. */
int notify_check(const char *word, struct ckpt_err *err);

/* Is it due for the state that the job has just come to? */
bool notify_due(const struct job *job, enum notify_how how);

/* "ended with exit code 3", "was killed by signal 9", "was removed", "is held
 * (files)"; what a completed, removed or held job has come to. */
void notify_outcome(const struct job *job, char *buf, size_t size);

#endif
