/* service.c - jobs on stations: sharing, progress, checkpoints
 *
 * A job has `demand` to be served since its last (re)start:
 *
 *   | restart cost | every_s of work | checkpoint | work | checkpoint | ...
 *
 * so that what was served tells how much work is done, and how much of it a
 * checkpoint holds (C13).  While the owner of a station has stopped the
 * foreign jobs, only the station's own are served.
 */
#include "scheduler/sim/world.h"

#include <stdlib.h>

static uint32_t n_active(const struct sim_station *st)
{
    return st->stopped ? st->n - st->n_foreign : st->n;
}

static bool is_active(const struct sim *w, uint32_t s, uint32_t j)
{
    return !w->station[s].stopped || !sim_is_guest(w, s, j);
}

static double rate_of(const struct sim *w, const struct sim_station *st)
{
    if (st->down)
        return 0;
    return st->owner_here ? st->speed * (1 - w->sc->owner_load) : st->speed;
}

/* First come, first served: the one that is served. */
static uint32_t head_of(const struct sim *w, uint32_t s)
{
    uint32_t j = w->station[s].head;

    while (j != POLICY_NOBODY && !is_active(w, s, j))
        j = w->job[j].next;
    return j;
}

void sim_advance(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    double elapsed = w->now - st->last, rate = rate_of(w, st), share;
    uint32_t active = n_active(st), j;

    st->last = w->now;
    if (elapsed <= 0 || active == 0 || rate <= 0)
        return;
    st->busy_s += elapsed * rate;
    if (!w->sc->shared) {
        w->job[head_of(w, s)].togo -= elapsed * rate;
        return;
    }
    share = elapsed * rate / active;
    for (j = st->head; j != POLICY_NOBODY; j = w->job[j].next)
        if (is_active(w, s, j))
            w->job[j].togo -= share;
}

/* The job of a station that will be done first, if all stays as it is. */
uint32_t sim_next_done(const struct sim *w, uint32_t s)
{
    uint32_t best = POLICY_NOBODY, j;

    if (!w->sc->shared)
        return head_of(w, s);
    for (j = w->station[s].head; j != POLICY_NOBODY; j = w->job[j].next)
        if (is_active(w, s, j) &&
            (best == POLICY_NOBODY || w->job[j].togo < w->job[best].togo))
            best = j;
    return best;
}

static void mark_started(struct sim *w, uint32_t s, uint32_t j)
{
    struct sim_job *job = &w->job[j];

    if (job->first_start < 0 && !w->station[s].down)
        job->first_start = w->now;
    job->started = true;
}

void sim_reschedule(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    double rate = rate_of(w, st), togo;
    uint32_t next;

    st->stamp++;
    if (n_active(st) == 0 || rate <= 0)
        return;
    next = sim_next_done(w, s);
    mark_started(w, s, next);
    togo = w->job[next].togo > 0 ? w->job[next].togo : 0;
    if (w->sc->shared)
        togo *= n_active(st);
    sim_at(w, w->now + togo / rate, SIM_EV_COMPLETE, s, st->stamp);
}

/* How many checkpoints a job makes in `work` seconds of processor time. */
static double checkpoints(const struct sim *w, double work)
{
    double n, every = w->sc->checkpoint_every;

    if (every <= 0)
        return 0;
    n = (double)(uint64_t)(work / every);
    return n * every < work * (1 - 1e-12) ? n + 1 : n;
}

double sim_checkpoint_time(const struct sim *w, const struct sim_job *j)
{
    return w->sc->ckpt_fixed + j->image_mb / w->sc->ckpt_mb_s;
}

/* Work done since the (re)start; *held gets what a checkpoint holds of it. */
static double work_since(const struct sim *w, const struct sim_job *j,
                         double *held)
{
    double every = w->sc->checkpoint_every;
    double served = j->demand - j->togo - j->pre, segment, n, work;

    *held = 0;
    if (served <= 0)
        return 0;
    if (every <= 0)
        return served < j->left * j->factor ? served / j->factor : j->left;
    segment = every * j->factor + sim_checkpoint_time(w, j);
    n = (double)(uint64_t)(served / segment + 1e-9);
    *held = n * every < j->left ? n * every : j->left;
    work = (served - n * segment) / j->factor;
    work = n * every + (work < every ? work : every);
    return work < j->left ? work : j->left;
}

