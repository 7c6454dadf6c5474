/* world.h - a simulated pool; internal to scheduler/sim
 *
 *   users --jobs--> stations (flat arrays)        event heap (heap.h)
 *     |                |  each: a list of jobs, its owner, its memory, its view
 *     +-- queue        |
 *    (harvest only)    +-- searches under way, messages, transfers
 *
 * Everything that is decided is decided by scheduler/core; this only carries
 * it out in virtual time.  Files:
 *
 *   service.c   jobs on stations: sharing, progress, checkpoints
 *   balance.c   stations that decide for themselves: searches and moves
 *   harvest.c   one decider for all: queues and negotiation cycles
 *   owner.c     owners, the ladder, crashes
 *   news.c      table, gossip, adverts
 *   link.c      transfers that share a home's link
 *   shelf.c     a large table, by what a decision looks for
 *   arrivals.c  who brings which job when
 *   result.c    what is measured
 *   setup.c     the world before and after
 *   run.c       the event loop
 */
#ifndef CKPT_SIM_WORLD_H
#define CKPT_SIM_WORLD_H

#include "scheduler/core/policy_info.h"
#include "scheduler/core/policy_ladder.h"
#include "scheduler/sim/heap.h"
#include "scheduler/sim/run.h"
#include "scheduler/sim/shelf.h"

#define SIM_ORACLE_ALL 64 /* up to this many stations the oracle tells all */
#define SIM_ORACLE_SOME 8 /* beyond: so many of the least and most loaded */
#define SIM_BUCKETS 1024  /* job counts from here on are one bucket */

enum sim_event_kind {
    SIM_EV_ARRIVAL,  /* a: class */
    SIM_EV_RECORD,   /* a: line of the recorded workload */
    SIM_EV_COMPLETE, /* a: station, b: stamp */
    SIM_EV_OWNER,    /* a: station; the owner comes or goes */
    SIM_EV_IDLE,     /* a: station, b: owner_stamp; idle_start is over */
    SIM_EV_LADDER,   /* a: station, b: ladder_stamp */
    SIM_EV_VACATED,  /* a: station, b: ladder_stamp */
    SIM_EV_CYCLE,
    SIM_EV_TABLE,    /* refresh of the table */
    SIM_EV_TICK,     /* a: station */
    SIM_EV_LAND,     /* a: job */
    SIM_EV_PROBE,    /* a: search; the question is at the station */
    SIM_EV_REPLY,    /* a: search; the answer is back, or given up */
    SIM_EV_NEWS,     /* a: message */
    SIM_EV_FAIL,     /* a: station */
    SIM_EV_REPAIRED, /* a: station */
    SIM_EV_SAMPLE,
    SIM_EV_LINK,     /* a: home, b: stamp; a transfer over its link is done */
    SIM_EV_FETCH,    /* a: job; its image is fetched from home */
    SIM_EV_UPLOADED, /* a: station, b: ladder_stamp; a part of vacating */
    SIM_EV_FORK      /* a: job, b: its number */
};

/* A transfer under way over a home's link, and what happens when it is done;
 * link.c. */
struct sim_load {
    double until;
    uint32_t kind, a, b;
};

struct sim_link {
    double served, last;
    struct sim_load *load;
    uint32_t n, room, stamp;
};

struct sim_job {
    double arrive; /* when it was submitted */
    double size;   /* work, in seconds of the reference machine */
    double left;   /* work that was left at the last (re)start */
    double pre;    /* restart cost to be served before it */
    double demand; /* to be served in all since the last (re)start */
    double togo;   /* of it, still */
    double here_since;
    double first_start; /* negative: not yet */
    double remote_s;    /* processor time had away from home */
    double image_mb;
    uint64_t number;
    uint32_t user, home, at, from, dest;
    uint32_t prev, next;      /* on its station, in its queue, or free */
    uint32_t transfers;       /* of its image */
    uint32_t children, forks; /* it will have, and has made */
    uint32_t io_station;
    double io;     /* share of its time spent on I/O */
    double factor; /* time per work where it is */
    bool started, movable, has_image, measured;
};

struct sim_user {
    uint32_t class, home;
    uint32_t head, tail; /* queue (harvest) */
    struct policy_share share;
    uint32_t done;
    double slowdown_sum;
};

