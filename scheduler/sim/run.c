/* run.c - the event loop */
#include "scheduler/sim/world.h"

#include <errno.h>
#include <stdlib.h>

void sim_at(struct sim *w, double at, uint32_t kind, uint32_t a, uint32_t b)
{
    struct sim_event e = {at, 0, kind, a, b};

    if (sim_heap_push(&w->heap, e) < 0)
        w->out_of_memory = true;
}

double sim_activity(const struct sim *w, double at)
{
    double hours = at / 3600;

    if (!w->sc->diurnal)
        return 1;
    return w->sc->hour[(uint64_t)hours % 24];
}

void sim_completed(struct sim *w, uint32_t j)
{
    struct sim_job *job = &w->job[j];
    struct sim_user *u = &w->user[job->user];
    uint32_t c = u->class, user = job->user;

    if (job->home != job->at)
        job->remote_s += job->demand;
    if (w->measuring)
        w->result->overhead_s += job->demand - job->left;
    w->in_system--;
    if (w->policy.harvest)
        u->share.held--;
    if (job->measured)
        sim_measure(w, job);
    sim_job_free(w, j);
    if (c < w->sc->n_classes && w->sc->class[c].keep > 0)
        sim_submit(w, c, user);
}

static void on_complete(struct sim *w, uint32_t s)
{
    uint32_t j;

    sim_advance(w, s);
    j = sim_next_done(w, s);
    w->job[j].togo = 0;
    sim_remove(w, s, j);
    sim_completed(w, j);
    if (!w->policy.harvest && !w->station[s].down)
        sim_station_event(w, s, POLICY_EV_DEPARTURE);
}

static void on_tick(struct sim *w, uint32_t s)
{
    enum policy_info_kind kind = w->policy.information->kind;

    sim_at(w, w->now + w->par.info_period_s, SIM_EV_TICK, s, 0);
    if (kind == POLICY_INFO_GOSSIP || kind == POLICY_INFO_ADVERT)
        sim_news_send(w, s);
    if (w->ticks)
        sim_station_event(w, s, POLICY_EV_TICK);
}

static void handle(struct sim *w, const struct sim_event *e)
{
    struct sim_station *st =
        e->kind == SIM_EV_COMPLETE || e->kind == SIM_EV_LADDER ||
                e->kind == SIM_EV_VACATED || e->kind == SIM_EV_IDLE ||
                e->kind == SIM_EV_UPLOADED
            ? &w->station[e->a]
            : NULL;

    switch (e->kind) {
    case SIM_EV_ARRIVAL:
        sim_arrival(w, e->a);
        break;
    case SIM_EV_RECORD:
        sim_record_arrives(w, e->a);
        break;
    case SIM_EV_COMPLETE:
        if (st->stamp == e->b)
            on_complete(w, e->a);
        break;
    case SIM_EV_OWNER:
        sim_owner_event(w, e->a);
        break;
    case SIM_EV_IDLE:
        if (st->owner_stamp == e->b)
            sim_idle_event(w, e->a);
        break;
    case SIM_EV_LADDER:
        if (st->ladder_stamp == e->b)
            sim_ladder(w, e->a);
        break;
    case SIM_EV_VACATED:
        if (st->ladder_stamp == e->b)
            sim_vacated(w, e->a, true);
        break;
    case SIM_EV_CYCLE:
        sim_cycle(w);
        break;
    case SIM_EV_TABLE:
        sim_table_refresh(w);
        break;
    case SIM_EV_TICK:
        on_tick(w, e->a);
        break;
    case SIM_EV_LAND:
        sim_land(w, e->a);
        break;
    case SIM_EV_PROBE:
        sim_probe_arrived(w, e->a);
        break;
    case SIM_EV_REPLY:
        sim_probe_answered(w, e->a);
        break;
    case SIM_EV_NEWS:
        sim_news_arrived(w, e->a);
        break;
    case SIM_EV_FAIL:
        sim_fail(w, e->a);
        break;
    case SIM_EV_REPAIRED:
        sim_repaired(w, e->a);
        break;
    case SIM_EV_LINK:
        if (w->link[e->a].stamp == e->b)
            sim_link_event(w, e->a);
        break;
    case SIM_EV_FETCH:
        sim_fetch(w, e->a);
        break;
    case SIM_EV_UPLOADED:
        if (st->ladder_stamp == e->b)
            sim_uploaded(w, e->a);
        break;
    case SIM_EV_FORK:
        sim_fork(w, e->a, e->b);
        break;
    case SIM_EV_SAMPLE:
        sim_sample(w);
        break;
    default:
        break;
    }
}

static void loop(struct sim *w, double end)
{
    struct sim_event e;
    const bool until_empty = w->sc->jobs == 0 && !(w->sc->duration > 0);

    while (!w->finished && !w->out_of_memory && sim_heap_pop(&w->heap, &e)) {
        if (e.at > end) {
            w->now = end;
            return;
        }
        w->now = e.at;
        w->result->events++;
        handle(w, &e);
        if (until_empty && w->in_system == 0 && w->arrived >= w->sc->n_records)
            return;
    }
}

int sim_run(const struct sim_scenario *scenario, const char *policy,
            uint64_t seed, struct sim_result *result, struct ckpt_err *err)
{
    struct sim *w = calloc(1, sizeof *w);
    const double for_ever = 1e300;
    double end = for_ever;
    int rc = -1;
    uint32_t c;

    if (!w)
        return ckpt_err_set(err, ENOMEM, "no memory for a simulation");
    w->sc = scenario;
    w->result = result;
    w->n_stations = scenario->stations;
    w->free_job = w->free_search = w->free_message = POLICY_NOBODY;
    if (sim_scenario_policy(scenario, policy, &w->policy, &w->par, err) < 0)
        goto out;
    if (sim_world_alloc(w) < 0) {
        ckpt_err_set(err, ENOMEM, "no memory for %u stations", w->n_stations);
        goto out;
    }
    w->hour_max = 1;
    for (c = 0; c < 24 && scenario->diurnal; c++)
        if (scenario->hour[c] > w->hour_max)
            w->hour_max = scenario->hour[c];
    w->use_buckets = w->policy.information->kind == POLICY_INFO_ORACLE &&
                     w->n_stations > SIM_ORACLE_ALL;
    w->table_live = w->table && w->par.info_period_s <= 0;
    w->ticks = w->policy.transfer->ticks && w->par.info_period_s > 0;
    w->to_measure = scenario->jobs;
    if (scenario->jobs == 0 && scenario->duration > 0)
        end = scenario->warmup + scenario->duration;
    sim_world_init(w, seed);
    sim_first_events(w);
    loop(w, end);
    if (w->out_of_memory) {
        ckpt_err_set(err, ENOMEM, "out of memory at %u jobs", w->in_system);
        goto out;
    }
    sim_result_close(w);
    rc = 0;
out:
    sim_world_clear(w);
    free(w);
    return rc;
}
