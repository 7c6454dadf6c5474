/* policy.h - the contract of scheduling decisions
 *
 * A policy answers four questions (SHK-10, TCS-22), each by a rule of its own:
 *
 *   transfer     should something move now, and in which direction?
 *   selection    which job?
 *   location     where to, or where from?
 *   information  what is known of the others, and how did it get here?
 *
 * A `struct policy` names one rule of each kind; a configuration may replace
 * any of the four, so they combine freely.  Everything here is pure: a
 * decision is a function of what is handed in (state, event, time, random
 * numbers).  The coordinator, the stations and the simulator call the same
 * functions; none of them allocates, reads a clock or prints.
 *
 * Two ways to use a policy:
 *
 *   One decider for all (condor, sprite, mpvm): policy_negotiate() pairs the
 *   waiting jobs of a pool with its idle stations; policy_ladder_next()
 *   (policy_ladder.h) says what a station does with a job when its owner
 *   comes and goes; policy_balance() proposes moves of running jobs.
 *
 *   Each station for itself (threshold, receiver, mosix, offload...): at an
 *   event the station asks policy_transfer(); if something should move,
 *   policy_search_begin() and policy_search_next() say whom to probe and
 *   where to go; the peer says policy_accept(); policy_select() picks the job.
 *
 * Times are seconds on any clock that only goes forward.  Row ids (CON-1...)
 * are those of the systems a rule was taken from.
 */
#ifndef CKPT_POLICY_H
#define CKPT_POLICY_H

#include "scheduler/core/policy_load.h"
#include "scheduler/core/policy_rng.h"
#include "scheduler/core/policy_shares.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_NOBODY UINT32_MAX /* no station, no job */
#define POLICY_PROBES_MAX 32     /* limit of probe_limit */
#define POLICY_ADVERTS_MAX                                                     \
    32 /* limit of what a gossip or advert view holds                          \
        */

enum policy_event {
    POLICY_EV_ARRIVAL,   /* a new job is about to be queued here */
    POLICY_EV_DEPARTURE, /* a job ended here or left */
    POLICY_EV_TICK,      /* the balancing period is over */
    POLICY_EV_OWNER_BACK /* the station's owner came back */
};

enum policy_transfer {
    POLICY_TRANSFER_NONE,
    POLICY_TRANSFER_PLACE,  /* start the arriving job elsewhere */
    POLICY_TRANSFER_EXPORT, /* move a job that is here */
    POLICY_TRANSFER_FETCH,  /* get a job from elsewhere */
    POLICY_TRANSFER_EVICT   /* foreign jobs must leave: see policy_ladder.h */
};

enum policy_station_state {
    POLICY_STATION_OWNER,     /* in use by its owner */
    POLICY_STATION_IDLE,      /* free for a job */
    POLICY_STATION_CLAIMED,   /* runs a job of ours */
    POLICY_STATION_SUSPENDED, /* has a job of ours, stopped */
    POLICY_STATION_VACATING   /* a job is being checkpointed and leaves */
};

/* A station, as somebody knows it. */
struct policy_station {
    uint32_t id;
    uint32_t state; /* enum policy_station_state */
    uint32_t level; /* enum policy_level, of the index below */
    uint32_t jobs;  /* run queue: our jobs here, waiting ones included */
    double load;    /* scalar load index; the simulator's is `jobs` */
    double heard;   /* when this was learned; negative: never */
    double speed;   /* relative; 1 is the reference machine */
    double cpu_use; /* use / capacity, 0 upwards, for opportunity cost */
    double mem_use;
    double idle_since;  /* when the owner left; while he is away */
    double idle_mean;   /* mean length of past idle periods; 0 unknown */
    uint32_t user;      /* whose job runs here, POLICY_NOBODY if none */
    double job_since;   /* since when it has run here */
    bool job_immovable; /* it could not be checkpointed */
};

