/* balance.h - moving jobs that run, where pool.conf says so
 *
 * Puts what is known into the form of policy_pool.h, lets policy_rebalance()
 * decide, and keeps each move as a plan (plans.h).
 */
#ifndef CKPT_SCHEDULER_BALANCE_H
#define CKPT_SCHEDULER_BALANCE_H

#include "scheduler/coordinator/table.h"
#include "scheduler/pool/settings.h"

/* Plan moves; returns their number, or -1 with ENOMEM. */
int balance_run(struct table *table, const struct settings *settings,
                struct policy_rng *rng, uint64_t now_ms);

#endif
