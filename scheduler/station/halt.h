/* halt.h - to stop a job at once
 *
 * A stop signal takes effect when a process would run next, for then it looks
 * at its signals before it does anything else.  At the lowest priority beside
 * an owner's busy programs that may take a second; it does nothing meanwhile,
 * but is not stopped either.  With the privilege to (CAP_SYS_NICE) its threads
 * are made to run at once, into the stop.
 */
#ifndef CKPT_SCHEDULER_HALT_H
#define CKPT_SCHEDULER_HALT_H

#include <sys/types.h>

/* Send SIGSTOP to the process group `pid`, and see that its leader's threads
 * heed it.  Takes a few milliseconds at most. */
void halt_job(pid_t pid);

#endif