/* A job, as its station or the coordinator knows it. */
struct policy_job {
    uint32_t id;
    uint32_t user;
    uint32_t home;     /* station it belongs to */
    uint32_t from;     /* station it was evicted from last, or POLICY_NOBODY */
    int32_t priority;  /* among its owner's jobs; larger goes first (CON-4) */
    double since;      /* when it was queued */
    double cpu_s;      /* processor time used so far: its age (MOS-14) */
    double here_since; /* when it came to the station it is on */
    double image_mb;
    double cpu_need; /* share of a reference machine, usually 1 */
    double mem_need; /* share of a reference machine's memory */
    double io_rate;  /* share of its time spent on I/O with io_station */
    uint32_t io_station;
    uint32_t forks; /* children it has made (MOS-6) */
    bool started;
    bool movable;
};

/* What a station remembers from one decision to the next.  Owned by the
 * caller, who only keeps it. */
struct policy_memory {
    double threshold; /* adaptive: LT (IIT-18) */
    uint32_t cursor;  /* round robin */
    uint32_t buddy;   /* pairwise lease with this station, or POLICY_NOBODY */
    double buddy_until;
};

/* Everything a policy may be tuned with.  policy_params_default() fills it in;
 * policy_params_set() changes one by its configuration key. */
struct policy_params {
    /* thresholds */
    double threshold;    /* T: sender keeps a job while fewer are here */
    double fetch_below;  /* receiver looks for work with fewer jobs than this */
    double fetch_from;   /* and takes from stations with at least this many */
    double high_load;    /* mpvm: above this load running jobs leave */
    double place_margin; /* place elsewhere if that many fewer jobs are there */
    uint32_t probe_limit; /* L */
    struct policy_marks marks;
    /* adaptive threshold (IIT-18) */
    double adapt_rate;  /* alpha, 0 < alpha <= 1 */
    double adapt_floor; /* T0 */
    /* offload (TCS-12) */
    double offload;       /* K: least difference worth an exchange */
    double buddy_lease_s; /* and how long a pairwise lease lasts at most */
    /* continuous balancing */
    double residence_s;  /* least stay before the next move (MOS-3) */
    double candidate_s;  /* processor time that makes a candidate (MOS-2) */
    double io_weight;    /* pull of the station of most I/O (MOS-5) */
    double fork_weight;  /* worth of one child, in seconds of age (MOS-6) */
    double move_fixed_s; /* cost of a move: this plus image over bandwidth */
    double move_mb_s;
    /* information */
    double info_period_s;  /* refresh of table, gossip, adverts; 0: the table
                              is told of every change */
    double info_max_age_s; /* older knowledge is not used */
    uint32_t view_size;    /* entries of a gossip or advert view */
    /* harvest: owners, ladder, cycle */
    double idle_start_s;
    double load_start;
    double suspend_grace_s;
    double vacate_limit_s;
    double cycle_s;
    double preempt_after_s; /* a job runs this long before a worse-placed
                               user's claim can end it; negative: never */
    struct policy_share_rule shares;
};

/* What the decider knows when it decides. */
struct policy_view {
    double now;
    struct policy_rng *rng;
    const struct policy_params *par;
    uint32_t n_stations; /* ids run from 0 to n_stations - 1 */
    /* the decider's own station (not used by policy_negotiate) */
    const struct policy_station *self;
    const struct policy_job *jobs; /* that are here */
    size_t n_jobs;
    struct policy_memory *memory;
    /* what the information rule has brought here: a table in any order,
     * possibly with entries never heard of; empty for probing */
    const struct policy_station *known;
    size_t n_known;
};

/* How knowledge spreads.  The carrier (daemon or simulator) moves the bytes;
 * policy_info.h keeps the views. */
enum policy_info_kind {
    POLICY_INFO_NONE,   /* nothing is known */
    POLICY_INFO_PROBE,  /* asked for when needed (DEM-12 demand-driven) */
    POLICY_INFO_TABLE,  /* one table of all, refreshed each period (CON-5) */
    POLICY_INFO_GOSSIP, /* a random subset, spread by neighbours (MOS-4) */
    POLICY_INFO_ADVERT, /* under-loaded stations advertise (DEM-12 supply) */
    POLICY_INFO_ORACLE  /* all is known at once: for bounds only (DEM-15) */
};

struct policy_transfer_rule {
    const char *name, *rows, *about;
    bool ticks; /* wants POLICY_EV_TICK every info_period_s */
    enum policy_transfer (*decide)(const struct policy_view *view,
                                   enum policy_event event);
};

