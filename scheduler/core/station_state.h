/* station_state.h - the states of an execution station, as a table
 *
 * Pure.  doc/station-states.md has the picture; nothing else sets a state.
 */
#ifndef CKPT_SCHEDULER_STATION_STATE_H
#define CKPT_SCHEDULER_STATION_STATE_H

#include "scheduler/core/policy_ladder.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of the wire (pool.x, pool_station_state). */
enum station_state {
    STATION_OWNER = 0,
    STATION_IDLE = 1,
    STATION_CLAIMED = 2,
    STATION_SUSPENDED = 3,
    STATION_VACATING = 4,
};
enum { STATION_STATES = 5 };

enum station_event {
    STATION_EV_OWNER_AWAY, /* owner away long enough, load low enough */
    STATION_EV_OWNER_BACK, /* the owner did something, or nobody can tell */
    STATION_EV_CLAIM,      /* a home claimed us */
    STATION_EV_GRACE_OVER, /* suspended for suspend_grace */
    STATION_EV_LEAVE,      /* somebody asked for the job to go */
    STATION_EV_STAY,       /* and takes it back */
    STATION_EV_JOB_GONE,   /* no process of the job is left, or the claim
                              ended without one */
};
enum { STATION_EVENTS = 7 };

/* Put the next state into *state.  False, and *state untouched, when the event
 * means nothing in this state. */
bool station_state_step(enum station_state *state, enum station_event event);

const char *station_state_name(enum station_state state);
const char *station_event_name(enum station_event event);

/* What is known at one moment; times in seconds. */
struct station_view {
    bool trusted;        /* some source can tell about the owner */
    const char *closed;  /* why jobs may not be here whatever the owner does;
                            NULL: they may */
    double owner_idle_s; /* since the last activity */
    bool load_known;
    double load;          /* load without our own jobs */
    double in_state_s;    /* how long we have been in the state */
    double resume_idle_s; /* away this long: a suspended job goes on */
};

enum station_step {
    STATION_STEP_NONE,
    STATION_STEP_EVENT, /* *event is due */
    STATION_STEP_KILL,  /* vacating for too long: kill the job */
};

/* What time and the owner demand now, by the rules of policy_ladder.h.  `why`
 * (may be NULL) gets the reason for being, or not being, idle; it lives for
 * ever. */
enum station_step station_decide(enum station_state state,
                                 const struct policy_params *par,
                                 const struct station_view *view,
                                 enum station_event *event, const char **why);

#endif
