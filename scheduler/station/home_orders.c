/* home_orders.c - what the coordinator wants of jobs that run; see home.h
 *
 * A job that is to make room, or has a better place, is asked to leave with a
 * checkpoint.  One that cannot make one stays: nothing is lost by an order,
 * and the coordinator hears that it cannot be moved.
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/words.h"
#include "scheduler/station/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void order_take(struct home *home, const coord_order *order)
{
    struct active *active = active_find(home, order->job);
    struct job_detail detail = {.text = order->why};

    if (!active || active->phase != ACTIVE_RUN || active->leave ||
        home->stopping || strcmp(active->station, order->from) != 0)
        return;
    if (home_apply(home, order->job, JOB_EV_VACATE, &detail) < 0)
        return;
    log_line("job %llu: leaves %s%s%s: %s", (unsigned long long)order->job,
             order->from, order->to[0] ? " for " : "", order->to, order->why);
    active_leave(active, false, order->why);
    active->ordered = true;
}

void order_migrate(struct home *home, struct active *active,
                   const char *station)
{
    char why[JOB_STATION_MAX + 64];
    struct job_detail detail = {.text = why};
    struct ckpt_err err;

    snprintf(why, sizeof why, "the job asked to go to %s (ckpt_migrate)",
             station[0] ? station : "another station");
    if (active->phase != ACTIVE_RUN || active->leave || home->stopping)
        return;
    if (station[0] &&
        store_set_want_station(home->store, active->id, station, &err) < 0) {
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
        return;
    }
    if (home_apply(home, active->id, JOB_EV_VACATE, &detail) < 0)
        return;
    log_line("job %llu: %s", (unsigned long long)active->id, why);
    active_leave(active, false, why);
}

void order_refused(struct home *home, struct active *active)
{
    struct job_detail detail = {.text = "stays: its checkpoint was refused"};
    struct ckpt_err err;

    active->refused = true;
    if (!active->ordered || !active->leave || active->kill)
        return;
    if (station_stay(home, active, &err) < 0) {
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
        return;
    }
    active->ordered = active->leave = false;
    home_apply(home, active->id, JOB_EV_STAYED, &detail);
}

/* The queue knows what earlier incarnations used. */
static bool add_running(struct home *home, const struct active *active,
                        coord_jobs_args *ad)
{
    coord_running_job *to =
        &ad->on_stations.on_stations_val[ad->on_stations.on_stations_len];
    struct job job;

    if (active->phase != ACTIVE_RUN || active->leave ||
        store_get(home->store, active->id, &job, NULL) < 0)
        return true;
    *to = (coord_running_job){
        .cpu_ms = (uint64_t)job.cpu_usec / 1000,
        .image_size = job.image_size,
        .movable = job.state == JOB_RUNNING && !active->refused,
    };
    ad->on_stations.on_stations_len++;
    bool good = home_describe_job(&job, &to->job) &&
                words_copy(&to->station, active->station);
    job_clear(&job);
    return good;
}

int order_gather(struct home *home, coord_jobs_args *ad, struct ckpt_err *err)
{
    ad->on_stations.on_stations_val =
        calloc(COORD_RUNNING_MAX, sizeof *ad->on_stations.on_stations_val);
    if (!ad->on_stations.on_stations_val)
        return ckpt_err_sys(err, "no memory");
    for (const struct active *a = home->active;
         a && ad->on_stations.on_stations_len < COORD_RUNNING_MAX; a = a->next)
        if (!add_running(home, a, ad))
            return ckpt_err_sys(err, "no memory");
    return 0;
}
