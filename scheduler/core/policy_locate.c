/* policy_locate.c - location rules: where to, or where from?
 *
 * A score compares stations; POLICY_UNFIT rules one out.  Stations whose
 * owner is there are ruled out before a rule is asked.  When the coordinator
 * places jobs there is no station of its own: view->self is NULL.
 */
#include "scheduler/core/policy_rules.h"

static double busy_enough(const struct policy_view *view,
                          const struct policy_station *station)
{
    return station->jobs >= view->par->fetch_from ? (double)station->jobs
                                                  : POLICY_UNFIT;
}

static double anywhere(const struct policy_view *view,
                       enum policy_transfer want, const struct policy_job *job,
                       const struct policy_station *station)
{
    (void)job;
    if (want == POLICY_TRANSFER_FETCH)
        return busy_enough(view, station);
    return 0;
}

static double below(const struct policy_view *view, enum policy_transfer want,
                    const struct policy_job *job,
                    const struct policy_station *station)
{
    (void)job;
    if (want == POLICY_TRANSFER_FETCH)
        return busy_enough(view, station);
    return station->jobs < view->par->threshold ? -(double)station->jobs
                                                : POLICY_UNFIT;
}

static double lowest(const struct policy_view *view, enum policy_transfer want,
                     const struct policy_job *job,
                     const struct policy_station *station)
{
    double there = station->jobs;

    (void)job;
    if (want == POLICY_TRANSFER_FETCH)
        return busy_enough(view, station);
    if (want == POLICY_TRANSFER_EXPORT)
        there += 1;
    if (view->self && view->self->jobs - there < view->par->place_margin)
        return POLICY_UNFIT;
    return -there;
}

static double fastest_idle(const struct policy_view *view,
                           enum policy_transfer want,
                           const struct policy_job *job,
                           const struct policy_station *station)
{
    (void)view;
    (void)want;
    if (station->state != POLICY_STATION_IDLE)
        return POLICY_UNFIT;
    return job && job->from == station->id ? station->speed - 1e6
                                           : station->speed;
}

static double longest_idle(const struct policy_view *view,
                           enum policy_transfer want,
                           const struct policy_job *job,
                           const struct policy_station *station)
{
    (void)want;
    (void)job;
    if (station->state != POLICY_STATION_IDLE || station->jobs > 0)
        return POLICY_UNFIT;
    return view->now - station->idle_since + station->idle_mean;
}

static double next_in_turn(const struct policy_view *view,
                           enum policy_transfer want,
                           const struct policy_job *job,
                           const struct policy_station *station)
{
    uint32_t n = view->n_stations;
    uint32_t cursor = view->memory ? view->memory->cursor : 0;

    if (below(view, want, job, station) <= POLICY_UNFIT)
        return POLICY_UNFIT;
    return -(double)((station->id + n - cursor % n) % n);
}

static double least_within(const struct policy_view *view,
                           enum policy_transfer want,
                           const struct policy_job *job,
                           const struct policy_station *station)
{
    double limit = view->memory ? view->memory->threshold : 1e300;

    (void)want;
    (void)job;
    return station->load <= limit ? -station->load : POLICY_UNFIT;
}

static double by_level(const struct policy_view *view,
                       enum policy_transfer want, const struct policy_job *job,
                       const struct policy_station *station)
{
    uint32_t level = want == POLICY_TRANSFER_FETCH ? POLICY_OVER : POLICY_UNDER;

    (void)view;
    (void)job;
    return station->level == level ? -station->load : POLICY_UNFIT;
}

static double difference(const struct policy_view *view,
                         enum policy_transfer want,
                         const struct policy_job *job,
                         const struct policy_station *station)
{
    double d = view->self ? view->self->load - station->load : -station->load;

    (void)want;
    (void)job;
    return view->self && d <= view->par->offload ? POLICY_UNFIT : d;
}

/* Opportunity cost (Amir et al., MOS-1): n^(use/capacity), summed over the
 * resources; processor use counts relative to the most loaded station known,
 * so that both resources lie between 0 and 1. */
static double opportunity(const struct policy_view *view, double cpu_use,
                          double mem_use, double full)
{
    double base = policy_log(view->n_stations > 1 ? view->n_stations : 2);

    return policy_exp(base * cpu_use / full) + policy_exp(base * mem_use);
}

static double most_used(const struct policy_view *view)
{
    double most = 1;
    size_t i;

    for (i = 0; i < view->n_known; i++)
        if (view->known[i].heard >= 0 && view->known[i].cpu_use > most)
            most = view->known[i].cpu_use;
    if (view->self && view->self->cpu_use > most)
        most = view->self->cpu_use;
    return most;
}

