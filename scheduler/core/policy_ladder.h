/* policy_ladder.h - what a station does with a job as its owner comes and goes
 *
 *             owner back             grace over            limit over
 *   RUNNING -------------> SUSPENDED -----------> VACATING ----------> KILLED
 *      ^                       |
 *      +----- owner left ------+
 *
 * One ladder for all (ruling 1): Condor's waits suspend_grace_s first, since
 * owners often leave again at once (CON-7); with grace 0 it is Sprite's and
 * V's; with limit 0 as well it is Butler's kill.  Checkpoints of a vacated
 * job go home or straight to a granted station; that is not decided here.
 */
#ifndef CKPT_POLICY_LADDER_H
#define CKPT_POLICY_LADDER_H

#include "scheduler/core/policy.h"

enum policy_rung {
    POLICY_RUNG_RUNNING,
    POLICY_RUNG_SUSPENDED,
    POLICY_RUNG_VACATING
};

enum policy_ladder_do {
    POLICY_LADDER_WAIT,    /* as it is; look again at `again` */
    POLICY_LADDER_SUSPEND, /* stop it at once */
    POLICY_LADDER_RESUME,  /* let it go on here */
    POLICY_LADDER_VACATE,  /* checkpoint and leave */
    POLICY_LADDER_KILL     /* it has had its time: kill it */
};

struct policy_ladder_step {
    enum policy_ladder_do what;
    double again; /* when time alone changes the answer; infinity: never */
};

/* What next?  `since` is when the job came to this rung. */
struct policy_ladder_step policy_ladder_next(const struct policy_params *par,
                                             enum policy_rung rung,
                                             double since, bool owner_here,
                                             double now);

/* Is the owner away, in the sense that a job may start (CON-1): no input for
 * idle_start_s and load of others at most load_start?  `why` (may be NULL)
 * gets a reason that lives for ever. */
bool policy_station_idle(const struct policy_params *par, double owner_idle_s,
                         double load_of_others, const char **why);

#endif
