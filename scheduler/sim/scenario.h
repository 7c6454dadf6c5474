/* scenario.h - the world a simulation runs in, as a configuration says it
 *
 * Plain values; no behaviour.  `key = value` lines set them one by one
 * (sim_scenario_set), a file all at once (sim_scenario_read).
 */
#ifndef CKPT_SIM_SCENARIO_H
#define CKPT_SIM_SCENARIO_H

#include "lib/common/err.h"
#include "scheduler/core/policy.h"
#include "scheduler/core/policy_cost.h"
#include "scheduler/sim/law.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_CLASSES_MAX 16
#define SIM_POLICIES_MAX 24
#define SIM_OVERRIDES_MAX 64
#define SIM_VARY_MAX 8
#define SIM_NAME_MAX 32
#define SIM_VALUE_MAX 64

/* Users who are alike, and the jobs they bring. */
struct sim_class {
    char name[SIM_NAME_MAX];
    uint32_t users;       /* how many; 0: one at every station */
    double rate;          /* jobs per second of all of them together */
    uint32_t backlog;     /* jobs that each has from the start */
    uint32_t keep;        /* each always has that many waiting or running */
    struct sim_law size;  /* processor seconds on the reference machine */
    struct sim_law image; /* MB */
    struct sim_law io;    /* share of a job's time spent on I/O */
    struct sim_law forks; /* children that a job makes */
    struct sim_law fork_size;
};

/* One line of a recorded workload (see doc/simulator.md). */
struct sim_record {
    double submit;
    uint32_t user;
    double size;
    double image_mb;
};

/* A period in which a station's owner is there. */
struct sim_presence {
    uint32_t station;
    double from, to;
};

struct sim_override {
    char key[SIM_NAME_MAX], value[SIM_VALUE_MAX];
};

struct sim_line {
    char *key, *value;
};

struct sim_scenario {
    char title[128];
    /* machines */
    uint32_t stations;
    bool shared; /* processor sharing; else first come, first served */
    struct sim_law speed;
    double memory_mb; /* of a station; 0: never short */
    /* work */
    double load; /* offered per station; sets the first class's rate */
    struct sim_class class[SIM_CLASSES_MAX];
    uint32_t n_classes;
    struct sim_record *record; /* recorded workload, in order of time */
    uint32_t n_records, n_record_users;
    double movable;      /* share of the jobs that can be checkpointed */
    double io_remote;    /* I/O takes so many times longer elsewhere */
    uint32_t io_servers; /* stations it is done with */
    double fork_every;   /* time from one child to the next */
    /* length */
    uint32_t jobs, warmup_jobs; /* or, where jobs is 0: */
    double duration, warmup;
    uint32_t seeds;
    /* owners; idle.kind is SIM_LAW_CONST with 0 where there are none */
    struct sim_law owner_idle, owner_busy;
    bool owners;
    double owner_load;             /* share of the processor an owner uses */
    struct sim_presence *presence; /* recorded, by station and time */
    uint32_t n_presence;
    bool diurnal;
    double hour[24]; /* activity by hour, relative; mean 1 */
    /* moving and checkpointing */
    double bandwidth;  /* MB/s of a transfer */
    double home_link;  /* MB/s of all that go to and from a home; 0: plenty */
    double place_cost; /* of starting a job elsewhere */
    double ckpt_fixed, ckpt_mb_s;
    double restart_cost;
    double checkpoint_every; /* of processor time; 0: never */
    double mtbf;             /* of a station; 0: never fails */
    struct sim_law repair;
    /* messages */
    double message_delay, message_loss, message_timeout;
    /* what the home machine spends (leverage) */
    struct policy_leverage_costs home;
    double calls_per_s;
    /* what to run */
    char policy[SIM_POLICIES_MAX][SIM_NAME_MAX];
    uint32_t n_policies;
    struct sim_override override[SIM_OVERRIDES_MAX];
    uint32_t n_overrides;
    char vary_key[SIM_NAME_MAX]; /* side by side with these values */
    char vary[SIM_VARY_MAX][SIM_VALUE_MAX];
    uint32_t n_vary;
    struct sim_line *line; /* everything that was set, in order */
    uint32_t n_lines;
};

/* Defaults; to be given back with sim_scenario_clear(). */
void sim_scenario_init(struct sim_scenario *s);
void sim_scenario_clear(struct sim_scenario *s);

/* Set one key.  A key that is not the scenario's own is a policy's parameter
 * (policy_params_set), a rule (transfer, selection, location, information),
 * or class.NAME.KEY.  -1 with errno ENOENT for an unknown key, EINVAL for a
 * bad value, E2BIG for too many. */
int sim_scenario_set(struct sim_scenario *s, const char *key, const char *value,
                     struct ckpt_err *err);

/* Read a file of `key = value` lines; errors name file:line. */
int sim_scenario_read(struct sim_scenario *s, const char *path,
                      struct ckpt_err *err);

/* Check what only the whole can tell, and work out derived values (rates from
 * load).  To be called after the last set. */
int sim_scenario_finish(struct sim_scenario *s, struct ckpt_err *err);

/* The same scenario with `value` for the varied key (NULL: as it is),
 * finished; the caller gives it back with sim_scenario_clear(). */
int sim_scenario_variant(const struct sim_scenario *s, const char *value,
                         struct sim_scenario *out, struct ckpt_err *err);

/* The policy `name` with the scenario's rules and parameters put on it. */
int sim_scenario_policy(const struct sim_scenario *s, const char *name,
                        struct policy *policy, struct policy_params *par,
                        struct ckpt_err *err);

/* The i-th key with its default and meaning; NULL behind the last one. */
const char *sim_scenario_key(size_t i, const char **fallback,
                             const char **meaning);

#endif
