/* describe.h - what is known, in the words of the policy core */
#ifndef CKPT_SCHEDULER_DESCRIBE_H
#define CKPT_SCHEDULER_DESCRIBE_H

#include "scheduler/coordinator/table.h"
#include "scheduler/core/expr.h"
#include "scheduler/core/policy.h"

/* The i-th station.  One that is promised to somebody counts as claimed; its
 * job as one that cannot move where its home says so, or has not said yet.
 * `jobs` is our job and what else competes for a processor. */
void describe_station(struct table *table, size_t i,
                      const struct policy_params *par,
                      struct policy_station *to);

/* The job that runs on the i-th station; false: its home has not told of it. */
bool describe_running(const struct table *table, size_t i, uint64_t now_ms,
                      struct policy_job *to);

/* May the job run on the station, by what it asks for?  `needs` is its
 * requirements, or NULL. */
bool describe_fits(const coord_idle_job *job, const struct expr *needs,
                   const pool_station *station);

#endif
