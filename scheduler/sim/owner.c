/* owner.c - owners come and go, stations crash
 *
 * What happens to foreign jobs then is policy_ladder_next()'s decision; here
 * it is given its time.
 */
#include "scheduler/sim/world.h"

static void at_owner(struct sim *w, uint32_t s, double at)
{
    sim_at(w, at, SIM_EV_OWNER, s, 0);
}

/* A period away is shorter when everybody is about. */
static double draw_period(struct sim *w, struct sim_station *st, bool here)
{
    if (here)
        return sim_law_draw(&w->sc->owner_busy, &st->owner_rng);
    return sim_law_draw(&w->sc->owner_idle, &st->owner_rng) /
           sim_activity(w, w->now);
}

static void idle_from(struct sim *w, uint32_t s, double since)
{
    struct sim_station *st = &w->station[s];
    double from = since + w->par.idle_start_s;

    st->idle_since = since;
    if (from <= w->now) {
        st->available = true;
        sim_count_idle(w, s);
    } else {
        sim_at(w, from, SIM_EV_IDLE, s, st->owner_stamp);
    }
}

void sim_owner_init(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    double idle = sim_law_mean(&w->sc->owner_idle);
    double busy = sim_law_mean(&w->sc->owner_busy);

    if (!w->sc->owners) {
        st->available = true;
        sim_count_idle(w, s);
        return;
    }
    if (w->sc->n_presence) {
        if (st->presence < st->presence_end)
            at_owner(w, s, w->sc->presence[st->presence].from);
        idle_from(w, s, 0);
        return;
    }
    if (policy_rng_unit(&st->owner_rng) < busy / (idle + busy))
        st->owner_here = true;
    else
        idle_from(w, s, 0);
    at_owner(w, s, draw_period(w, st, st->owner_here));
}

static void schedule_change(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];

    if (w->sc->n_presence == 0) {
        at_owner(w, s, w->now + draw_period(w, st, st->owner_here));
    } else if (st->owner_here) {
        at_owner(w, s, w->sc->presence[st->presence++].to);
    } else if (st->presence < st->presence_end) {
        at_owner(w, s, w->sc->presence[st->presence].from);
    }
}

void sim_owner_event(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];

    sim_advance(w, s);
    st->owner_here = !st->owner_here;
    st->owner_stamp++;
    st->available = false;
    if (st->owner_here) {
        st->idle_sum += w->now - st->idle_since;
        st->idle_n++;
    } else {
        idle_from(w, s, w->now);
    }
    sim_changed(w, s);
    sim_count_idle(w, s);
    sim_reschedule(w, s);
    schedule_change(w, s);
    if (w->evicts)
        sim_ladder(w, s);
}

void sim_idle_event(struct sim *w, uint32_t s)
{
    w->station[s].available = true;
    sim_changed(w, s);
    sim_count_idle(w, s);
}

static void set_stopped(struct sim *w, uint32_t s, bool stopped)
{
    sim_advance(w, s);
    w->station[s].stopped = stopped;
    sim_reschedule(w, s);
}

static void set_rung(struct sim *w, uint32_t s, enum policy_rung rung)
{
    w->station[s].rung = rung;
    w->station[s].rung_since = w->now;
    w->station[s].ladder_stamp++;
    sim_changed(w, s);
}

/* Their images go home while the checkpoints are made; the station is free
 * when all of it is done. */
static void upload(struct sim *w, uint32_t s, double needed)
{
    struct sim_station *st = &w->station[s];
    uint32_t j;

    st->uploads = 1;
    sim_at(w, w->now + needed, SIM_EV_UPLOADED, s, st->ladder_stamp);
    for (j = st->head; j != POLICY_NOBODY; j = w->job[j].next) {
        const struct sim_job *job = &w->job[j];

        if (!sim_is_guest(w, s, j) || !job->movable || job->image_mb <= 0)
            continue;
        st->uploads++;
        sim_link_start(w, job->home, job->image_mb, SIM_EV_UPLOADED, s,
                       st->ladder_stamp);
    }
}

void sim_uploaded(struct sim *w, uint32_t s)
{
    if (--w->station[s].uploads == 0)
        sim_vacated(w, s, true);
}

/* All foreign jobs checkpoint and leave; a job that cannot is killed. */
void sim_vacate(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    double needed = 0;
    uint32_t j;

    set_stopped(w, s, true);
    set_rung(w, s, POLICY_RUNG_VACATING);
    for (j = st->head; j != POLICY_NOBODY; j = w->job[j].next)
        if (sim_is_guest(w, s, j) && w->job[j].movable)
            needed += sim_checkpoint_time(w, &w->job[j]);
    /* With no time at all nothing can be saved. */
    if (w->link && w->par.vacate_limit_s > 0)
        upload(w, s, needed);
    else if (needed < w->par.vacate_limit_s)
        sim_at(w, w->now + needed, SIM_EV_VACATED, s, st->ladder_stamp);
}

