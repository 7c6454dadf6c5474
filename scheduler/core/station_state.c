/* station_state.c - see station_state.h */
#include "scheduler/core/station_state.h"

#include <stddef.h>

static const struct {
    enum station_state from;
    enum station_event event;
    enum station_state to;
} transitions[] = {
    {STATION_OWNER, STATION_EV_OWNER_AWAY, STATION_IDLE},
    {STATION_IDLE, STATION_EV_OWNER_BACK, STATION_OWNER},
    {STATION_IDLE, STATION_EV_CLAIM, STATION_CLAIMED},
    {STATION_CLAIMED, STATION_EV_OWNER_BACK, STATION_SUSPENDED},
    {STATION_CLAIMED, STATION_EV_LEAVE, STATION_VACATING},
    {STATION_CLAIMED, STATION_EV_JOB_GONE, STATION_IDLE},
    {STATION_SUSPENDED, STATION_EV_OWNER_AWAY, STATION_CLAIMED},
    {STATION_SUSPENDED, STATION_EV_GRACE_OVER, STATION_VACATING},
    {STATION_SUSPENDED, STATION_EV_LEAVE, STATION_VACATING},
    {STATION_SUSPENDED, STATION_EV_JOB_GONE, STATION_OWNER},
    {STATION_VACATING, STATION_EV_JOB_GONE, STATION_OWNER},
    {STATION_VACATING, STATION_EV_STAY, STATION_CLAIMED},
};

bool station_state_step(enum station_state *state, enum station_event event)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++) {
        if (transitions[i].from == *state && transitions[i].event == event) {
            *state = transitions[i].to;
            return true;
        }
    }
    return false;
}

const char *station_state_name(enum station_state state)
{
    static const char *const names[STATION_STATES] = {
        [STATION_OWNER] = "Owner",       [STATION_IDLE] = "Idle",
        [STATION_CLAIMED] = "Claimed",   [STATION_SUSPENDED] = "Suspended",
        [STATION_VACATING] = "Vacating",
    };

    return (unsigned)state < STATION_STATES ? names[state] : "?";
}

const char *station_event_name(enum station_event event)
{
    static const char *const names[STATION_EVENTS] = {
        [STATION_EV_OWNER_AWAY] = "owner away",
        [STATION_EV_OWNER_BACK] = "owner back",
        [STATION_EV_CLAIM] = "claim",
        [STATION_EV_GRACE_OVER] = "grace over",
        [STATION_EV_LEAVE] = "leave",
        [STATION_EV_STAY] = "stay",
        [STATION_EV_JOB_GONE] = "job gone",
    };

    return (unsigned)event < STATION_EVENTS ? names[event] : "?";
}

static enum station_step due(enum station_event *event,
                             enum station_event which)
{
    *event = which;
    return STATION_STEP_EVENT;
}

/* Nobody who can tell: the owner counts as here. */
static bool free_for_jobs(const struct policy_params *par,
                          const struct station_view *view, const char **why)
{
    if (!view->trusted) {
        *why = "no source can tell whether the owner is here";
        return false;
    }
    if (view->closed) {
        *why = view->closed;
        return false;
    }
    if (!view->load_known) {
        *why = "the load is not known yet";
        return false;
    }
    return policy_station_idle(par, view->owner_idle_s, view->load, why);
}

/* While a job is there the load does not count: what the owner left running
 * does not bring the owner back. */
static bool owner_here(const struct station_view *view, const char **why)
{
    if (!view->trusted) {
        *why = "no source can tell whether the owner is here";
        return true;
    }
    if (view->closed) {
        *why = view->closed;
        return true;
    }
    bool here = view->owner_idle_s < view->resume_idle_s;
    *why = here ? "the owner is back" : "owner away";
    return here;
}

static enum station_step climb(enum policy_rung rung,
                               const struct policy_params *par,
                               const struct station_view *view,
                               enum station_event *event, const char **why)
{
    bool here = owner_here(view, why);
    struct policy_ladder_step step =
        policy_ladder_next(par, rung, 0, here, view->in_state_s);

    switch (step.what) {
    case POLICY_LADDER_WAIT:
        return STATION_STEP_NONE;
    case POLICY_LADDER_SUSPEND:
        return due(event, STATION_EV_OWNER_BACK);
    case POLICY_LADDER_RESUME:
        return due(event, STATION_EV_OWNER_AWAY);
    case POLICY_LADDER_VACATE:
        return due(event, STATION_EV_GRACE_OVER);
    case POLICY_LADDER_KILL:
        return STATION_STEP_KILL;
    }
    return STATION_STEP_NONE;
}

enum station_step station_decide(enum station_state state,
                                 const struct policy_params *par,
                                 const struct station_view *view,
                                 enum station_event *event, const char **why)
{
    const char *reason;

    why = why ? why : &reason;
    switch (state) {
    case STATION_OWNER:
        return free_for_jobs(par, view, why) ? due(event, STATION_EV_OWNER_AWAY)
                                             : STATION_STEP_NONE;
    case STATION_IDLE:
        return free_for_jobs(par, view, why)
                   ? STATION_STEP_NONE
                   : due(event, STATION_EV_OWNER_BACK);
    case STATION_CLAIMED:
        return climb(POLICY_RUNG_RUNNING, par, view, event, why);
    case STATION_SUSPENDED:
        return climb(POLICY_RUNG_SUSPENDED, par, view, event, why);
    case STATION_VACATING:
        return climb(POLICY_RUNG_VACATING, par, view, event, why);
    }
    return STATION_STEP_NONE;
}
