/* arrivals.c - who brings which job when */
#include "scheduler/sim/world.h"

#include <string.h>

/* Is the job that arrives now one to be measured? */
static bool is_measured(struct sim *w, uint64_t number)
{
    const struct sim_scenario *sc = w->sc;

    if (sc->jobs > 0)
        return number >= sc->warmup_jobs &&
               number < (uint64_t)sc->warmup_jobs + sc->jobs;
    return w->now >= sc->warmup;
}

static struct sim_job *new_job(struct sim *w, uint32_t user, double size,
                               double image_mb)
{
    uint32_t j = sim_job_new(w);
    struct sim_job *job;

    if (j == POLICY_NOBODY)
        return NULL;
    job = &w->job[j];
    memset(job, 0, sizeof *job);
    job->arrive = w->now;
    job->size = job->left = size;
    job->demand = job->togo = size;
    job->factor = 1;
    job->image_mb = image_mb;
    job->user = user;
    job->home = w->user[user].home;
    job->at = job->from = job->dest = job->io_station = POLICY_NOBODY;
    job->prev = job->next = POLICY_NOBODY;
    job->first_start = -1;
    job->movable =
        w->sc->movable >= 1 || policy_rng_unit(&w->work) < w->sc->movable;
    job->number = w->arrived++;
    job->measured = is_measured(w, job->number);
    if (!w->measuring && job->measured)
        sim_window_open(w);
    w->in_system++;
    return job;
}

/* It is queued, or arrives at a station. */
static void enter(struct sim *w, uint32_t j, uint32_t station)
{
    if (w->policy.harvest)
        sim_queue(w, j, false);
    else
        sim_place(w, station, j);
}

/* What it does besides computing. */
static void give_habits(struct sim *w, struct sim_job *job,
                        const struct sim_class *class)
{
    uint32_t servers = w->sc->io_servers ? w->sc->io_servers : w->n_stations;

    job->io = sim_law_draw(&class->io, &w->work);
    if (job->io > 0)
        job->io_station = policy_rng_below(
            &w->work, servers < w->n_stations ? servers : w->n_stations);
    job->children = (uint32_t)sim_law_draw(&class->forks, &w->work);
    if (job->children > 0)
        sim_at(w, w->now + w->sc->fork_every, SIM_EV_FORK,
               (uint32_t)(job - w->job), (uint32_t)job->number);
}

void sim_submit(struct sim *w, uint32_t c, uint32_t user)
{
    const struct sim_class *class = &w->sc->class[c];
    double size = sim_law_draw(&class->size, &w->work);
    double image = sim_law_draw(&class->image, &w->work);
    struct sim_job *job = new_job(w, user, size > 0 ? size : 1e-9, image);

    if (!job)
        return;
    give_habits(w, job, class);
    enter(w, (uint32_t)(job - w->job), job->home);
}

/* A child is a job of its own, and begins where its parent is. */
void sim_fork(struct sim *w, uint32_t j, uint32_t number)
{
    struct sim_job *job = &w->job[j], *child;
    const struct sim_class *class;
    uint32_t at = job->at, user = job->user;
    double size;

    if ((uint32_t)job->number != number || job->forks >= job->children)
        return;
    sim_at(w, w->now + w->sc->fork_every, SIM_EV_FORK, j, number);
    if (at == POLICY_NOBODY || !job->started)
        return; /* not while it waits or travels */
    job->forks++;
    class = &w->sc->class[w->user[user].class];
    size = sim_law_draw(&class->fork_size, &w->work);
    child = new_job(w, user, size > 0 ? size : 1e-9, job->image_mb);
    if (child)
        enter(w, (uint32_t)(child - w->job), at);
}

void sim_next_arrival(struct sim *w, uint32_t c)
{
    double rate = w->sc->class[c].rate * w->hour_max;

    sim_at(w, w->now + policy_rng_exp(&w->arrivals, 1 / rate), SIM_EV_ARRIVAL,
           c, 0);
}

void sim_arrival(struct sim *w, uint32_t c)
{
    uint32_t users = w->class_first[c + 1] - w->class_first[c];

    sim_next_arrival(w, c);
    /* Thinning: the rate follows the hour. */
    if (w->sc->diurnal &&
        policy_rng_unit(&w->arrivals) * w->hour_max > sim_activity(w, w->now))
        return;
    sim_submit(w, c, w->class_first[c] + policy_rng_below(&w->arrivals, users));
}

void sim_record_arrives(struct sim *w, uint32_t i)
{
    const struct sim_record *r = &w->sc->record[i];
    struct sim_job *job;

    if (i + 1 < w->sc->n_records)
        sim_at(w, w->sc->record[i + 1].submit, SIM_EV_RECORD, i + 1, 0);
    job = new_job(w, w->class_first[w->sc->n_classes] + r->user, r->size,
                  r->image_mb);
    if (job)
        enter(w, (uint32_t)(job - w->job), job->home);
}
