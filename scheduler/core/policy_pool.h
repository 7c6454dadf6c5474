/* policy_pool.h - a policy in a real pool, where each station takes one job
 *
 * Jobs wait at home and run on idle stations; a home runs nothing itself.
 * policy_negotiate() (policy.h) places what waits, by the policy's location
 * and information rules; policy_rebalance() moves what runs, by all four.
 * Policies that would leave every job waiting, or exist for comparison only,
 * are refused here, with the reason.
 */
#ifndef CKPT_POLICY_POOL_H
#define CKPT_POLICY_POOL_H

#include "scheduler/core/policy.h"

#define POLICY_TARGETS_MAX 32 /* stations that one balancing looks at */
#define POLICY_VISITS_MAX 64  /* stations that are asked in one balancing */

/* Why the policy makes no sense in a pool; NULL: it does. */
const char *policy_pool_refusal(const struct policy *policy);

/* Why it cannot move jobs that run; NULL: it can. */
const char *policy_live_refusal(const struct policy *policy);

/* How many idle stations are looked at to place one job: what is probed, or
 * known by gossip or adverts; all where there is a table. */
uint32_t policy_pool_looks(const struct policy *policy,
                           const struct policy_params *par);

/* Does the job's side never look for a station, but stations for jobs? */
bool policy_pool_fetches(const struct policy *policy,
                         const struct policy_view *view);

struct policy_move {
    uint32_t job;  /* index into jobs */
    uint32_t from; /* stations */
    uint32_t to;
};

struct policy_pool {
    const struct policy_station *stations; /* the i-th has id i */
    uint32_t n_stations;
    const struct policy_job *jobs; /* that run */
    const uint32_t *job_at;        /* by station; POLICY_NOBODY: none */
    /* May this job run on this station?  NULL: any may. */
    bool (*fits)(void *arg, uint32_t job, uint32_t station);
    void *fits_arg;
    uint32_t *scratch; /* room for 2 * n_stations */
};

/* Propose moves of running jobs to idle stations, at most `max` into `out`,
 * each station in one of them only; returns their number.  The heaviest
 * stations are asked first (TCS-12), POLICY_VISITS_MAX of them; the rest has
 * its turn the next time (TCS-14: under-shoot and repeat).  Minimum residence
 * and the age rule bind every move (policy_move_allowed).  Of view, `now`,
 * `rng` and `par` are used.  None unless policy->live. */
size_t policy_rebalance(const struct policy *policy,
                        const struct policy_view *view,
                        const struct policy_pool *pool, struct policy_move *out,
                        size_t max);

#endif
