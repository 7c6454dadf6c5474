/* forward.c - see forward.h */
#include "scheduler/sim/forward.h"

#include <assert.h>

#define NOBODY UINT32_MAX

void sim_forward_init(struct sim_forward *f, uint32_t machines, uint32_t at)
{
    static const struct sim_forward empty;
    uint32_t i;

    assert(machines <= SIM_FORWARD_MACHINES && at < machines);
    *f = empty;
    f->machines = machines;
    f->at = at;
    for (i = 0; i < machines; i++) {
        f->address[i] = NOBODY;
        f->link[i] = at;
    }
}

void sim_forward_move(struct sim_forward *f, uint32_t to)
{
    if (to == f->at)
        return;
    f->address[f->at] = to;
    f->address[to] = NOBODY;
    f->at = to;
}

void sim_forward_send(struct sim_forward *f, uint32_t from)
{
    uint32_t machine = f->link[from];

    f->sent++;
    while (machine != f->at) {
        if (f->address[machine] == NOBODY) {
            f->broadcasts++;
            machine = f->at;
        } else {
            f->forwards++;
            machine = f->address[machine];
        }
    }
    if (f->link[from] != f->at) {
        f->updates++;
        f->link[from] = f->at;
    }
    f->received++;
}

void sim_forward_reclaim(struct sim_forward *f)
{
    uint32_t i;

    for (i = 0; i < f->machines; i++)
        f->address[i] = NOBODY;
}
