/* plans.h - stations that are being made free, and for whom
 *
 *     preempt: the job on `station` makes room for another one
 *     move:    a job leaves `from` for `station`, which is kept for it
 *
 * A plan is soft: it is an order to the home of the job that has to leave
 * (given again until that is seen), and a promise of the station.  It ends
 * when the promise is kept, when it cannot be kept any more, or in time; then
 * the jobs are treated like all others.
 */
#ifndef CKPT_SCHEDULER_PLANS_H
#define CKPT_SCHEDULER_PLANS_H

#include "scheduler/coordinator/table.h"

struct plan {
    char home[POOL_NAME_MAX + 1]; /* whose job gets the station */
    uint64_t job;
    char station[POOL_NAME_MAX + 1];
    char leaver_home[POOL_NAME_MAX + 1]; /* whose job leaves */
    uint64_t leaver;
    char from[POOL_NAME_MAX + 1];
    char why[POOL_TEXT_MAX + 1];
    uint64_t until_ms;
    uint64_t told_ms; /* 0: the home was not told yet */
    uint64_t gone_ms; /* the leaver is not on `from` since; 0: it is */
};

/* Keep a plan; its times but until_ms are set here.  False without memory. */
bool plans_add(struct table *table, const struct plan *plan);

/* Drop those that are done or have become impossible. */
void plans_review(struct table *table, uint64_t now_ms);

/* The plan that promises the job a station, or the station to a job; or that
 * makes this job leave.  NULL: there is none. */
const struct plan *plans_for_job(const struct table *table, const char *home,
                                 uint64_t job);
const struct plan *plans_for_station(const struct table *table,
                                     const char *station);
const struct plan *plans_for_leaver(const struct table *table, const char *home,
                                    uint64_t job);

/* Orders for the home, to be told now; strings are the answer's own.  Returns
 * false without memory. */
bool plans_orders(struct table *table, const struct known_home *home,
                  uint64_t now_ms, coord_jobs_ok *ok);

void plans_clear(struct table *table);

#endif