static double cheapest(const struct policy_view *view,
                       enum policy_transfer want, const struct policy_job *job,
                       const struct policy_station *station)
{
    double cpu = (job ? job->cpu_need : 1) / station->speed;
    double mem = job ? job->mem_need : 0;
    double full = most_used(view) + cpu;
    double cost = opportunity(view, station->cpu_use + cpu,
                              station->mem_use + mem, full) -
                  opportunity(view, station->cpu_use, station->mem_use, full);
    double saved = 0;
    const struct policy_station *self = view->self;

    if (station->mem_use + mem > 1)
        return POLICY_UNFIT;
    if (self && want == POLICY_TRANSFER_EXPORT)
        saved = opportunity(view, self->cpu_use, self->mem_use, full) -
                opportunity(view,
                            self->cpu_use - cpu * station->speed / self->speed,
                            self->mem_use - mem, full);
    if (job && job->io_rate > 0 && job->io_station == station->id)
        saved += view->par->io_weight * job->io_rate * cost;
    if (self && want == POLICY_TRANSFER_EXPORT && saved <= cost * (1 + 1e-9))
        return POLICY_UNFIT;
    return saved - cost;
}

const struct policy_location_rule policy_location_rules[] = {
    [LOCATE_RANDOM] = {"random", "IIT-24", "a random station, unasked",
                       POLICY_BY_SEVERAL, true, false, false, anywhere},
    [LOCATE_BELOW] = {"below", "SHK-4", "the first with fewer than T jobs",
                      POLICY_BY_JOBS, false, true, false, below},
    [LOCATE_SHORTEST] = {"shortest", "DEM-12",
                         "the shortest of those with fewer than T jobs",
                         POLICY_BY_JOBS, false, false, false, below},
    [LOCATE_LOWEST] = {"lowest", "DEM-12 MPV-1",
                       "the shortest, if shorter than here", POLICY_BY_JOBS,
                       false, false, false, lowest},
    [LOCATE_IDLE] = {"idle", "CON-5",
                     "the fastest idle station, not the one just left",
                     POLICY_BY_SEVERAL, false, false, true, fastest_idle},
    [LOCATE_LONGEST_IDLE] = {"longest-idle", "SPR-4",
                             "idle longest, by age and history", POLICY_BY_IDLE,
                             false, false, true, longest_idle},
    [LOCATE_IN_TURN] = {"in-turn", "IIT-17", "round robin over those below T",
                        POLICY_BY_SEVERAL, false, false, false, next_in_turn},
    [LOCATE_LEAST] = {"least", "IIT-17 IIT-19",
                      "the least loaded, if within the threshold",
                      POLICY_BY_JOBS, false, false, false, least_within},
    [LOCATE_LEVEL] = {"level", "SHK-3 SHK-4 SHK-5",
                      "the first free (to place) or busy (to "
                      "fetch) by vote",
                      POLICY_BY_SEVERAL, false, true, false, by_level},
    [LOCATE_DIFFERENCE] = {"difference", "TCS-12",
                           "the lightest, if lighter by more than K",
                           POLICY_BY_JOBS, false, false, false, difference},
    [LOCATE_CHEAPEST] = {"cheapest", "MOS-1 MOS-5", "least opportunity cost",
                         POLICY_BY_SEVERAL, false, false, false, cheapest},
    {NULL, NULL, NULL, POLICY_BY_SEVERAL, false, false, false, NULL},
};

const struct policy_information_rule policy_information_rules[] = {
    [INFO_NONE] = {"none", "-", "nothing is known", POLICY_INFO_NONE},
    [INFO_PROBE] = {"probe", "DEM-12 SHK-4", "asked for when needed",
                    POLICY_INFO_PROBE},
    [INFO_TABLE] = {"table", "CON-5 SPR-3 IIT-16",
                    "one table of all, refreshed each period",
                    POLICY_INFO_TABLE},
    [INFO_GOSSIP] = {"gossip", "MOS-4 MOS-12",
                     "a random subset, spread by neighbours",
                     POLICY_INFO_GOSSIP},
    [INFO_ADVERT] = {"advert", "DEM-12", "under-loaded stations advertise",
                     POLICY_INFO_ADVERT},
    [INFO_ORACLE] = {"oracle", "DEM-15", "all is known at once (a bound)",
                     POLICY_INFO_ORACLE},
    {NULL, NULL, NULL, POLICY_INFO_NONE},
};
