/* policy_transfer.c - transfer rules: should something move now?
 *
 * self->jobs does not count a job that is just arriving.
 */
#include "scheduler/core/policy_rules.h"

typedef enum policy_transfer decision;

static decision never(const struct policy_view *view, enum policy_event event)
{
    (void)view;
    (void)event;
    return POLICY_TRANSFER_NONE;
}

static decision place(const struct policy_view *view, enum policy_event event)
{
    (void)view;
    return event == POLICY_EV_ARRIVAL ? POLICY_TRANSFER_PLACE
                                      : POLICY_TRANSFER_NONE;
}

static decision harvest(const struct policy_view *view, enum policy_event event)
{
    (void)view;
    return event == POLICY_EV_OWNER_BACK ? POLICY_TRANSFER_EVICT
                                         : POLICY_TRANSFER_NONE;
}

static decision exec_time(const struct policy_view *view,
                          enum policy_event event)
{
    if (event == POLICY_EV_OWNER_BACK)
        return POLICY_TRANSFER_EVICT;
    return place(view, event);
}

static decision excess(const struct policy_view *view, enum policy_event event)
{
    if (event == POLICY_EV_TICK && view->self->load > view->par->high_load)
        return POLICY_TRANSFER_EXPORT;
    return exec_time(view, event);
}

static decision sender(const struct policy_view *view, enum policy_event event)
{
    if (event == POLICY_EV_ARRIVAL &&
        (double)view->self->jobs >= view->par->threshold)
        return POLICY_TRANSFER_PLACE;
    return POLICY_TRANSFER_NONE;
}

static decision receiver(const struct policy_view *view,
                         enum policy_event event)
{
    if (event == POLICY_EV_DEPARTURE &&
        view->self->state != POLICY_STATION_OWNER &&
        (double)view->self->jobs < view->par->fetch_below)
        return POLICY_TRANSFER_FETCH;
    return POLICY_TRANSFER_NONE;
}

static decision symmetric(const struct policy_view *view,
                          enum policy_event event)
{
    decision d = sender(view, event);

    return d == POLICY_TRANSFER_NONE ? receiver(view, event) : d;
}

/* Sender-initiated without preemption, receiver-initiated with it. */
static decision watermark(const struct policy_view *view,
                          enum policy_event event)
{
    if (event == POLICY_EV_ARRIVAL && view->self->level == POLICY_OVER)
        return POLICY_TRANSFER_PLACE;
    if ((event == POLICY_EV_DEPARTURE || event == POLICY_EV_TICK) &&
        view->self->state != POLICY_STATION_OWNER &&
        view->self->level == POLICY_UNDER)
        return POLICY_TRANSFER_FETCH;
    return POLICY_TRANSFER_NONE;
}

double policy_adapt(double threshold, double least, double rate, double floor)
{
    double next = threshold + rate * (least - threshold);

    return next > floor ? next : floor;
}

double policy_adapt_printed(double threshold, double least, double rate,
                            double floor)
{
    if (least <= threshold && threshold > floor)
        return threshold - (least - threshold) * rate;
    if (least > threshold)
        return threshold + (threshold - least) * rate;
    return threshold;
}

/* The least load of others that are for jobs; negative: none is known. */
static double least_load(const struct policy_view *view)
{
    double least = -1;
    size_t i;

    for (i = 0; i < view->n_known; i++) {
        const struct policy_station *s = &view->known[i];

        if (s->heard < 0 || s->id == view->self->id || policy_in_use(s))
            continue;
        if (least < 0 || s->load < least)
            least = s->load;
    }
    return least;
}

static decision adapt_with(const struct policy_view *view,
                           enum policy_event event,
                           double (*next)(double, double, double, double))
{
    double least = least_load(view);
    double lt = view->memory->threshold;

    if (least < 0)
        return POLICY_TRANSFER_NONE;
    if (event == POLICY_EV_TICK)
        view->memory->threshold =
            next(lt, least, view->par->adapt_rate, view->par->adapt_floor);
    if (event != POLICY_EV_ARRIVAL || view->self->load <= lt || least > lt)
        return POLICY_TRANSFER_NONE;
    return POLICY_TRANSFER_PLACE;
}

static decision adaptive(const struct policy_view *view,
                         enum policy_event event)
{
    return adapt_with(view, event, policy_adapt);
}

static decision adaptive_printed(const struct policy_view *view,
                                 enum policy_event event)
{
    return adapt_with(view, event, policy_adapt_printed);
}

static decision offload(const struct policy_view *view, enum policy_event event)
{
    double least = least_load(view);

    if (event != POLICY_EV_TICK || least < 0 ||
        policy_leased(view->memory, view->now))
        return POLICY_TRANSFER_NONE;
    return view->self->load - least > view->par->offload
               ? POLICY_TRANSFER_EXPORT
               : POLICY_TRANSFER_NONE;
}

static decision balance(const struct policy_view *view, enum policy_event event)
{
    return event == POLICY_EV_TICK && view->n_jobs > 0 ? POLICY_TRANSFER_EXPORT
                                                       : POLICY_TRANSFER_NONE;
}

/* Harchol-Balter and Downey look when a job arrives at a busy station. */
static decision arrival_moves(const struct policy_view *view,
                              enum policy_event event)
{
    if (event == POLICY_EV_ARRIVAL && view->self->jobs > 0)
        return POLICY_TRANSFER_EXPORT;
    return balance(view, event);
}

const struct policy_transfer_rule policy_transfer_rules[] = {
    [TRANSFER_NEVER] = {"never", "-", "everything stays where it arrives",
                        false, never},
    [TRANSFER_PLACE] = {"place", "TCS-16",
                        "every arriving job is offered elsewhere", false,
                        place},
    [TRANSFER_HARVEST] = {"harvest", "CON-1 CON-18",
                          "foreign jobs leave when the owner is back", false,
                          harvest},
    [TRANSFER_EXEC] = {"exec", "SPR-2",
                       "at the start of a program, and on eviction", false,
                       exec_time},
    [TRANSFER_EXCESS] = {"excess", "MPV-2",
                         "at creation, eviction and excessive load", true,
                         excess},
    [TRANSFER_SENDER] = {"sender", "IIT-23 DEM-13",
                         "arrivals that find T or more jobs", false, sender},
    [TRANSFER_RECEIVER] = {"receiver", "DEM-4 SHK-5",
                           "a station that runs short asks for work", false,
                           receiver},
    [TRANSFER_SYMMETRIC] = {"symmetric", "IIT-23",
                            "sender and receiver at once", false, symmetric},
    [TRANSFER_WATERMARK] = {"watermark", "SHK-3 SHK-4 SHK-5",
                            "busy places, free fetches", true, watermark},
    [TRANSFER_ADAPTIVE] = {"adaptive", "IIT-17 IIT-18 IIT-19",
                           "above a threshold that follows "
                           "the pool's least load",
                           true, adaptive},
    [TRANSFER_ADAPTIVE_PRINTED] = {"adaptive-printed", "IIT-19",
                                   "the same with the signs as printed: "
                                   "diverges, for comparison only",
                                   true, adaptive_printed},
    [TRANSFER_OFFLOAD] = {"offload", "TCS-12 TCS-14",
                          "more than K above the lightest", true, offload},
    [TRANSFER_BALANCE] = {"balance", "MOS-1", "all the time", true, balance},
    [TRANSFER_ARRIVAL] = {"arrival", "C11 MOS-14",
                          "when a job arrives at a busy station, and all "
                          "the time",
                          true, arrival_moves},
    {NULL, NULL, NULL, false, NULL},
};
