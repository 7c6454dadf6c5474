/* start.h - from a job's directory to a shadow that may serve it */
#ifndef CKPT_SHADOW_START_H
#define CKPT_SHADOW_START_H

#include "shadow/server.h"

/* Take the directory: the lock, the log, job.conf, the epoch.  -1 with EBUSY
 * when another shadow has it: then nothing was touched. */
int start_directory(struct shadow *shadow, struct ckpt_err *err);

/* What survives a kill: new, or, when shadow->revived, what is there. */
int start_survive(struct shadow *shadow, struct ckpt_err *err);

/* Bring the files to the state of the newest image, and begin to record.  One
 * that was revived leaves them as they are. */
int start_files(struct shadow *shadow, struct ckpt_err *err);

/* Open what the job may use: grants, standard streams, executable. */
int start_grants(struct shadow *shadow, struct ckpt_err *err);

#endif