struct policy_selection_rule {
    const char *name, *rows, *about;
    /* Worth of moving jobs[i] to (or, for a fetch, at the request of)
     * `target`: the largest positive one goes; 0 or less: not this one. */
    double (*worth)(const struct policy_view *view,
                    const struct policy_job *job,
                    const struct policy_station *target);
};

/* What a rule's score for placing and exporting goes by: who keeps a large
 * table in that order need not show all of it. */
enum policy_order {
    POLICY_BY_SEVERAL, /* things */
    POLICY_BY_JOBS,    /* fewest first (where load is their number) */
    POLICY_BY_IDLE     /* largest idle_mean - idle_since first, idle only */
};

struct policy_location_rule {
    const char *name, *rows, *about;
    enum policy_order order;
    bool blind; /* take a random station without asking */
    bool first; /* while probing: the first that suits is taken */
    bool idle;  /* only ever chooses stations that are idle */
    /* Larger is better; POLICY_UNFIT: not there.  `want` is PLACE, EXPORT or
     * FETCH; `job` is NULL when it is not chosen yet. */
    double (*score)(const struct policy_view *view, enum policy_transfer want,
                    const struct policy_job *job,
                    const struct policy_station *station);
};

struct policy_information_rule {
    const char *name, *rows, *about;
    enum policy_info_kind kind;
};

#define POLICY_UNFIT (-1e300)

struct policy {
    const char *name, *rows, *about;
    const struct policy_transfer_rule *transfer;
    const struct policy_selection_rule *selection;
    const struct policy_location_rule *location;
    const struct policy_information_rule *information;
    /* Jobs wait in their owner's queue until policy_negotiate() finds a
     * station, rather than run where they were submitted. */
    bool harvest;
    /* Moves jobs that have started; without it policy_select() never chooses
     * one.  Off in a pool unless asked for; minimum
     * residence and the age rule then bind (policy_move_allowed). */
    bool live;
    /* An accepted exchange binds both sides until it is over (TCS-13). */
    bool leases;
    /* Changes to the default parameters, as "key=value key=value". */
    const char *params;
};

/* ---- choosing a policy ---- */

/* The policies by name; NULL when there is none.  The i-th, NULL behind the
 * last one. */
const struct policy *policy_find(const char *name);
const struct policy *policy_at(size_t i);

/* Rules by name, for combinations; NULL when there is none. */
const struct policy_transfer_rule *policy_transfer_find(const char *name);
const struct policy_selection_rule *policy_selection_find(const char *name);
const struct policy_location_rule *policy_location_find(const char *name);
const struct policy_information_rule *policy_information_find(const char *name);

/* Defaults, then what the policy itself changes. */
void policy_params_default(struct policy_params *par,
                           const struct policy *policy);

/* Set the parameter `key` ("threshold", "suspend_grace", ...) from text.
 * Durations and sizes may carry units (90s, 15m, 2h; M, G).  0; -1 with
 * errno ENOENT for an unknown key, EINVAL for a bad value. */
int policy_params_set(struct policy_params *par, const char *key,
                      const char *value);

/* The i-th key with its default and meaning; NULL behind the last one. */
const char *policy_params_key(size_t i, const char **fallback,
                              const char **meaning);

/* Read a duration in seconds ("90s", "15m", "2h", "1d", "250ms", or a bare
 * number).  0, or -1 with errno EINVAL. */
int policy_seconds_parse(const char *text, double *seconds);

void policy_memory_init(struct policy_memory *memory,
                        const struct policy_params *par);

/* ---- each station for itself ---- */

/* Should something move?  May adapt view->memory. */
enum policy_transfer policy_transfer(const struct policy *policy,
                                     const struct policy_view *view,
                                     enum policy_event event);

/* Which of view->jobs, for this target?  Index, or -1. */
int policy_select(const struct policy *policy, const struct policy_view *view,
                  const struct policy_station *target);

enum policy_do {
    POLICY_DO_STAY,  /* nothing suits; leave things as they are */
    POLICY_DO_PROBE, /* ask `station` and come back with its answer */
    POLICY_DO_GO     /* `station` it is */
};