struct sim_station {
    uint32_t head, tail;   /* jobs here */
    uint32_t n, n_foreign; /* of them guests: sim_is_guest() */
    uint32_t stamp, owner_stamp, ladder_stamp;
    double last; /* progress is reckoned up to here */
    double speed;
    double idle_since, idle_sum;
    uint32_t idle_n;
    double rung_since;
    enum policy_rung rung;
    bool owner_here, available, stopped, down;
    bool counted_idle;
    uint32_t coming;   /* jobs on their way here (harvest: claimed) */
    uint32_t uploads;  /* of vacating, not done yet */
    uint32_t reserved; /* job that gets the station when it is vacated */
    double mem_used;
    double busy_s; /* processor time given to jobs */
    struct policy_memory memory;
    struct policy_info_view view;
    struct policy_rng owner_rng;
    uint32_t presence, presence_end; /* recorded owner: next line, last */
    uint32_t bucket, bucket_prev, bucket_next;
};

struct sim_search {
    struct policy_search search;
    struct policy_job job; /* what search.job points to, for PLACE */
    struct policy_station answer;
    uint32_t id;      /* the job, for PLACE */
    uint32_t station; /* who searches */
    uint32_t asked;
    bool answered;
    uint32_t next_free;
};

struct sim_message {
    uint32_t to, n, next_free;
    struct policy_station entry[POLICY_ADVERTS_MAX];
};

struct sim {
    const struct sim_scenario *sc;
    struct policy policy;
    struct policy_params par;
    struct sim_heap heap;
    double now;
    bool out_of_memory;
    bool evicts, ticks; /* what the transfer rule does */
    struct sim_station *station;
    uint32_t n_stations;
    struct sim_user *user;
    uint32_t n_users;
    uint32_t class_first[SIM_CLASSES_MAX + 1]; /* first user of each class */
    struct sim_link *link; /* by station; NULL: homes are never short */
    struct sim_job *job;
    uint32_t n_jobs, room_jobs, free_job;
    struct sim_search *search;
    uint32_t n_searches, room_searches, free_search;
    struct sim_message *message;
    uint32_t n_messages, room_messages, free_message;
    struct policy_station *table; /* information rule: table */
    uint32_t *table_at;           /* where each station is in it; */
    uint32_t table_idle;          /* the idle ones come first */
    bool table_live;              /* it is told of every change */
    struct sim_shelf *shelf;      /* a large one: what is in it */
    struct policy_station shown[2 * SIM_SHELF_SHOW];
    struct policy_station *view_room;
    struct policy_station oracle[SIM_ORACLE_ALL];
    struct policy_job *job_room; /* for a view's jobs */
    size_t job_room_n;
    uint32_t bucket[SIM_BUCKETS]; /* oracle: stations by number of jobs */
    uint32_t least, most;
    bool use_buckets;
    /* harvest */
    struct policy_job *wait_ad;
    uint32_t *wait_id;
    struct policy_station *free_ad;
    struct policy_match *match;
    uint32_t *scratch;
    size_t room_wait, room_scratch;
    double last_cycle;
    struct policy_share *shares;
    /* random numbers: the same work and owners under every policy */
    struct policy_rng arrivals, work, decide, wire, crash;
    /* what is measured */
    uint64_t arrived;
    uint32_t in_system;
    double window_from, hour_max;
    bool measuring, finished;
    uint64_t to_measure;
    struct sim_result *result;
};

/* Does the job have to leave when the owner comes?  Queued jobs are guests
 * even on their own user's machine. */
static inline bool sim_is_guest(const struct sim *w, uint32_t s, uint32_t j)
{
    return w->policy.harvest || w->job[j].home != s;
}

/* ---- service.c ---- */
void sim_advance(struct sim *w, uint32_t s);
void sim_reschedule(struct sim *w, uint32_t s);
void sim_enqueue(struct sim *w, uint32_t s, uint32_t j);
void sim_remove(struct sim *w, uint32_t s, uint32_t j);
/* The served part is over: keep what was done (a checkpoint), or only what
 * the last periodic checkpoint holds. */
