/* balance.c - stations that decide for themselves: searches and moves
 *
 * The four questions are put to scheduler/core; a search goes on from answer
 * to answer, at once where messages take no time, else through events.
 */
#include "scheduler/sim/world.h"

#include <stdlib.h>
#include <string.h>

/* What the load index sees in a simulated station. */
static enum policy_level level_of(const struct sim *w,
                                  const struct sim_station *st, double mem)
{
    struct policy_load load = {.known = 1u << POLICY_LOAD_CPU |
                                        1u << POLICY_LOAD_RUNQ |
                                        1u << POLICY_LOAD_MEM};

    load.factor[POLICY_LOAD_CPU] = st->n > 0;
    load.factor[POLICY_LOAD_RUNQ] = st->n;
    load.factor[POLICY_LOAD_MEM] = mem;
    return policy_load_vote(&load, &w->par.marks);
}

static enum policy_station_state state_of(const struct sim *w,
                                          const struct sim_station *st)
{
    if (st->n_foreign > 0 && st->rung == POLICY_RUNG_VACATING)
        return POLICY_STATION_VACATING;
    if (st->n_foreign > 0 && st->rung == POLICY_RUNG_SUSPENDED)
        return POLICY_STATION_SUSPENDED;
    if (st->owner_here || st->down || (w->sc->owners && !st->available))
        return POLICY_STATION_OWNER;
    return st->n + st->coming > 0 ? POLICY_STATION_CLAIMED
                                  : POLICY_STATION_IDLE;
}

void sim_station_ad(const struct sim *w, uint32_t s, struct policy_station *ad)
{
    const struct sim_station *st = &w->station[s];
    double mem = w->sc->memory_mb > 0 ? st->mem_used / w->sc->memory_mb : 0;

    ad->id = s;
    ad->state = state_of(w, st);
    ad->level = level_of(w, st, mem);
    ad->jobs = st->n + st->coming;
    ad->load = ad->jobs;
    ad->heard = w->now;
    ad->speed = st->speed;
    ad->cpu_use = ad->jobs / st->speed;
    ad->mem_use = mem;
    ad->idle_since = st->idle_since;
    ad->idle_mean = st->idle_n ? st->idle_sum / st->idle_n : 0;
    ad->user = POLICY_NOBODY;
    ad->job_since = 0;
    ad->job_immovable = false;
    if (st->head != POLICY_NOBODY) {
        ad->user = w->job[st->head].user;
        ad->job_since = w->job[st->head].here_since;
        ad->job_immovable = !w->job[st->head].movable;
    }
}

void sim_job_ad(const struct sim *w, uint32_t j, struct policy_job *ad)
{
    const struct sim_job *job = &w->job[j];

    memset(ad, 0, sizeof *ad);
    ad->id = j;
    ad->user = job->user;
    ad->home = job->home;
    ad->from = job->from;
    ad->since = job->arrive;
    ad->cpu_s = job->started ? sim_work_done(w, job) : 0;
    ad->here_since = job->here_since;
    ad->image_mb = job->image_mb;
    ad->cpu_need = 1;
    ad->mem_need = w->sc->memory_mb > 0 ? job->image_mb / w->sc->memory_mb : 0;
    ad->io_rate = job->io;
    ad->io_station = job->io_station;
    ad->forks = job->forks;
    ad->started = job->started;
    ad->movable = job->movable;
}

/* A station's view of itself, with its jobs if wanted.  What it knows of
 * others comes from sim_known(). */
static void view_of(struct sim *w, uint32_t s, bool jobs,
                    struct policy_station *self, struct policy_view *view)
{
    struct sim_station *st = &w->station[s];
    uint32_t j;

    sim_station_ad(w, s, self);
    memset(view, 0, sizeof *view);
    view->now = w->now;
    view->rng = &w->decide;
    view->par = &w->par;
    view->n_stations = w->n_stations;
    view->self = self;
    view->memory = &st->memory;
    view->n_jobs = st->n;
    if (!jobs)
        return;
    if (st->n > w->job_room_n) {
        size_t room = 2 * (size_t)st->n;
        void *more = realloc(w->job_room, room * sizeof *w->job_room);

        if (!more) {
            w->out_of_memory = true;
            view->n_jobs = 0;
            return;
        }
        w->job_room = more;
        w->job_room_n = room;
    }
    sim_advance(w, s);
    view->n_jobs = 0;
    for (j = st->head; j != POLICY_NOBODY; j = w->job[j].next)
        sim_job_ad(w, j, &w->job_room[view->n_jobs++]);
    view->jobs = w->job_room;
}

void sim_fetch(struct sim *w, uint32_t j)
{
    const struct sim_job *job = &w->job[j];

    sim_link_start(w, job->home, job->image_mb, SIM_EV_LAND, j, 0);
}

