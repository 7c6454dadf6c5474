/* job.h - the job as the starter's child
 *
 * Scratch directory (0700, the job's user's): "program" or "image", and
 * whatever the job makes there; removed afterwards.
 */
#ifndef CKPT_SCHEDULER_STARTER_JOB_H
#define CKPT_SCHEDULER_STARTER_JOB_H

#include "lib/common/err.h"
#include "lib/proto/boot.h"
#include "scheduler/starter/cgroup.h"
#include "scheduler/starter/disk.h"
#include "scheduler/starter/fileserver.h"
#include "scheduler/starter/frontend.h"
#include "scheduler/starter/slink.h"

#include <stdbool.h>
#include <sys/types.h>

struct job {
    const char *user;       /* to run as when we are root, or NULL */
    int nice;               /* its, and its session's */
    uint64_t memory;        /* it may have, in bytes; 0: all there is */
    struct disk disk;       /* the same of its scratch directory */
    shadow_start_ok start;  /* what to run */
    enum frontend frontend; /* when its files are mounted it has a view: */
    shadow_grants_ok grants;
    struct fileserver server;
    struct cgroup cgroup;
    pid_t pid; /* also its process group and session; 0: none */
    int wait_status;
    uint64_t cpu_usec; /* once it has ended */
    int complaint_fd;  /* what `ckpt restart` says before it has become the
                          program; -1: not a restart */
};

enum job_change { JOB_NOTHING, JOB_STOPPED, JOB_CONTINUED, JOB_ENDED };

/* Bring program or image into the scratch directory. */
int job_fetch(struct job *job, struct slink *shadow, const char *scratch,
              struct ckpt_err *err);

/* Start it.  When this fails no process is left. */
int job_start(struct job *job, const struct ckpt_boot *boot,
              const char *scratch, struct ckpt_err *err);

/* Its files are mounted. */
static inline bool job_mounted(const struct job *job)
{
    return job->frontend != FRONTEND_TRAP;
}

/* The next thing that happened to it.  On JOB_ENDED wait_status is set and no
 * process of its group is left. */
enum job_change job_look(struct job *job);

/* After JOB_ENDED: it was no end of the program, the image could not be
 * restarted.  The reason goes to text; it begins with "damaged image" when the
 * image itself is at fault. */
bool job_restart_failed(struct job *job, const char *scratch, char *text,
                        size_t size);

/* After JOB_ENDED: it was killed because it wanted more than `memory`. */
bool job_wanted_memory(const struct job *job);

/* After JOB_ENDED and all questions. */
void job_clear(struct job *job);

/* Used on this machine so far. */
uint64_t job_cpu_usec(const struct job *job);

void job_kill(struct job *job);
void job_signal(struct job *job, int sig);

#endif