static void leave(struct sim *w, uint32_t s, uint32_t j, bool keep)
{
    struct sim_job *job = &w->job[j];

    keep = keep && job->movable;
    if (keep) {
        job->has_image = true;
        job->transfers++;
        w->result->mb += job->measured ? job->image_mb : 0;
    }
    w->result->evicted += job->measured && keep;
    w->result->killed += job->measured && !keep;
    job->from = s;
    sim_remove(w, s, j);
    sim_settle(w, j, keep);
    if (w->policy.harvest) {
        w->user[job->user].share.held--;
        sim_queue(w, j, true);
    } else {
        sim_place_again(w, j);
    }
}

void sim_vacated(struct sim *w, uint32_t s, bool keep)
{
    struct sim_station *st = &w->station[s];
    uint32_t j, next;

    sim_advance(w, s);
    set_rung(w, s, POLICY_RUNG_RUNNING);
    for (j = st->head; j != POLICY_NOBODY; j = next) {
        next = w->job[j].next;
        if (!sim_is_guest(w, s, j))
            continue;
        if (w->link && st->uploads > 0)
            sim_link_drop(w, w->job[j].home, SIM_EV_UPLOADED, s);
        leave(w, s, j, keep);
    }
    st->uploads = 0;
    set_stopped(w, s, false);
    sim_start_reserved(w, s);
}

static uint32_t count_measured(const struct sim *w, uint32_t s)
{
    uint32_t n = 0, j;

    for (j = w->station[s].head; j != POLICY_NOBODY; j = w->job[j].next)
        n += w->job[j].measured && sim_is_guest(w, s, j);
    return n;
}

void sim_ladder(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    struct policy_ladder_step step;

    while (st->n_foreign > 0) {
        step = policy_ladder_next(&w->par, st->rung, st->rung_since,
                                  st->owner_here, w->now);
        switch (step.what) {
        case POLICY_LADDER_WAIT:
            if (step.again < 1e300)
                sim_at(w, step.again, SIM_EV_LADDER, s, st->ladder_stamp);
            return;
        case POLICY_LADDER_SUSPEND:
            w->result->suspended += count_measured(w, s);
            set_stopped(w, s, true);
            set_rung(w, s, POLICY_RUNG_SUSPENDED);
            break;
        case POLICY_LADDER_RESUME:
            w->result->resumed += count_measured(w, s);
            set_stopped(w, s, false);
            set_rung(w, s, POLICY_RUNG_RUNNING);
            break;
        case POLICY_LADDER_VACATE:
            sim_vacate(w, s);
            break;
        case POLICY_LADDER_KILL:
            sim_vacated(w, s, false);
            return;
        }
    }
}

/* A crash: every job here falls back to its last checkpoint. */
void sim_fail(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    double repair = sim_law_draw(&w->sc->repair, &w->crash);
    uint32_t j, next;

    sim_at(w, w->now + repair + policy_rng_exp(&w->crash, w->sc->mtbf),
           SIM_EV_FAIL, s, 0);
    sim_advance(w, s);
    for (j = st->head; j != POLICY_NOBODY; j = next) {
        struct sim_job *job = &w->job[j];

        next = job->next;
        w->result->crashed += job->measured && job->started;
        if (repair > 0 && w->policy.harvest) {
            sim_remove(w, s, j);
            sim_settle(w, j, false);
            w->user[job->user].share.held--;
            sim_queue(w, j, true);
        } else {
            sim_settle(w, j, false);
            if (job->started) {
                /* Even without an image it starts anew. */
                job->togo += w->sc->restart_cost - job->pre;
                job->demand += w->sc->restart_cost - job->pre;
                job->pre = w->sc->restart_cost;
            }
        }
    }
    if (repair > 0) {
        st->down = true;
        sim_changed(w, s);
        sim_count_idle(w, s);
        sim_at(w, w->now + repair, SIM_EV_REPAIRED, s, 0);
    }
    sim_reschedule(w, s);
    if (st->n == 0)
        sim_start_reserved(w, s);
}

void sim_repaired(struct sim *w, uint32_t s)
{
    sim_advance(w, s);
    w->station[s].down = false;
    sim_changed(w, s);
    sim_count_idle(w, s);
    sim_reschedule(w, s);
}
