/* news.c - how stations learn of each other: table, gossip, adverts, oracle */
#include "scheduler/sim/world.h"

#include <stdlib.h>
#include <string.h>

static void table_swap(struct sim *w, uint32_t x, uint32_t y)
{
    struct policy_station kept = w->table[x];

    w->table[x] = w->table[y];
    w->table[y] = kept;
    w->table_at[w->table[x].id] = x;
    w->table_at[w->table[y].id] = y;
}

static void shelve(struct sim *w, const struct policy_station *entry)
{
    if (w->shelf && sim_shelf_put(w->shelf, entry) < 0)
        w->out_of_memory = true;
}

/* A station's entry; idle stations stay in front of the others. */
static void table_set(struct sim *w, uint32_t s)
{
    uint32_t at = w->table_at[s];
    bool idle;

    sim_station_ad(w, s, &w->table[at]);
    if (w->shelf) {
        shelve(w, &w->table[at]);
        return;
    }
    idle = w->table[at].state == POLICY_STATION_IDLE;
    if (idle && at >= w->table_idle)
        table_swap(w, at, w->table_idle++);
    else if (!idle && at < w->table_idle)
        table_swap(w, at, --w->table_idle);
}

/* A lost report leaves the old entry. */
void sim_table_refresh(struct sim *w)
{
    uint32_t s;

    for (s = 0; s < w->n_stations; s++) {
        if (w->sc->message_loss > 0 &&
            policy_rng_unit(&w->wire) < w->sc->message_loss)
            continue;
        table_set(w, s);
    }
    w->result->messages += w->measuring ? w->n_stations : 0;
    if (!w->table_live)
        sim_at(w, w->now + w->par.info_period_s, SIM_EV_TABLE, 0, 0);
}

static uint32_t message_new(struct sim *w)
{
    uint32_t m = w->free_message;

    if (m != POLICY_NOBODY) {
        w->free_message = w->message[m].next_free;
        return m;
    }
    if (w->n_messages == w->room_messages) {
        uint32_t room = w->room_messages ? 2 * w->room_messages : 64;
        void *more = realloc(w->message, room * sizeof *w->message);

        if (!more) {
            w->out_of_memory = true;
            return POLICY_NOBODY;
        }
        w->message = more;
        w->room_messages = room;
    }
    return w->n_messages++;
}

static void deliver(struct sim *w, uint32_t to,
                    const struct policy_station *entry, uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n; i++)
        policy_info_learn(&w->station[to].view, to, &entry[i]);
}

static void mail(struct sim *w, uint32_t to, const struct policy_station *entry,
                 uint32_t n)
{
    uint32_t m;

    w->result->messages += w->measuring;
    if (w->sc->message_loss > 0 &&
        policy_rng_unit(&w->wire) < w->sc->message_loss)
        return;
    if (w->sc->message_delay <= 0) {
        deliver(w, to, entry, n);
        return;
    }
    m = message_new(w);
    if (m == POLICY_NOBODY)
        return;
    w->message[m].to = to;
    w->message[m].n = n;
    memcpy(w->message[m].entry, entry, n * sizeof *entry);
    sim_at(w, w->now + w->sc->message_delay, SIM_EV_NEWS, m, 0);
}

void sim_news_arrived(struct sim *w, uint32_t m)
{
    deliver(w, w->message[m].to, w->message[m].entry, w->message[m].n);
    w->message[m].next_free = w->free_message;
    w->free_message = m;
}

void sim_news_send(struct sim *w, uint32_t s)
{
    struct policy_station self, out[POLICY_ADVERTS_MAX];
    struct policy_info_view *view = &w->station[s].view;
    uint32_t n, i;

    if (w->n_stations < 2)
        return;
    sim_station_ad(w, s, &self);
    policy_info_expire(view, w->now, w->par.info_max_age_s);
    if (w->policy.information->kind == POLICY_INFO_GOSSIP) {
        n = policy_info_message(view, &self, &w->decide, out,
                                POLICY_ADVERTS_MAX);
        mail(w, policy_info_target(&w->decide, s, w->n_stations), out, n);
    } else if (self.state != POLICY_STATION_OWNER &&
               self.jobs < w->par.threshold) {
        for (i = 0; i < w->par.view_size; i++)
            mail(w, policy_info_target(&w->decide, s, w->n_stations), &self, 1);
    }
}

/* ---- oracle: stations by number of jobs ---- */

