/* harvest.c - one decider for all: queues and negotiation cycles
 *
 * Each user's jobs wait in a list, oldest first.  At a cycle the waiting jobs
 * and the stations are described to policy_negotiate(), and what it pairs is
 * started.  At most one foreign job is on a station at a time.
 */
#include "scheduler/sim/world.h"

#include <stdlib.h>
#include <string.h>

void sim_queue(struct sim *w, uint32_t j, bool first)
{
    struct sim_job *job = &w->job[j];
    struct sim_user *u = &w->user[job->user];
    uint32_t *end = first ? &u->head : &u->tail;

    job->at = job->dest = POLICY_NOBODY;
    job->prev = first ? POLICY_NOBODY : u->tail;
    job->next = first ? u->head : POLICY_NOBODY;
    if (u->head == POLICY_NOBODY)
        u->head = u->tail = j;
    else if (first)
        w->job[u->head].prev = j;
    else
        w->job[u->tail].next = j;
    *end = j;
    u->share.wants++;
}

static void unqueue(struct sim *w, uint32_t j)
{
    struct sim_job *job = &w->job[j];
    struct sim_user *u = &w->user[job->user];

    if (job->prev != POLICY_NOBODY)
        w->job[job->prev].next = job->next;
    else
        u->head = job->next;
    if (job->next != POLICY_NOBODY)
        w->job[job->next].prev = job->prev;
    else
        u->tail = job->prev;
    u->share.wants--;
}

/* Describe the stations that could get a job; returns how many. */
static uint32_t describe_stations(struct sim *w)
{
    bool preempt = w->par.preempt_after_s >= 0;
    uint32_t s, n = 0;

    for (s = 0; s < w->n_stations; s++) {
        const struct sim_station *st = &w->station[s];

        if (st->down || st->owner_here || !st->available || st->coming > 0 ||
            st->reserved != POLICY_NOBODY ||
            (st->n > 0 && (!preempt || st->rung != POLICY_RUNG_RUNNING)))
            continue;
        if (w->sc->message_loss > 0 &&
            policy_rng_unit(&w->wire) < w->sc->message_loss)
            continue; /* it did not answer the poll */
        sim_station_ad(w, s, &w->free_ad[n++]);
    }
    w->result->messages += w->measuring ? w->n_stations : 0;
    return n;
}

static bool make_room(struct sim *w, size_t n)
{
    size_t room = n + n / 2 + 64;
    void *ad, *id;

    if (n <= w->room_wait)
        return true;
    ad = realloc(w->wait_ad, room * sizeof *w->wait_ad);
    w->wait_ad = ad ? ad : w->wait_ad;
    id = realloc(w->wait_id, room * sizeof *w->wait_id);
    w->wait_id = id ? id : w->wait_id;
    if (!ad || !id) {
        w->out_of_memory = true;
        return false;
    }
    w->room_wait = room;
    return true;
}

/* Describe the waiting jobs, of each user no more than there are stations. */
static size_t describe_jobs(struct sim *w, uint32_t n_stations)
{
    size_t n = 0;
    uint32_t u, j, of_user;

    for (u = 0; u < w->n_users; u++) {
        struct sim_user *user = &w->user[u];

        if (user->head == POLICY_NOBODY)
            continue;
        of_user =
            user->share.wants < n_stations ? user->share.wants : n_stations;
        if (!make_room(w, n + of_user))
            return 0;
        for (j = user->head; of_user > 0; of_user--, j = w->job[j].next) {
            sim_job_ad(w, j, &w->wait_ad[n]);
            w->wait_id[n++] = j;
        }
    }
    return n;
}

static void pass_shares(struct sim *w)
{
    double elapsed = w->now - w->last_cycle;
    uint32_t u;

    w->last_cycle = w->now;
    for (u = 0; u < w->n_users; u++) {
        policy_share_pass(&w->user[u].share, &w->par.shares, elapsed);
        w->shares[u] = w->user[u].share;
    }
}

/* The claim of a station: the job's image and the job go there. */
static void start(struct sim *w, uint32_t j, uint32_t s)
{
    struct sim_job *job = &w->job[j];

    w->user[job->user].share.held++;
    w->result->placed += job->measured && !job->started;
    sim_send(w, j, s, w->sc->place_cost, true);
}

void sim_start_reserved(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    uint32_t j = st->reserved;

    if (j == POLICY_NOBODY)
        return;
    st->reserved = POLICY_NOBODY;
    if (st->owner_here || st->down || st->n > 0)
        sim_queue(w, j, true);
    else
        start(w, j, s);
}

static void carry_out(struct sim *w, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        uint32_t s = w->free_ad[w->match[i].station].id;
        uint32_t j = w->wait_id[w->match[i].job];

        w->result->messages += w->measuring ? 2 : 0;
        unqueue(w, j);
        if (w->match[i].preempt) {
            w->station[s].reserved = j;
            sim_vacate(w, s);
            sim_ladder(w, s);
        } else {
            start(w, j, s);
        }
    }
}

void sim_cycle(struct sim *w)
{
    struct policy_view view;
    struct policy_cycle cycle;
    uint32_t n_stations;
    size_t need;

    sim_at(w, w->now + w->par.cycle_s, SIM_EV_CYCLE, 0, 0);
    pass_shares(w);
    memset(&view, 0, sizeof view);
    memset(&cycle, 0, sizeof cycle);
    n_stations = describe_stations(w);
    cycle.n_jobs = n_stations ? describe_jobs(w, n_stations) : 0;
    if (cycle.n_jobs == 0)
        return;
    if (w->par.shares.kind != POLICY_SHARE_NONE) {
        cycle.shares = w->shares;
        cycle.n_shares = w->n_users;
    }
    need = policy_cycle_scratch(cycle.n_jobs, n_stations, cycle.n_shares);
    if (need > w->room_scratch) {
        free(w->scratch);
        w->scratch = malloc(2 * need * sizeof *w->scratch);
        w->room_scratch = w->scratch ? 2 * need : 0;
        w->out_of_memory = w->out_of_memory || !w->scratch;
        if (!w->scratch)
            return;
    }
    cycle.jobs = w->wait_ad;
    cycle.stations = w->free_ad;
    cycle.n_stations = n_stations;
    cycle.scratch = w->scratch;
    view.now = w->now;
    view.rng = &w->decide;
    view.par = &w->par;
    view.n_stations = w->n_stations;
    carry_out(
        w, policy_negotiate(&w->policy, &view, &cycle, w->match, n_stations));
}