void sim_send(struct sim *w, uint32_t j, uint32_t to, double fixed_s,
              bool from_home)
{
    struct sim_job *job = &w->job[j];
    double mb = job->has_image ? job->image_mb : 0;
    bool shared = w->link && from_home && mb > 0;
    double travel_s = shared ? fixed_s : fixed_s + mb / w->sc->bandwidth;

    job->dest = to;
    w->station[to].coming++;
    if (job->has_image) {
        job->transfers++;
        w->result->mb += job->measured ? job->image_mb : 0;
    }
    if (travel_s <= 0 && !shared) {
        sim_land(w, j);
        return;
    }
    sim_changed(w, to);
    sim_at(w, w->now + travel_s, shared ? SIM_EV_FETCH : SIM_EV_LAND, j, 0);
}

static double fixed_time(const struct sim *w, const struct sim_job *job)
{
    return job->has_image ? w->par.move_fixed_s : w->sc->place_cost;
}

void sim_land(struct sim *w, uint32_t j)
{
    struct sim_job *job = &w->job[j];
    uint32_t s = job->dest;
    struct sim_station *st = &w->station[s];

    st->coming--;
    if (w->policy.leases)
        policy_exchange_done(&st->memory);
    if (sim_is_guest(w, s, j) && w->evicts && (st->owner_here || st->down)) {
        /* The owner was faster. */
        sim_changed(w, s);
        w->result->refused += w->measuring;
        if (w->policy.harvest) {
            w->user[job->user].share.held--;
            sim_queue(w, j, true);
        } else
            sim_enqueue(w, job->home, j);
        return;
    }
    sim_enqueue(w, s, j);
}

/* Take a job of ours from s to `target`. */
static void move_job(struct sim *w, uint32_t s, uint32_t j, uint32_t target)
{
    struct sim_job *job = &w->job[j];

    if (job->started) {
        if (w->now - job->here_since < w->par.residence_s)
            w->result->early_moves++;
        w->result->moved += job->measured;
        job->from = s;
    } else {
        w->result->placed += job->measured;
    }
    sim_remove(w, s, j);
    if (job->started) {
        job->has_image = true;
        sim_settle(w, j, true);
    }
    sim_send(w, j, target, fixed_time(w, job), false);
}

static uint32_t search_new(struct sim *w)
{
    uint32_t slot = w->free_search;

    if (slot != POLICY_NOBODY) {
        w->free_search = w->search[slot].next_free;
        return slot;
    }
    if (w->n_searches == w->room_searches) {
        uint32_t room = w->room_searches ? 2 * w->room_searches : 64;
        void *more = realloc(w->search, room * sizeof *w->search);

        if (!more) {
            w->out_of_memory = true;
            return POLICY_NOBODY;
        }
        w->search = more;
        w->room_searches = room;
    }
    return w->n_searches++;
}

static void search_free(struct sim *w, uint32_t slot)
{
    w->search[slot].next_free = w->free_search;
    w->free_search = slot;
}

/* Ask `target` to take the job; when it does, the job is on its way. */
static bool hand_over(struct sim *w, struct sim_search *s, uint32_t j,
                      uint32_t target)
{
    struct policy_station from, there;
    struct policy_view view;
    struct policy_job ad;

    sim_station_ad(w, s->station, &from);
    sim_job_ad(w, j, &ad);
    /* An evicted job runs nowhere: no load is compared. */
    if (s->search.want == POLICY_TRANSFER_PLACE)
        ad.started = false;
    view_of(w, target, false, &there, &view);
    if (policy_accept(&w->policy, &view, &from, &ad) != POLICY_ACCEPT) {
        w->result->refused += w->measuring;
        return false;
    }
    if (w->policy.leases)
        policy_exchange_begin(&w->station[s->station].memory, target,
                              w->now + w->par.buddy_lease_s);
    sim_known_bump(w, s->station, target);
    return true;
}

static bool go_place(struct sim *w, struct sim_search *s, uint32_t target)
{
    struct sim_job *job = &w->job[s->id];

    if (!hand_over(w, s, s->id, target))
        return false;
    w->result->placed += job->measured && !job->started;
    w->result->moved += job->measured && job->started;
    sim_send(w, s->id, target, fixed_time(w, job), true);
    return true;
}

static bool go_export(struct sim *w, struct sim_search *s, uint32_t target)
{
    struct policy_station self, there;
    struct policy_view view;
    uint32_t j;
    int i;

    view_of(w, s->station, true, &self, &view);
    sim_station_ad(w, target, &there);
    i = policy_select(&w->policy, &view, &there);
    if (i < 0)
        return false;
    j = view.jobs[i].id;
    if (!hand_over(w, s, j, target))
        return false;
    move_job(w, s->station, j, target);
    return true;
}

static bool go_fetch(struct sim *w, struct sim_search *s, uint32_t peer)
{
    struct policy_station self, there;
    struct policy_view view;
    int i;

    view_of(w, peer, true, &there, &view);
    sim_station_ad(w, s->station, &self);
    i = policy_select(&w->policy, &view, &self);
    if (i < 0)
        return false;
    move_job(w, peer, view.jobs[i].id, s->station);
    return true;
}

static bool go(struct sim *w, struct sim_search *s, uint32_t target)
{
    w->result->messages += w->measuring ? 2 : 0;
    switch (s->search.want) {
    case POLICY_TRANSFER_PLACE:
        return go_place(w, s, target);
    case POLICY_TRANSFER_EXPORT:
        return go_export(w, s, target);
    case POLICY_TRANSFER_FETCH:
        return go_fetch(w, s, target);
    default:
        return false;
    }
}

