/* settings.h - what the daemons read from pool.conf
 *
 * Read once at a daemon's start, then const.
 */
#ifndef CKPT_SCHEDULER_SETTINGS_H
#define CKPT_SCHEDULER_SETTINGS_H

#include "lib/common/conf.h"
#include "lib/common/err.h"
#include "scheduler/core/hours.h"
#include "scheduler/core/policy.h"
#include "scheduler/pool/pooldir.h"

#include <stdint.h>

struct settings {
    char policy_name[64];
    const struct policy *policy;
    struct policy_params params; /* a policy's own, then what is given */
    bool balance;                /* move what runs */
    char load_from[PATH_MAX];    /* stands for /proc */
    char owner_devices[4096];    /* of this station */
    struct hours jobs_allowed;   /* on this station */
    double pressure_limit;       /* of memory, percent */
    double resume_idle_s;        /* owner away this long: job goes on */
    uint64_t poll_ms;
    double checkpoint_every_s;     /* at most, if checkpoint_auto */
    bool checkpoint_auto;          /* not set: chosen for each job */
    uint64_t checkpoint_bandwidth; /* bytes/s of one job, each way; 0: any */
    uint64_t home_bandwidth;       /* the same of all jobs of a home */
    uint64_t image_quota;          /* bytes of all images at home; 0: any */
    double hook_limit_s;           /* a command or mail may take so long */
    char mail_command[1024];
    uint64_t log_max; /* bytes of a daemon's log before it is put aside */
    uint32_t keep_images;
    uint32_t lease_s;    /* starter unheard of this long: lost */
    bool encrypt_files;  /* between job and shadow */
    uint64_t job_memory; /* bytes; 0: no limit */
    uint64_t job_disk;   /* bytes; 0: no limit */
    int job_nice;
    char job_user[64];      /* jobs run as, when we are root */
    char scratch[PATH_MAX]; /* where scratch directories are made */
    uint64_t cycle_ms;      /* how often a home with idle jobs asks */
    unsigned attempts;      /* failed starts in a row before a job is held */
    char listen[64];
    char coordinator[POOLDIR_ADDR_MAX + 1]; /* "on" or an address */
    char standby[POOLDIR_ADDR_MAX + 1];     /* "on", "off" or an address */
};

/* Settings that a policy brings (butler: no grace) stand unless the file has
 * them.  A policy that makes no sense in a pool is an error that says why.
 *
 * `station` ("" for none) chooses the values of its own.  -1 with EINVAL and
 * file:line in err for what is wrong in the file. */
int settings_read(struct settings *settings, const struct ckpt_conf *conf,
                  const char *dir, const char *station, struct ckpt_err *err);
/* The same of the pool's file. */
int settings_load(struct settings *settings, const struct pooldir *pool,
                  const char *station, struct ckpt_err *err);

#endif
