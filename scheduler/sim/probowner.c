/* probowner.c - see probowner.h */
#include "scheduler/sim/probowner.h"

#include <assert.h>

void sim_probowner_init(struct sim_probowner *t, uint32_t machines,
                        uint32_t pages)
{
    uint32_t p, m;

    assert(machines <= SIM_PROB_MACHINES && pages <= SIM_PROB_PAGES);
    t->machines = machines;
    t->pages = pages;
    for (p = 0; p < pages; p++)
        for (m = 0; m < machines; m++)
            t->hint[p][m] = p % machines;
}

int sim_probowner_ask(struct sim_probowner *t, uint32_t page, uint32_t machine)
{
    uint32_t *hint = t->hint[page];
    uint32_t asked = hint[machine];

    if (asked == machine)
        return 1;
    if (hint[asked] == asked) {
        hint[asked] = machine;
        hint[machine] = machine;
        return 1;
    }
    hint[machine] = hint[asked];
    hint[asked] = machine;
    /* A hint back to the one that asks would be a circle of one. */
    assert(hint[machine] != machine);
    return 0;
}

uint32_t sim_probowner_get(struct sim_probowner *t, uint32_t page,
                           uint32_t machine)
{
    uint32_t questions = 0;

    while (t->hint[page][machine] != machine) {
        questions++;
        sim_probowner_ask(t, page, machine);
    }
    return questions;
}

uint32_t sim_probowner_owner(const struct sim_probowner *t, uint32_t page)
{
    uint32_t m = 0;

    while (t->hint[page][m] != m)
        m++;
    return m;
}
