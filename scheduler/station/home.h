/* home.h - the home role of a station: the queue, and a shadow for each job
 *
 * The queue (store.h) is the only state that counts; what is in memory here
 * can be made again from it, the jobs' directories and the claims' files:
 * the home station may be killed at any instant.
 *
 *     match -> claim the station -> MATCHED (a new epoch, durable)
 *           -> job.conf, shadow -> its address -> START at the station
 *           -> events and exit of the job's directory -> the queue
 */
#ifndef CKPT_SCHEDULER_HOME_H
#define CKPT_SCHEDULER_HOME_H

#include "lib/proto/coordinator.h"
#include "lib/proto/home.h"
#include "lib/proto/serve.h"
#include "scheduler/pool/peer.h"
#include "scheduler/pool/settings.h"
#include "scheduler/store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum active_phase {
    ACTIVE_SHADOW, /* waiting for the shadow to listen */
    ACTIVE_RUN,    /* the station was told to start it */
};

/* A job that occupies, or may occupy, a station. */
struct active {
    struct active *next;
    uint64_t id;
    uint32_t epoch;
    char dir[PATH_MAX]; /* shadow/jobdir.h */
    char station[POOL_NAME_MAX + 1];
    char addr[POOL_ADDR_MAX + 1];
    char claim[POOL_CLAIM_LEN];
    uint8_t token[32]; /* until START was sent */
    enum active_phase phase;
    uint64_t phase_ms;
    long events_at;    /* read up to this byte */
    bool again;        /* an earlier home station has read some of them */
    uint64_t cpu_ms;   /* used on the station, as far as we heard */
    uint64_t check_ms; /* next question to the station */
    uint64_t stale_ms; /* the station does not know it, since; 0: it does */
    bool taken_back;   /* the claim was over before the job began */
    bool leave, kill;  /* the station is to get it off */
    bool ordered;      /* because the coordinator says so */
    bool refused;      /* its last checkpoint */
    char rhythm[POOL_TEXT_MAX + 1]; /* what it says of its next checkpoint */
    char cost[POOL_TEXT_MAX + 1];   /* and of its last one */
    char reason[POOL_TEXT_MAX + 1];
    uint64_t leave_ms; /* next time we say so */
    uint64_t leave_since_ms;
    uint64_t retry_ms;  /* its end could not be written down: not before */
    uint64_t ending_ms; /* the shadow was told to end; 0: not */
    pid_t shadow;       /* was started for this epoch; 0: by an earlier home */
    pid_t resumed;      /* a killed shadow was started again; 0: it lives */
    uint64_t looked_ms; /* the last look; 0: look now */
    int events_wd;      /* of home->inotify, or -1 */
    int shadow_fd;      /* pidfd, or -1 */
};

/* A job that could not be started lately, and how often in a row. */
struct unlucky {
    struct unlucky *next;
    uint64_t id;
    unsigned times;
};

/* A command or a mail that runs; see home_hooks.c. */
struct home_hook {
    uint64_t seq;
    uint64_t job;
    enum notify_how how;
    pid_t pid; /* 0: none here */
    uint64_t began_ms;
    bool late; /* was killed */
};
enum { HOME_HOOKS = 4 };

struct home {
    struct pooldir pool;
    struct settings settings;
    char name[POOL_NAME_MAX + 1];
    char user[POOL_NAME_MAX + 1];
    struct ckpt_serve *serve;
    struct store *store;
    struct peer *coordinator;
    uint64_t coordinator_ms; /* connected since */
    uint64_t boot_id;
    int64_t started;
    int64_t coordinator_seen;
    char coordinator_why[POOL_TEXT_MAX + 1];
    uint64_t standby_ms; /* the stand-by is not asked before, beside it */
    uint64_t ask_ms;     /* next question to the coordinator */
    unsigned backoff_ms;
    bool eager;        /* something changed: ask now, and soon again */
    uint64_t asked_ms; /* the last question was answered */
    uint64_t took_ms;
    uint64_t full_ms; /* next time that all jobs are named, not the first */
    uint64_t gap_ms;  /* between questions; grows to the cycle's length */
    bool soon;        /* a station is being made free for us */
    struct active *active;
    int inotify;           /* of active jobs' `events`, or -1 */
    struct active *strays; /* given up; their stations are to be told */
    bool alone;            /* nobody can be heard of */
    uint64_t slow_ms;      /* no question to a station before that may take
                              long */
    struct unlucky *unlucky;
    bool stopping;
    uint64_t stopping_ms;
    bool logs_due; /* users' log files are behind */
    struct home_hook hooks[HOME_HOOKS];
    uint64_t hook_started; /* the newest one that was begun */
    bool hooks_due;
    bool quota_due; /* an image has come */
    bool over_quota;
    uint64_t quota_ms; /* not looked at before */
    bool waits_due;    /* jobs that wait for others are to be told */
    int64_t clock_ms;  /* the time of day less the monotonic clock */
};

struct jobspec; /* shadow/jobdir.h */

int home_main(const char *dir);

int64_t home_wall_ms(void);

/* A job as the coordinator hears of it; the strings are the caller's to give
 * back.  False without memory. */
bool home_describe_job(const struct job *job, coord_idle_job *to);

/* Let an event happen to a job in the queue; failures are logged.  0 or -1. */
int home_apply(struct home *home, uint64_t id, enum job_event event,
               const struct job_detail *detail);
