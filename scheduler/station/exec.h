/* exec.h - the execution role of a station: lends this machine to jobs
 *
 * One station runs at most one job at a time.  Everything that happens to its
 * state goes through station_state_step(); what time and the owner demand is
 * decided by station_decide(), both in scheduler/core.
 */
#ifndef CKPT_SCHEDULER_EXEC_H
#define CKPT_SCHEDULER_EXEC_H

#include "lib/proto/station.h"
#include "scheduler/core/station_state.h"
#include "scheduler/pool/serving.h"
#include "scheduler/pool/settings.h"
#include "scheduler/station/advert.h"
#include "scheduler/station/closed.h"
#include "scheduler/station/load.h"
#include "scheduler/station/measure.h"
#include "scheduler/station/owner.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A promise to a home, and what has come of it. */
struct claim {
    bool held;
    uint8_t id[POOL_CLAIM_LEN];
    char home[POOL_NAME_MAX + 1];
    char owner[POOL_NAME_MAX + 1];
    uint64_t job;
    uint32_t epoch;
    uint64_t begun_ms;
    uint64_t until_ms; /* without a job the claim ends then */
    pid_t starter;     /* 0: not started */
    int link;          /* socket to the starter */
    char scratch[PATH_MAX];
    pid_t pid;       /* the job and its process group; 0: not yet, or no
                        longer */
    bool ended;      /* the job is no more; its starter is clearing up */
    bool asked;      /* for a checkpoint */
    char fixed[200]; /* why it cannot be checkpointed: not asked, but killed */
    uint64_t asked_ms;
    bool killed;
    uint64_t killed_ms;
    char heard[600]; /* a part of a line on the link */
    size_t heard_len;
};

struct exec {
    struct pooldir pool;
    struct settings settings;
    char name[POOL_NAME_MAX + 1];
    char daemon[POOL_NAME_MAX + 16]; /* "station.NAME" */
    char addr[POOLDIR_ADDR_MAX + 1];
    struct ckpt_serve *serve;
    struct owner *owner;
    char input_program[PATH_MAX]; /* ckpt-input */
    struct closed closed;
    struct load load;
    struct measure measure;
    struct advert *advert;
    enum station_state state;
    char why[POOL_TEXT_MAX + 1];
    uint64_t since_ms;
    int64_t since; /* wall clock */
    uint64_t polled_ms;
    uint64_t claims;
    uint64_t boot_id;
    uint64_t seq;
    struct claim claim;
    char scratch[PATH_MAX]; /* of this daemon; the claims' are in it */
    bool mounts;            /* jobs' files (scheduler/starter/view.h) */
    bool clearing;          /* an earlier station's job is still being ended */
    uint64_t clearing_ms;
    bool stopping;
    uint64_t stopping_ms;
    bool changed; /* to be advertised */
};

/* Run the station `name` until it is told to stop; returns the exit code. */
int exec_main(const char *dir, const char *name);

/* --- steps of it, in exec_claim.c --------------------------------------- */

/* The claim, if `id` is its. */
bool claim_is(const struct exec *exec, const char *id);
void claim_begin(struct exec *exec, const station_claim_args *args);
/* The claim is over; nothing of the job is left. */
void claim_end(struct exec *exec);
/* Start the starter. */
int claim_start(struct exec *exec, const station_start_args *args,
                struct ckpt_err *err);
/* Stop, continue, ask to leave, or kill the job. */
void claim_stop(struct exec *exec);
void claim_continue(struct exec *exec);
void claim_ask(struct exec *exec);
/* It need not leave after all. */
void claim_stay(struct exec *exec);
void claim_kill(struct exec *exec, const char *why);
/* Collect starters that have ended. */
void claim_reap(struct exec *exec);

/* Let the event happen, and do what belongs to it. */
void exec_event(struct exec *exec, enum station_event event, const char *why);
/* Do all that is due. */
void exec_settle(struct exec *exec);

/* The station of this process: the calls of station.x bring no argument. */
extern struct exec exec_self;

/* --- what it says of itself, in exec_describe.c ------------------------- */

/* Strings belong to exec. */
void exec_describe(struct exec *exec, pool_station *ad);
/* Tell the coordinator, if something changed. */
void exec_advertise(struct exec *exec);
/* Processor time of the job here so far. */
uint64_t exec_job_cpu_ms(const struct exec *exec);

#endif
