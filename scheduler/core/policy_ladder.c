/* policy_ladder.c - see policy_ladder.h */
#include "scheduler/core/policy_ladder.h"

static struct policy_ladder_step now_do(enum policy_ladder_do what)
{
    struct policy_ladder_step step = {what, 0};

    return step;
}

/* `what` once `limit_s` has passed since `since`; wait until then. */
static struct policy_ladder_step after(enum policy_ladder_do what, double since,
                                       double limit_s, double now)
{
    struct policy_ladder_step step = {POLICY_LADDER_WAIT, since + limit_s};

    return now >= since + limit_s ? now_do(what) : step;
}

struct policy_ladder_step policy_ladder_next(const struct policy_params *par,
                                             enum policy_rung rung,
                                             double since, bool owner_here,
                                             double now)
{
    struct policy_ladder_step wait = {POLICY_LADDER_WAIT, 1.0 / 0.0};

    switch (rung) {
    case POLICY_RUNG_RUNNING:
        return owner_here ? now_do(POLICY_LADDER_SUSPEND) : wait;
    case POLICY_RUNG_SUSPENDED:
        if (!owner_here)
            return now_do(POLICY_LADDER_RESUME);
        return after(POLICY_LADDER_VACATE, since, par->suspend_grace_s, now);
    case POLICY_RUNG_VACATING:
        return after(POLICY_LADDER_KILL, since, par->vacate_limit_s, now);
    }
    return wait;
}

bool policy_station_idle(const struct policy_params *par, double owner_idle_s,
                         double load_of_others, const char **why)
{
    const char *reason = "owner away, load low";
    bool idle = false;

    if (owner_idle_s < par->idle_start_s)
        reason = "owner was active less than idle_start ago";
    else if (load_of_others > par->load_start)
        reason = "load of others is above load_start";
    else
        idle = true;
    if (why)
        *why = reason;
    return idle;
}