static void bucket_leave(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];

    if (st->bucket_prev != POLICY_NOBODY)
        w->station[st->bucket_prev].bucket_next = st->bucket_next;
    else
        w->bucket[st->bucket] = st->bucket_next;
    if (st->bucket_next != POLICY_NOBODY)
        w->station[st->bucket_next].bucket_prev = st->bucket_prev;
}

static void bucket_move(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    uint32_t b = st->n + st->coming;

    if (st->bucket != POLICY_NOBODY)
        bucket_leave(w, s);
    b = b < SIM_BUCKETS ? b : SIM_BUCKETS - 1;
    st->bucket = b;
    st->bucket_prev = POLICY_NOBODY;
    st->bucket_next = w->bucket[b];
    if (st->bucket_next != POLICY_NOBODY)
        w->station[st->bucket_next].bucket_prev = s;
    w->bucket[b] = s;
    w->least = b < w->least ? b : w->least;
    w->most = b > w->most ? b : w->most;
    while (w->bucket[w->least] == POLICY_NOBODY && w->least < w->most)
        w->least++;
    while (w->bucket[w->most] == POLICY_NOBODY && w->most > w->least)
        w->most--;
}

void sim_changed(struct sim *w, uint32_t s)
{
    if (w->use_buckets)
        bucket_move(w, s);
    if (!w->table_live)
        return;
    w->result->messages += w->measuring;
    if (w->sc->message_loss <= 0 ||
        policy_rng_unit(&w->wire) >= w->sc->message_loss)
        table_set(w, s);
}

/* The least (or most) loaded few. */
static uint32_t oracle_some(struct sim *w, bool least)
{
    uint32_t b = least ? w->least : w->most, n = 0, s;

    for (;;) {
        for (s = w->bucket[b]; s != POLICY_NOBODY && n < SIM_ORACLE_SOME;
             s = w->station[s].bucket_next)
            sim_station_ad(w, s, &w->oracle[n++]);
        if (n == SIM_ORACLE_SOME || b == (least ? w->most : w->least))
            return n;
        b = least ? b + 1 : b - 1;
    }
}

/* Those of the table that matter (shelf.h). */
static void show_table(struct sim *w, struct policy_view *view)
{
    uint32_t ids[2 * SIM_SHELF_SHOW], i;

    view->known = w->shown;
    view->n_known =
        sim_shelf_show(w->shelf, &w->decide, false,
                       w->policy.location->order == POLICY_BY_IDLE, ids);
    for (i = 0; i < view->n_known; i++)
        w->shown[i] = w->table[w->table_at[ids[i]]];
}

void sim_known(struct sim *w, uint32_t s, enum policy_transfer want,
               struct policy_view *view)
{
    uint32_t i;

    switch (w->policy.information->kind) {
    case POLICY_INFO_TABLE:
        if (w->shelf && want != POLICY_TRANSFER_FETCH) {
            show_table(w, view);
            break;
        }
        view->known = w->table;
        view->n_known =
            w->policy.location->idle ? w->table_idle : w->n_stations;
        break;
    case POLICY_INFO_GOSSIP:
    case POLICY_INFO_ADVERT:
        view->known = w->station[s].view.entry;
        view->n_known = w->station[s].view.size;
        break;
    case POLICY_INFO_ORACLE:
        view->known = w->oracle;
        if (w->n_stations > SIM_ORACLE_ALL) {
            view->n_known = oracle_some(w, want != POLICY_TRANSFER_FETCH);
            break;
        }
        for (i = 0; i < w->n_stations; i++)
            sim_station_ad(w, i, &w->oracle[i]);
        view->n_known = w->n_stations;
        break;
    case POLICY_INFO_NONE:
    case POLICY_INFO_PROBE:
        break;
    }
}

/* Who sends a job knows that it will be there. */
void sim_known_bump(struct sim *w, uint32_t s, uint32_t target)
{
    struct policy_info_view *view = &w->station[s].view;
    struct policy_station *e = NULL;
    uint32_t i;

    if (w->table_live)
        return; /* it knows by itself */
    if (w->table)
        e = &w->table[w->table_at[target]];
    for (i = 0; i < view->size; i++)
        if (view->entry[i].id == target)
            e = &view->entry[i];
    if (!e)
        return;
    e->jobs++;
    e->load += 1;
    e->cpu_use += 1 / e->speed;
    if (e->state == POLICY_STATION_IDLE)
        e->state = POLICY_STATION_CLAIMED;
    if (w->table)
        shelve(w, e);
}
