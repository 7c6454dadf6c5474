/* shelf.c - see shelf.h */
#include "scheduler/sim/shelf.h"

#include <stdlib.h>

enum { UNUSABLE = SIM_SHELVES, NOWHERE = SIM_SHELVES + 1 };

struct row {
    uint32_t *id;
    uint32_t n, room;
};

struct sim_shelf {
    struct row row[SIM_SHELVES + 1];
    uint32_t *on, *at; /* by station: which row, and where in it */
    uint32_t *heap;    /* idle stations */
    uint32_t *heap_at; /* by station: its place; POLICY_NOBODY: not in */
    double *key;       /* by station: idle_mean - idle_since */
    uint32_t n_heap;
    uint32_t n;
};

void sim_shelf_free(struct sim_shelf *shelf)
{
    if (!shelf)
        return;
    for (int i = 0; i <= SIM_SHELVES; i++)
        free(shelf->row[i].id);
    free(shelf->on);
    free(shelf->at);
    free(shelf->heap);
    free(shelf->heap_at);
    free(shelf->key);
    free(shelf);
}

struct sim_shelf *sim_shelf_create(uint32_t n)
{
    struct sim_shelf *shelf = calloc(1, sizeof *shelf);

    if (!shelf)
        return NULL;
    shelf->n = n;
    shelf->on = calloc(n, sizeof *shelf->on);
    shelf->at = calloc(n, sizeof *shelf->at);
    shelf->heap = calloc(n, sizeof *shelf->heap);
    shelf->heap_at = calloc(n, sizeof *shelf->heap_at);
    shelf->key = calloc(n, sizeof *shelf->key);
    if (!shelf->on || !shelf->at || !shelf->heap || !shelf->heap_at ||
        !shelf->key) {
        sim_shelf_free(shelf);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        shelf->on[i] = NOWHERE;
        shelf->heap_at[i] = POLICY_NOBODY;
    }
    return shelf;
}

/* ---- by load ---- */

static void row_leave(struct sim_shelf *shelf, uint32_t s)
{
    struct row *row;
    uint32_t last;

    if (shelf->on[s] == NOWHERE)
        return;
    row = &shelf->row[shelf->on[s]];
    last = row->id[--row->n];
    row->id[shelf->at[s]] = last;
    shelf->at[last] = shelf->at[s];
}

static int row_enter(struct sim_shelf *shelf, uint32_t s, uint32_t which)
{
    struct row *row = &shelf->row[which];

    if (row->n == row->room) {
        uint32_t room = row->room ? 2 * row->room : 64;
        uint32_t *more = realloc(row->id, room * sizeof *more);

        if (!more)
            return -1;
        row->id = more;
        row->room = room;
    }
    shelf->on[s] = which;
    shelf->at[s] = row->n;
    row->id[row->n++] = s;
    return 0;
}

/* ---- by idleness ---- */

static void heap_set(struct sim_shelf *shelf, uint32_t i, uint32_t s)
{
    shelf->heap[i] = s;
    shelf->heap_at[s] = i;
}

static void heap_up(struct sim_shelf *shelf, uint32_t i, uint32_t s)
{
    while (i > 0) {
        uint32_t up = (i - 1) / 2, other = shelf->heap[up];

        if (shelf->key[other] >= shelf->key[s])
            break;
        heap_set(shelf, i, other);
        i = up;
    }
    heap_set(shelf, i, s);
}

static void heap_down(struct sim_shelf *shelf, uint32_t i, uint32_t s)
{
    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= shelf->n_heap)
            break;
        if (child + 1 < shelf->n_heap &&
            shelf->key[shelf->heap[child + 1]] > shelf->key[shelf->heap[child]])
            child++;
        if (shelf->key[s] >= shelf->key[shelf->heap[child]])
            break;
        heap_set(shelf, i, shelf->heap[child]);
        i = child;
    }
    heap_set(shelf, i, s);
}

static void heap_leave(struct sim_shelf *shelf, uint32_t s)
{
    uint32_t i = shelf->heap_at[s], last;

    if (i == POLICY_NOBODY)
        return;
    shelf->heap_at[s] = POLICY_NOBODY;
    last = shelf->heap[--shelf->n_heap];
    if (last == s)
        return;
    heap_set(shelf, i, last);
    heap_up(shelf, i, last);
    heap_down(shelf, shelf->heap_at[last], last);
}

static void heap_enter(struct sim_shelf *shelf, uint32_t s, double key)
{
    shelf->key[s] = key;
    heap_up(shelf, shelf->n_heap++, s);
}

/* ---- both ---- */

static uint32_t row_of(const struct policy_station *e)
{
    if (e->state != POLICY_STATION_IDLE && e->state != POLICY_STATION_CLAIMED)
        return UNUSABLE;
    return e->jobs < SIM_SHELVES ? e->jobs : SIM_SHELVES - 1;
}

int sim_shelf_put(struct sim_shelf *shelf, const struct policy_station *e)
{
    uint32_t which = row_of(e);
    bool idle = e->state == POLICY_STATION_IDLE && e->jobs == 0;
    double key = e->idle_mean - e->idle_since;

    if (shelf->on[e->id] != which) {
        row_leave(shelf, e->id);
        shelf->on[e->id] = NOWHERE;
        if (row_enter(shelf, e->id, which) < 0)
            return -1;
    }
    if (!idle || shelf->heap_at[e->id] == POLICY_NOBODY ||
        shelf->key[e->id] != key) {
        heap_leave(shelf, e->id);
        if (idle)
            heap_enter(shelf, e->id, key);
    }
    return 0;
}

/* Up to `max` of a row, drawn by lot; they come to its front. */
static uint32_t draw(struct sim_shelf *shelf, struct row *row,
                     struct policy_rng *rng, uint32_t max, uint32_t *ids)
{
    uint32_t i, n = row->n < max ? row->n : max;

    for (i = 0; i < n; i++) {
        uint32_t other = i + policy_rng_below(rng, row->n - i);
        uint32_t s = row->id[other];

        row->id[other] = row->id[i];
        shelf->at[row->id[other]] = other;
        row->id[i] = s;
        shelf->at[s] = i;
        ids[i] = s;
    }
    return n;
}

/* From one end of the rows on. */
static uint32_t show_rows(struct sim_shelf *shelf, struct policy_rng *rng,
                          bool most, uint32_t max, uint32_t *ids)
{
    uint32_t i, n = 0;

    for (i = 0; i < SIM_SHELVES && n < max; i++)
        n += draw(shelf, &shelf->row[most ? SIM_SHELVES - 1 - i : i], rng,
                  max - n, ids + n);
    return n;
}

uint32_t sim_shelf_show(struct sim_shelf *shelf, struct policy_rng *rng,
                        bool most, bool idle, uint32_t *ids)
{
    uint32_t n = SIM_SHELF_SHOW, i;

    if (!idle) {
        n = show_rows(shelf, rng, most, SIM_SHELF_SHOW, ids);
        return n + show_rows(shelf, rng, !most, 1, ids + n);
    }
    n = shelf->n_heap < n ? shelf->n_heap : n;
    for (i = 0; i < n; i++)
        ids[i] = shelf->heap[i];
    return n;
}
