/* ask.h - asking a job to leave
 */
#ifndef CKPT_SCHEDULER_ASK_H
#define CKPT_SCHEDULER_ASK_H

#include <stdbool.h>
#include <sys/types.h>

/* Ask the job for a checkpoint and to exit with code 85 (lib/capture/
 * request.h).  Does not wait.  False when it is not under checkpointing. */
bool ask_to_leave(pid_t pid);

#endif
