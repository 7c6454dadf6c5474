/* heap.c - see heap.h */
#include "scheduler/sim/heap.h"

#include <stdlib.h>

static int before(const struct sim_event *x, const struct sim_event *y)
{
    return x->at < y->at || (x->at == y->at && x->order < y->order);
}

static int grow(struct sim_heap *heap)
{
    size_t room = heap->room ? 2 * heap->room : 1024;
    struct sim_event *v = realloc(heap->v, room * sizeof *v);

    if (!v)
        return -1;
    heap->v = v;
    heap->room = room;
    return 0;
}

int sim_heap_push(struct sim_heap *heap, struct sim_event event)
{
    size_t i;

    if (heap->n == heap->room && grow(heap) < 0)
        return -1;
    event.order = heap->order++;
    for (i = heap->n++; i > 0; i = (i - 1) / 4) {
        if (!before(&event, &heap->v[(i - 1) / 4]))
            break;
        heap->v[i] = heap->v[(i - 1) / 4];
    }
    heap->v[i] = event;
    return 0;
}

/* The hole at the top sinks; `last` goes into where it stops. */
static void sink(struct sim_heap *heap, struct sim_event last)
{
    size_t i = 0;

    for (;;) {
        size_t child = 4 * i + 1, end = child + 4, least = child;

        if (child >= heap->n)
            break;
        end = end < heap->n ? end : heap->n;
        for (child++; child < end; child++)
            if (before(&heap->v[child], &heap->v[least]))
                least = child;
        if (!before(&heap->v[least], &last))
            break;
        heap->v[i] = heap->v[least];
        i = least;
    }
    heap->v[i] = last;
}

int sim_heap_pop(struct sim_heap *heap, struct sim_event *event)
{
    if (heap->n == 0)
        return 0;
    *event = heap->v[0];
    if (--heap->n > 0)
        sink(heap, heap->v[heap->n]);
    return 1;
}

void sim_heap_clear(struct sim_heap *heap)
{
    free(heap->v);
    heap->v = NULL;
    heap->n = heap->room = 0;
}
