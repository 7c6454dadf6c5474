/* settings.h - what the daemons read from pool.conf
 *
 * Read once at a daemon's start, then const.
 */
#ifndef CKPT_SCHEDULER_SETTINGS_H
#define CKPT_SCHEDULER_SETTINGS_H

#include "lib/common/err.h"
#include "scheduler/core/policy.h"
#include "scheduler/pool/pooldir.h"

#include <stdint.h>

struct settings {
    char policy_name[64];
    const struct policy *policy;
    struct policy_params params; /* idle_start, load_start, the ladder */
    char owner_devices[4096];    /* of this station */
    double resume_idle_s;        /* owner away this long: job goes on */
    uint64_t poll_ms;
    double checkpoint_every_s;
    uint32_t keep_images;
    uint32_t lease_s;       /* starter unheard of this long: lost */
    char job_user[64];      /* jobs run as, when we are root */
    char scratch[PATH_MAX]; /* where scratch directories are made */
    uint64_t cycle_ms;      /* how often a home with idle jobs asks */
    unsigned attempts;      /* failed starts in a row before a job is held */
    char listen[64];
};

/* `station` ("" for none) chooses the values of its own.  -1 with EINVAL and
 * file:line in err for what is wrong in the file. */
int settings_load(struct settings *settings, const struct pooldir *pool,
                  const char *station, struct ckpt_err *err);

#endif