double sim_work_done(const struct sim *w, const struct sim_job *j)
{
    double held;

    return j->size - j->left + work_since(w, j, &held);
}

/* Begin (again) with `left` work and `pre` restart cost. */
static void restart(struct sim *w, struct sim_job *j)
{
    j->demand = j->pre + j->left * j->factor +
                checkpoints(w, j->left) * sim_checkpoint_time(w, j);
    j->togo = j->demand;
}

void sim_settle(struct sim *w, uint32_t j, bool keep)
{
    struct sim_job *job = &w->job[j];
    double served = job->demand - job->togo, held;
    double work = work_since(w, job, &held);
    double kept = keep ? work : held;

    job->left -= kept;
    if (w->measuring) {
        w->result->lost_s += work - kept;
        w->result->overhead_s += served - work;
    }
    if (job->home != job->at)
        job->remote_s += served;
    job->has_image = job->has_image || kept > 0;
    job->pre = job->started && job->has_image ? w->sc->restart_cost : 0;
    restart(w, job);
}

void sim_enqueue(struct sim *w, uint32_t s, uint32_t j)
{
    struct sim_station *st = &w->station[s];
    struct sim_job *job = &w->job[j];

    sim_advance(w, s);
    job->at = s;
    job->dest = POLICY_NOBODY;
    job->factor = job->io > 0 && job->io_station != s
                      ? 1 + job->io * (w->sc->io_remote - 1)
                      : 1;
    job->here_since = w->now;
    job->prev = st->tail;
    job->next = POLICY_NOBODY;
    if (st->tail != POLICY_NOBODY)
        w->job[st->tail].next = j;
    else
        st->head = j;
    st->tail = j;
    st->n++;
    st->n_foreign += sim_is_guest(w, s, j);
    st->mem_used += job->image_mb;
    restart(w, job);
    if (w->sc->shared && is_active(w, s, j))
        mark_started(w, s, j);
    sim_changed(w, s);
    if (w->sc->shared || st->head == j || st->stopped)
        sim_reschedule(w, s);
}

void sim_remove(struct sim *w, uint32_t s, uint32_t j)
{
    struct sim_station *st = &w->station[s];
    struct sim_job *job = &w->job[j];
    bool served = w->sc->shared || head_of(w, s) == j;

    sim_advance(w, s);
    if (job->prev != POLICY_NOBODY)
        w->job[job->prev].next = job->next;
    else
        st->head = job->next;
    if (job->next != POLICY_NOBODY)
        w->job[job->next].prev = job->prev;
    else
        st->tail = job->prev;
    st->n--;
    st->n_foreign -= sim_is_guest(w, s, j);
    st->mem_used -= job->image_mb;
    if (st->n_foreign == 0 && st->rung != POLICY_RUNG_RUNNING) {
        /* Nobody is left who waits for the owner. */
        st->rung = POLICY_RUNG_RUNNING;
        st->ladder_stamp++;
        st->stopped = false;
        served = true;
    }
    sim_changed(w, s);
    if (served)
        sim_reschedule(w, s);
}

uint32_t sim_job_new(struct sim *w)
{
    uint32_t j = w->free_job;

    if (j != POLICY_NOBODY) {
        w->free_job = w->job[j].next;
        return j;
    }
    if (w->n_jobs == w->room_jobs) {
        uint32_t room = w->room_jobs ? 2 * w->room_jobs : 1024;
        struct sim_job *more = realloc(w->job, room * sizeof *more);

        if (!more) {
            w->out_of_memory = true;
            return POLICY_NOBODY;
        }
        w->job = more;
        w->room_jobs = room;
    }
    return w->n_jobs++;
}

void sim_job_free(struct sim *w, uint32_t j)
{
    w->job[j].children = 0; /* no more of them */
    w->job[j].next = w->free_job;
    w->free_job = j;
}