/* Nothing was found: a job to be placed stays (or goes home). */
static void give_up(struct sim *w, const struct sim_search *s)
{
    struct sim_job *job;

    if (s->search.want != POLICY_TRANSFER_PLACE)
        return;
    job = &w->job[s->id];
    if (job->at == POLICY_NOBODY || job->at == s->station)
        sim_enqueue(w, s->station, s->id);
    else
        sim_send(w, s->id, s->station, fixed_time(w, job), false);
}

static bool wire_loses(struct sim *w)
{
    return w->sc->message_loss > 0 &&
           policy_rng_unit(&w->wire) < w->sc->message_loss;
}

/* Send a question; its answer comes through events. */
static void ask(struct sim *w, uint32_t slot, uint32_t station)
{
    struct sim_search *s = &w->search[slot];

    s->asked = station;
    s->answered = false;
    if (wire_loses(w))
        sim_at(w, w->now + w->sc->message_timeout, SIM_EV_REPLY, slot, 0);
    else
        sim_at(w, w->now + w->sc->message_delay, SIM_EV_PROBE, slot, 0);
}

void sim_probe_arrived(struct sim *w, uint32_t slot)
{
    struct sim_search *s = &w->search[slot];

    s->answered = !wire_loses(w);
    sim_station_ad(w, s->asked, &s->answer);
    sim_at(w,
           w->now +
               (s->answered ? w->sc->message_delay : w->sc->message_timeout),
           SIM_EV_REPLY, slot, 0);
}

static void search_run(struct sim *w, uint32_t slot,
                       const struct policy_station *answer)
{
    bool instant = w->sc->message_delay <= 0 && w->sc->message_loss <= 0;

    for (;;) {
        struct sim_search *s = &w->search[slot];
        struct policy_station self;
        struct policy_view view;
        struct policy_step step;

        view_of(w, s->station, s->search.want == POLICY_TRANSFER_EXPORT, &self,
                &view);
        sim_known(w, s->station, s->search.want, &view);
        s->search.job =
            s->search.want == POLICY_TRANSFER_PLACE ? &s->job : NULL;
        step = policy_search_next(&w->policy, &view, &s->search, answer);
        answer = NULL;
        if (step.what == POLICY_DO_PROBE) {
            w->result->messages += w->measuring ? 2 : 0;
            if (!instant) {
                ask(w, slot, step.station);
                return;
            }
            sim_station_ad(w, step.station, &s->answer);
            answer = &s->answer;
        } else if (step.what == POLICY_DO_GO) {
            struct sim_search copy = *s;

            /* What follows may search in turn, and move the array. */
            if (go(w, &copy, step.station))
                break;
            policy_search_refused(&w->search[slot].search, step.station);
        } else {
            struct sim_search copy = *s;

            give_up(w, &copy);
            break;
        }
    }
    search_free(w, slot);
}

void sim_probe_answered(struct sim *w, uint32_t slot)
{
    struct policy_station answer = w->search[slot].answer;

    search_run(w, slot, w->search[slot].answered ? &answer : NULL);
}

static void search_start(struct sim *w, uint32_t s, enum policy_transfer want,
                         uint32_t j)
{
    uint32_t slot = search_new(w);
    struct sim_search *search;

    if (slot == POLICY_NOBODY)
        return;
    search = &w->search[slot];
    search->station = s;
    search->id = j;
    search->answered = false;
    if (want == POLICY_TRANSFER_PLACE)
        sim_job_ad(w, j, &search->job);
    policy_search_begin(&search->search, want, NULL);
    search_run(w, slot, NULL);
}

void sim_place(struct sim *w, uint32_t s, uint32_t j)
{
    struct policy_station self;
    struct policy_view view;
    enum policy_transfer want;

    view_of(w, s, false, &self, &view);
    sim_known(w, s, POLICY_TRANSFER_PLACE, &view);
    want = policy_transfer(&w->policy, &view, POLICY_EV_ARRIVAL);
    if (want == POLICY_TRANSFER_PLACE) {
        search_start(w, s, want, j);
        return;
    }
    sim_enqueue(w, s, j);
    if (want == POLICY_TRANSFER_EXPORT)
        search_start(w, s, want, POLICY_NOBODY);
}

void sim_place_again(struct sim *w, uint32_t j)
{
    search_start(w, w->job[j].home, POLICY_TRANSFER_PLACE, j);
}

void sim_station_event(struct sim *w, uint32_t s, enum policy_event event)
{
    struct policy_station self;
    struct policy_view view;
    enum policy_transfer want;

    view_of(w, s, false, &self, &view);
    sim_known(w, s, POLICY_TRANSFER_NONE, &view);
    want = policy_transfer(&w->policy, &view, event);
    if (want == POLICY_TRANSFER_EXPORT || want == POLICY_TRANSFER_FETCH)
        search_start(w, s, want, POLICY_NOBODY);
}