void sim_settle(struct sim *w, uint32_t j, bool keep);
double sim_work_done(const struct sim *w, const struct sim_job *j);
uint32_t sim_next_done(const struct sim *w, uint32_t s);
void sim_job_free(struct sim *w, uint32_t j);
uint32_t sim_job_new(struct sim *w);
double sim_checkpoint_time(const struct sim *w, const struct sim_job *j);

/* ---- balance.c ---- */
void sim_station_ad(const struct sim *w, uint32_t s, struct policy_station *ad);
void sim_job_ad(const struct sim *w, uint32_t j, struct policy_job *ad);
void sim_place(struct sim *w, uint32_t s, uint32_t j); /* a new arrival */
void sim_place_again(struct sim *w, uint32_t j);       /* an evicted job */
void sim_station_event(struct sim *w, uint32_t s, enum policy_event event);
void sim_probe_arrived(struct sim *w, uint32_t slot);
void sim_probe_answered(struct sim *w, uint32_t slot);
void sim_land(struct sim *w, uint32_t j);
/* The job goes to a station, after fixed_s; its image, if it has one, comes
 * from its home or from where it was. */
void sim_send(struct sim *w, uint32_t j, uint32_t to, double fixed_s,
              bool from_home);
void sim_fetch(struct sim *w, uint32_t j);

/* ---- link.c ---- */
/* A transfer of `mb` over the home's link; when it is done, event (kind, a, b)
 * happens. */
void sim_link_start(struct sim *w, uint32_t home, double mb, uint32_t kind,
                    uint32_t a, uint32_t b);
/* Those with this event will not be done. */
void sim_link_drop(struct sim *w, uint32_t home, uint32_t kind, uint32_t a);
void sim_link_event(struct sim *w, uint32_t home);

/* ---- harvest.c ---- */
void sim_queue(struct sim *w, uint32_t j, bool first);
void sim_cycle(struct sim *w);
void sim_start_reserved(struct sim *w, uint32_t s);

/* ---- owner.c ---- */
void sim_owner_init(struct sim *w, uint32_t s);
void sim_owner_event(struct sim *w, uint32_t s);
void sim_idle_event(struct sim *w, uint32_t s);
void sim_ladder(struct sim *w, uint32_t s);
void sim_vacate(struct sim *w, uint32_t s);
void sim_vacated(struct sim *w, uint32_t s, bool keep);
void sim_uploaded(struct sim *w, uint32_t s);
void sim_fail(struct sim *w, uint32_t s);
void sim_repaired(struct sim *w, uint32_t s);

/* ---- news.c ---- */
void sim_table_refresh(struct sim *w);
void sim_news_send(struct sim *w, uint32_t s);
void sim_news_arrived(struct sim *w, uint32_t m);
/* Something about the station changed: tell who knows at once. */
void sim_changed(struct sim *w, uint32_t s);
void sim_known(struct sim *w, uint32_t s, enum policy_transfer want,
               struct policy_view *view);
void sim_known_bump(struct sim *w, uint32_t s, uint32_t target);

/* ---- arrivals.c ---- */
/* A new job of the user's class. */
void sim_submit(struct sim *w, uint32_t class, uint32_t user);
void sim_next_arrival(struct sim *w, uint32_t class);
void sim_arrival(struct sim *w, uint32_t class);
void sim_record_arrives(struct sim *w, uint32_t line);
void sim_fork(struct sim *w, uint32_t job, uint32_t number);

/* ---- result.c ---- */
void sim_result_init(struct sim *w);
void sim_window_open(struct sim *w); /* what is measured begins now */
void sim_measure(struct sim *w, const struct sim_job *job);
void sim_sample(struct sim *w); /* one column of the picture */
void sim_count_idle(struct sim *w, uint32_t s);
void sim_result_close(struct sim *w);

/* ---- setup.c ---- */
int sim_world_alloc(struct sim *w); /* -1 without memory */
void sim_world_init(struct sim *w, uint64_t seed);
void sim_first_events(struct sim *w);
void sim_world_clear(struct sim *w);

/* ---- run.c ---- */
void sim_at(struct sim *w, double at, uint32_t kind, uint32_t a, uint32_t b);
void sim_completed(struct sim *w, uint32_t j);
double sim_activity(const struct sim *w, double at);

#endif
