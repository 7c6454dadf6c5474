/* heap.h - the event queue: a 4-ary heap in one array
 *
 * Events of equal time come out in the order they went in, so that a run is
 * the same everywhere.
 */
#ifndef CKPT_SIM_HEAP_H
#define CKPT_SIM_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct sim_event {
    double at;
    uint64_t order; /* set by sim_heap_push() */
    uint32_t kind;
    uint32_t a; /* station, job or slot */
    uint32_t b; /* stamp: the event is stale if it differs */
};

struct sim_heap {
    struct sim_event *v;
    size_t n, room;
    uint64_t order;
};

/* 0, or -1 with errno ENOMEM. */
int sim_heap_push(struct sim_heap *heap, struct sim_event event);

/* Take the earliest; false when there is none. */
int sim_heap_pop(struct sim_heap *heap, struct sim_event *event);

void sim_heap_clear(struct sim_heap *heap);

#endif
