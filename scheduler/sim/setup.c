/* setup.c - a world before its first event, and after its last */
#include "scheduler/sim/world.h"

#include <stdlib.h>
#include <string.h>

int sim_world_alloc(struct sim *w)
{
    const struct sim_scenario *sc = w->sc;
    enum policy_info_kind kind = w->policy.information->kind;
    size_t n = w->n_stations, users = 0;
    uint32_t c;

    for (c = 0; c < sc->n_classes; c++) {
        w->class_first[c] = (uint32_t)users;
        users += sc->class[c].users ? sc->class[c].users : n;
    }
    w->class_first[c] = (uint32_t)users;
    users += sc->n_record_users;
    w->n_users = (uint32_t)users;
    w->station = calloc(n, sizeof *w->station);
    w->user = calloc(users, sizeof *w->user);
    w->shares = calloc(users, sizeof *w->shares);
    if (!w->station || !w->user || !w->shares)
        return -1;
    if (sc->home_link > 0) {
        w->link = calloc(n, sizeof *w->link);
        if (!w->link)
            return -1;
    }
    if (kind == POLICY_INFO_TABLE && !w->policy.harvest) {
        w->table = calloc(n, sizeof *w->table);
        w->table_at = calloc(n, sizeof *w->table_at);
        if (!w->table || !w->table_at)
            return -1;
        for (c = 0; c < n; c++) {
            w->table_at[c] = c;
            w->table[c].id = c;
            w->table[c].heard = -1;
        }
        if (n > SIM_ORACLE_ALL &&
            w->policy.location->order != POLICY_BY_SEVERAL) {
            w->shelf = sim_shelf_create((uint32_t)n);
            if (!w->shelf)
                return -1;
        }
    }
    if (kind == POLICY_INFO_GOSSIP || kind == POLICY_INFO_ADVERT) {
        w->view_room = calloc(n * w->par.view_size, sizeof *w->view_room);
        if (!w->view_room)
            return -1;
    }
    if (w->policy.harvest) {
        w->free_ad = calloc(n, sizeof *w->free_ad);
        w->match = calloc(n, sizeof *w->match);
        if (!w->free_ad || !w->match)
            return -1;
    }
    return 0;
}

static void init_users(struct sim *w)
{
    uint32_t c = 0, u;

    for (u = 0; u < w->n_users; u++) {
        struct sim_user *user = &w->user[u];

        while (c < w->sc->n_classes && u >= w->class_first[c + 1])
            c++;
        user->class = c < w->sc->n_classes ? c : 0;
        user->home = u % w->n_stations;
        user->head = user->tail = POLICY_NOBODY;
        policy_share_init(&user->share, &w->par.shares);
        w->shares[u] = user->share;
    }
}

static void init_stations(struct sim *w, uint64_t seed)
{
    uint32_t s, at = 0;

    for (s = 0; s < SIM_BUCKETS; s++)
        w->bucket[s] = POLICY_NOBODY;
    for (s = 0; s < w->n_stations; s++) {
        struct sim_station *st = &w->station[s];

        st->head = st->tail = st->reserved = st->bucket = POLICY_NOBODY;
        st->speed = sim_law_draw(&w->sc->speed, &w->work);
        policy_rng_init(&st->owner_rng, seed, 1000 + (uint64_t)s);
        policy_memory_init(&st->memory, &w->par);
        if (w->view_room)
            policy_info_init(&st->view,
                             w->view_room + (size_t)s * w->par.view_size,
                             w->par.view_size);
        st->presence = at;
        while (at < w->sc->n_presence && w->sc->presence[at].station == s)
            at++;
        st->presence_end = at;
        sim_owner_init(w, s);
        sim_changed(w, s);
    }
}

/* What does the transfer rule do when an owner comes? */
static bool rule_evicts(struct sim *w)
{
    struct policy_station self;
    struct policy_view view;

    memset(&view, 0, sizeof view);
    sim_station_ad(w, 0, &self);
    view.now = w->now;
    view.rng = &w->decide;
    view.par = &w->par;
    view.self = &self;
    view.memory = &w->station[0].memory;
    return policy_transfer(&w->policy, &view, POLICY_EV_OWNER_BACK) ==
           POLICY_TRANSFER_EVICT;
}

static void init_rngs(struct sim *w, uint64_t seed)
{
    policy_rng_init(&w->arrivals, seed, 1);
    policy_rng_init(&w->work, seed, 2);
    policy_rng_init(&w->decide, seed, 3);
    policy_rng_init(&w->wire, seed, 4);
    policy_rng_init(&w->crash, seed, 5);
}

void sim_world_init(struct sim *w, uint64_t seed)
{
    init_rngs(w, seed);
    sim_result_init(w);
    init_stations(w, seed);
    init_users(w);
    w->evicts = rule_evicts(w);
}

void sim_first_events(struct sim *w)
{
    const struct sim_scenario *sc = w->sc;
    double period = w->par.info_period_s;
    enum policy_info_kind kind = w->policy.information->kind;
    uint32_t c, u, s, i;

    if (w->table)
        sim_table_refresh(w);
    if (w->policy.harvest)
        sim_at(w, 0, SIM_EV_CYCLE, 0, 0);
    for (s = 0; s < w->n_stations; s++) {
        if (sc->mtbf > 0)
            sim_at(w, policy_rng_exp(&w->crash, sc->mtbf), SIM_EV_FAIL, s, 0);
        if (w->ticks || kind == POLICY_INFO_GOSSIP ||
            kind == POLICY_INFO_ADVERT)
            sim_at(w, period * policy_rng_unit(&w->decide), SIM_EV_TICK, s, 0);
    }
    if (w->result->series_step > 0)
        sim_at(w, 0, SIM_EV_SAMPLE, 0, 0);
    for (c = 0; c < sc->n_classes; c++) {
        for (u = w->class_first[c]; u < w->class_first[c + 1]; u++)
            for (i = 0; i < sc->class[c].backlog + sc->class[c].keep; i++)
                sim_submit(w, c, u);
        if (sc->class[c].rate > 0)
            sim_next_arrival(w, c);
    }
    if (sc->n_records)
        sim_at(w, sc->record[0].submit, SIM_EV_RECORD, 0, 0);
}

void sim_world_clear(struct sim *w)
{
    for (uint32_t s = 0; w->link && s < w->n_stations; s++)
        free(w->link[s].load);
    free(w->link);
    sim_heap_clear(&w->heap);
    free(w->station);
    free(w->user);
    free(w->shares);
    free(w->job);
    free(w->search);
    free(w->message);
    free(w->table);
    free(w->table_at);
    sim_shelf_free(w->shelf);
    free(w->view_room);
    free(w->job_room);
    free(w->wait_ad);
    free(w->wait_id);
    free(w->free_ad);
    free(w->match);
    free(w->scratch);
}