struct policy_step {
    enum policy_do what;
    uint32_t station;
};

/* A search under way.  Small; the caller keeps it between answers. */
struct policy_search {
    enum policy_transfer want;
    const struct policy_job *job; /* may be NULL */
    uint32_t n_tried;
    uint32_t tried[POLICY_PROBES_MAX];
    uint32_t best;
    double best_score;
};

void policy_search_begin(struct policy_search *search,
                         enum policy_transfer want,
                         const struct policy_job *job);

/* The next step.  `answer` is the probed station's state, NULL at the start
 * and for a lost answer.  A station that was chosen and then refused is
 * passed to policy_search_refused() before the search goes on. */
struct policy_step policy_search_next(const struct policy *policy,
                                      const struct policy_view *view,
                                      struct policy_search *search,
                                      const struct policy_station *answer);

void policy_search_refused(struct policy_search *search, uint32_t station);

enum policy_answer {
    POLICY_ACCEPT,
    POLICY_REFUSE_OWNER, /* the owner is here */
    POLICY_REFUSE_LOAD,  /* no longer better than where the job is */
    POLICY_REFUSE_BUDDY, /* in an exchange with somebody else (TCS-13) */
    POLICY_REFUSE_MEMORY /* the job does not fit */
};

const char *policy_answer_text(enum policy_answer answer);

/* Does the station whose view this is take a job from `from` (as it was when
 * it asked)?  An acceptance under the offload rule leases the pair. */
enum policy_answer policy_accept(const struct policy *policy,
                                 const struct policy_view *view,
                                 const struct policy_station *from,
                                 const struct policy_job *job);

/* The asking side's half of an accepted exchange. */
void policy_exchange_begin(struct policy_memory *memory, uint32_t peer,
                           double until);

/* The exchange with the buddy is over, on either side. */
void policy_exchange_done(struct policy_memory *memory);

/* Is `station` bound by a lease at `now`? */
bool policy_leased(const struct policy_memory *memory, double now);

/* What binds every live move: the job can move, has stayed residence_s
 * (MOS-3), and age > cost / (n - m), n jobs here and m there with it (C11). */
bool policy_move_allowed(const struct policy_params *par,
                         const struct policy_job *job, double now, uint32_t n,
                         uint32_t m);

/* Does age > cost / (n - m) hold? */
bool policy_age_rule(double age_s, double cost_s, uint32_t n, uint32_t m);

/* ---- one decider for all ---- */

struct policy_match {
    uint32_t job;     /* index into jobs */
    uint32_t station; /* index into stations */
    bool preempt;     /* that station runs a job, which has to leave first */
};

struct policy_cycle {
    const struct policy_job *jobs; /* that wait, in any order */
    size_t n_jobs;
    const struct policy_station *stations;
    size_t n_stations;
    const struct policy_share *shares; /* by user id; NULL: all equal */
    size_t n_shares;
    /* May this job run on this station (requirements)?  NULL: any may. */
    bool (*fits)(void *arg, uint32_t job, uint32_t station);
    void *fits_arg;
    /* Room for policy_cycle_scratch() entries. */
    uint32_t *scratch;
};

/* Words of scratch that a cycle of these sizes needs. */
size_t policy_cycle_scratch(size_t n_jobs, size_t n_stations, size_t n_shares);

/* Pair jobs with stations; at most `max` pairs into `out`, each job and each
 * station at most once.  Returns their number.  Users go in the order of
 * their index (lowest first; every grant counts 1 at once), a user's jobs in
 * the order of priority and age; stations in the order of the location rule.
 * When stations run out and view->par->preempt_after_s allows, a user with a
 * strictly better claim gets a station of the one with the worst.  view->self
 * and view->known are not used. */
size_t policy_negotiate(const struct policy *policy,
                        const struct policy_view *view,
                        const struct policy_cycle *cycle,
                        struct policy_match *out, size_t max);

/* Propose one live move in a pool that is balanced: from which station's
 * jobs (view->self, view->jobs) to where among view->known.  0 and *job,
 * *station; -1 when nothing should move.  Off unless policy->live. */
int policy_balance(const struct policy *policy, const struct policy_view *view,
                   int *job, uint32_t *station);

#endif