/* Where a job's directory, and the file of its claim, are. */
void home_jobdir(const struct home *home, uint64_t id, char *path);
void home_claim_file(const struct home *home, uint64_t id, char *path);

/* --- jobs on stations: home_active.c, home_start.c ----------------------- */

struct active *active_find(struct home *home, uint64_t id);
struct active *active_add(struct home *home, uint64_t id, uint32_t epoch,
                          const char *station, const char *addr);
void active_drop(struct home *home, struct active *active);
/* Go on with every job that the queue says is on a station. */
int active_adopt_all(struct home *home, struct ckpt_err *err);
/* Do what is due for all of them. */
void active_step_all(struct home *home, uint64_t now);
/* The station is to get it off: with a checkpoint, or killed. */
void active_leave(struct active *active, bool kill, const char *reason);

/* Be told when the job, which runs, has something to say or its shadow ends; no
 * more; when to look after it, if nothing is told before.  (home_watch.c) */
int watch_open(struct home *home, struct ckpt_err *err);
void watch_begin(struct home *home, struct active *active);
void watch_end(struct home *home, struct active *active);
uint64_t watch_due_ms(const struct active *active);

/* Tell the queue what the shadow has told since.  False when it cannot be
 * written now: what was not taken comes again.  (home_events.c) */
bool read_events(struct home *home, struct active *active);

/* --- the end of an incarnation: home_end.c ------------------------------- */

struct jobexit;

/* It is over, as the shadow says; `active` is gone then, unless the queue
 * cannot be written: then this is done again. */
void incarnation_ended(struct home *home, struct active *active,
                       const struct jobexit *end);
/* The same with an event of ours. */
void end_with(struct home *home, struct active *active, enum job_event event,
              const struct job_detail *detail);
/* It ended without having said how: lost, or what else it comes to. */
enum job_event lost_event(const struct active *active,
                          struct job_detail *detail);
/* The job was started: what went wrong before does not count any more. */
void forget_failures(struct home *home, uint64_t id);

/* Claim the station for the job and start a shadow. */
void start_match(struct home *home, const coord_match *match);
/* Its shadow was killed: start one that goes on.  0 or -1. */
int shadow_resume(struct home *home, struct active *active,
                  struct ckpt_err *err);
/* Add what the job may reach at home.  0, or -1 with errno.  (home_grants.c) */
int home_grants(struct jobspec *spec, const struct job_spec *from,
                struct ckpt_err *err);
/* How often the job is to be checkpointed on this station, and the lines that
 * say why.  (home_rhythm.c) */
void rhythm_choose(struct home *home, const struct job *job,
                   const char *station, struct jobspec *spec);
bool rhythm_say(struct home *home, const struct job *job,
                bool (*say)(void *arg, const char *line), void *arg);

/* The shadow listens: tell the station.  -1: it could not be told. */
int start_send(struct home *home, struct active *active, struct ckpt_err *err);

/* Ask a station.  0, or -1 with errno: that of the answer, or of the call. */
int station_check(struct home *home, struct active *active,
                  struct ckpt_err *err);
int station_leave(struct home *home, struct active *active,
                  struct ckpt_err *err);
int station_release(struct home *home, struct active *active,
                    struct ckpt_err *err);

int station_stay(struct home *home, struct active *active,
                 struct ckpt_err *err);
int station_signal(struct home *home, struct active *active, int sig,
                   struct ckpt_err *err);

/* --- stations that cannot be reached: home_stray.c ----------------------- */

/* The job was given up with its station, which is to be told. */
void stray_add(struct home *home, const struct active *active);
void stray_step(struct home *home);
/* Is there nobody to be reached?  Then no lease runs out. */
void alone_set(struct home *home, bool alone);
/* A station did not answer since `began_ms`: such waits take no more than a
 * third of our time. */
void call_was_slow(struct home *home, uint64_t began_ms);

/* --- the coordinator's orders: home_orders.c ----------------------------- */

/* The job itself wants to go elsewhere: to `station`, or anywhere ("").  As
 * `ckpt migrate` and `ckpt vacate`. */
void order_migrate(struct home *home, struct active *active,
                   const char *station);

/* A job is to leave its station. */
void order_take(struct home *home, const coord_order *order);
/* Its checkpoint was refused: it stays, if an order was the reason. */
void order_refused(struct home *home, struct active *active);
/* Tell which jobs run; -1 with ENOMEM. */
int order_gather(struct home *home, coord_jobs_args *ad, struct ckpt_err *err);

/* --- the talk with the coordinator: home_ask.c --------------------------- */

/* Ask for stations, if it is time to. */
void home_ask(struct home *home, uint64_t now);
/* Until it is. */
uint64_t home_ask_wait_ms(const struct home *home, uint64_t now);

/* --- the rest --------------------------------------------------------------
 */

/* Begin what users are to be told, end what takes too long; a child has ended.
 * (home_hooks.c) */
void hooks_step(struct home *home, uint64_t now);
void hooks_reap(struct home *home, pid_t pid, int status);
bool hooks_running(const struct home *home);

/* Look at the room that images take; how many a job may keep that starts now.
 * (home_quota.c) */
void quota_step(struct home *home, uint64_t now);
uint32_t quota_keep(const struct home *home);

/* Write what happened to the users' log files. */
void home_write_logs(struct home *home);
/* The service procedures work on this one. */
void home_rpc_init(struct home *home);
void home_submit_init(struct home *home);

#endif
