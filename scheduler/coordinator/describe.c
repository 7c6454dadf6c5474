/* describe.c - see describe.h */
#include "scheduler/coordinator/describe.h"

#include "scheduler/coordinator/plans.h"

#include <string.h>

static const double MB = 1048576;

static double seconds(uint64_t ms)
{
    return (double)ms / 1000;
}

/* Others' processes for each processor, as a number of them: a process that
 * is there three quarters of the time counts. */
static uint32_t competitors(double others)
{
    return (uint32_t)(others + 0.25);
}

static bool kept(const struct table *t, const struct known_station *known)
{
    return known->reserved_ms != 0 ||
           (t->n_plans && plans_for_station(t, known->ad.name));
}

static bool immovable(const struct table *t, const pool_station *ad)
{
    const coord_running_job *job = table_running(t, ad->home, ad->job);

    return !job || !job->movable ||
           (t->n_plans && plans_for_leaver(t, ad->home, ad->job));
}

void describe_station(struct table *t, size_t i,
                      const struct policy_params *par,
                      struct policy_station *to)
{
    const struct known_station *known = t->stations[i];
    const pool_station *ad = &known->ad;
    bool runs = ad->state != POOL_ST_OWNER && ad->state != POOL_ST_IDLE;
    bool promised = kept(t, known);
    double others = (ad->index_known ? ad->others_milli : ad->load_milli) / 1e3;
    double total = (ad->index_known ? ad->total_milli : ad->load_milli) / 1e3;

    *to = (struct policy_station){
        .id = (uint32_t)i,
        .state = ad->state == POOL_ST_IDLE && promised ? POLICY_STATION_CLAIMED
                                                       : (uint32_t)ad->state,
        .level = ad->index_known ? ad->index_level : POLICY_NORMAL,
        .jobs = (runs || promised) + competitors(others),
        .load = total,
        .heard = seconds(known->heard_ms),
        .speed = 1,
        .cpu_use = total,
        .mem_use = ad->index_milli[POLICY_LOAD_MEM] / 1e3,
        .idle_since = seconds(known->owner_left_ms),
        .idle_mean = seconds(ad->idle_mean_ms),
        .user = runs && ad->owner[0]
                    ? table_user(t, ad->home, ad->owner, &par->shares)
                    : POLICY_NOBODY,
        .job_since = seconds(known->heard_ms) - seconds(ad->job_here_ms),
        .job_immovable = promised || (runs && immovable(t, ad)),
    };
}

bool describe_running(const struct table *t, size_t i, uint64_t now_ms,
                      struct policy_job *to)
{
    const pool_station *ad = &t->stations[i]->ad;
    const coord_running_job *job = table_running(t, ad->home, ad->job);

    if (!job || strcmp(job->station, ad->name) != 0)
        return false;
    *to = (struct policy_job){
        .home = POLICY_NOBODY,
        .from = POLICY_NOBODY,
        .since = seconds(now_ms),
        .cpu_s = seconds(job->cpu_ms + ad->job_cpu_ms),
        .here_since =
            seconds(t->stations[i]->heard_ms) - seconds(ad->job_here_ms),
        .image_mb = (double)job->image_size / MB,
        .cpu_need = 1,
        .io_station = POLICY_NOBODY,
        .started = true,
        .movable = job->movable && !plans_for_leaver(t, ad->home, ad->job) &&
                   !plans_for_station(t, ad->name),
    };
    return true;
}

static bool said_fits(const coord_idle_job *job, const pool_station *station)
{
    if (job->want_station[0] && strcmp(job->want_station, station->name) != 0)
        return false;
    return job->mem_need <= station->mem_total &&
           job->disk_need <= station->disk_free;
}

bool describe_fits(const coord_idle_job *job, const struct expr *needs,
                   const pool_station *ad)
{
    if (!said_fits(job, ad))
        return false;
    if (!needs)
        return true;
    struct expr_station station = {
        .name = ad->name,
        .arch = ad->arch,
        .features = ad->features,
        .memory = ad->mem_total,
        .memory_free = ad->mem_free,
        .disk = ad->disk_free,
        .cpus = ad->cpus,
        .load = (double)ad->load_milli / 1000,
        .owner_idle = seconds(ad->owner_idle_ms),
    };
    return expr_match(needs, &station);
}
