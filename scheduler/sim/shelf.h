/* shelf.h - a large table of stations, by what a decision looks for
 *
 *     by load   shelf 0 | shelf 1 | shelf 2 ...    usable stations with so
 *               many jobs, in no order             many jobs; the others apart
 *     by idleness   a heap: idle stations without jobs, the one with the
 *                   longest absence (SPR-4) on top
 *
 * Instead of all entries a decision is shown a few, among which the best of
 * all is by every rule that goes by load or by idleness: some of the least
 * and of the most loaded, drawn by lot where there are more of them; or the
 * top of the heap.  So the same functions choose the same (or by lot an equal)
 * station as from the whole table.
 */
#ifndef CKPT_SIM_SHELF_H
#define CKPT_SIM_SHELF_H

#include "scheduler/core/policy.h"

#define SIM_SHELVES 64    /* from here on job counts are one shelf */
#define SIM_SHELF_SHOW 16 /* entries shown of each kind */

struct sim_shelf;

/* For stations 0 ... n - 1, none of them heard of yet; NULL without memory. */
struct sim_shelf *sim_shelf_create(uint32_t n);
void sim_shelf_free(struct sim_shelf *shelf);

/* The station's entry is (now) this one.  -1 without memory. */
int sim_shelf_put(struct sim_shelf *shelf, const struct policy_station *entry);

/* Choose up to 2 * SIM_SHELF_SHOW stations to look at, into `ids`: of the
 * least loaded, and one of the most loaded; with `most` the other way round.
 * `idle`: those that are idle longest. */
uint32_t sim_shelf_show(struct sim_shelf *shelf, struct policy_rng *rng,
                        bool most, bool idle, uint32_t *ids);

#endif
