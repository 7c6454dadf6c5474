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

static void submit(struct sim *w, uint32_t user, double size, double image_mb)
{
    uint32_t j = sim_job_new(w);
    struct sim_job *job;

    if (j == POLICY_NOBODY)
        return;
    job = &w->job[j];
    memset(job, 0, sizeof *job);
    job->arrive = w->now;
    job->size = job->left = size;
    job->demand = job->togo = size;
    job->image_mb = image_mb;
    job->user = user;
    job->home = w->user[user].home;
    job->at = job->from = job->dest = POLICY_NOBODY;
    job->prev = job->next = POLICY_NOBODY;
    job->first_start = -1;
    job->movable =
        w->sc->movable >= 1 || policy_rng_unit(&w->work) < w->sc->movable;
    job->number = w->arrived++;
    job->measured = is_measured(w, job->number);
    if (!w->measuring && job->measured)
        sim_window_open(w);
    w->in_system++;
    if (w->policy.harvest)
        sim_queue(w, j, false);
    else
        sim_place(w, job->home, j);
}

void sim_submit(struct sim *w, uint32_t c, uint32_t user)
{
    const struct sim_class *class = &w->sc->class[c];
    double size = sim_law_draw(&class->size, &w->work);
    double image = sim_law_draw(&class->image, &w->work);

    submit(w, user, size > 0 ? size : 1e-9, image);
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

    if (i + 1 < w->sc->n_records)
        sim_at(w, w->sc->record[i + 1].submit, SIM_EV_RECORD, i + 1, 0);
    submit(w, w->class_first[w->sc->n_classes] + r->user, r->size, r->image_mb);
}
