/* probowner.h - the global process table's pages and their probable owners
 *
 * Each page has one owner; all others keep a hint (IIT-6, IIT-7).  Who wants
 * a page asks along the hints until it meets the owner (IIT-8); everyone
 * asked then points to the one that asked.  A small model for checks: our
 * table is the coordinator's.
 */
#ifndef CKPT_SIM_PROBOWNER_H
#define CKPT_SIM_PROBOWNER_H

#include <stdint.h>

#define SIM_PROB_MACHINES 32
#define SIM_PROB_PAGES 64

struct sim_probowner {
    uint32_t machines, pages;
    uint32_t hint[SIM_PROB_PAGES][SIM_PROB_MACHINES]; /* itself: the owner */
};

/* Method 1: page p belongs to machine p mod N at first. */
void sim_probowner_init(struct sim_probowner *t, uint32_t machines,
                        uint32_t pages);

/* One question of `machine` for `page`, to whom its hint names: the owner
 * gives the page up, another answers with its own hint.  1 when the page has
 * arrived, 0 when it has to ask on. */
int sim_probowner_ask(struct sim_probowner *t, uint32_t page, uint32_t machine);

/* Ask until the page is here; returns how many questions that took. */
uint32_t sim_probowner_get(struct sim_probowner *t, uint32_t page,
                           uint32_t machine);

uint32_t sim_probowner_owner(const struct sim_probowner *t, uint32_t page);

#endif
