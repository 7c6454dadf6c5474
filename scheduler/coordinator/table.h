/* table.h - what the coordinator knows: stations and homes, as they said it
 *
 * Soft state: everything here was said by somebody and expires when it is not
 * said again.  Times are milliseconds of the monotonic clock.
 */
#ifndef CKPT_SCHEDULER_TABLE_H
#define CKPT_SCHEDULER_TABLE_H

#include "lib/proto/coordinator.h"
#include "lib/proto/pool.h"
#include "scheduler/core/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known_station {
    pool_station ad; /* strings are ours */
    uint64_t heard_ms;
    uint64_t since_ms;        /* in its state since, on our clock */
    uint64_t owner_left_ms;   /* on our clock */
    uint64_t reserved_ms;     /* matched: kept for a home until then, 0: no */
    uint64_t reserved_claims; /* ad.claims when it was matched */
};

struct known_home {
    char *name;
    uint64_t boot_id;
    uint64_t heard_ms;
    unsigned queued;
    unsigned running;
    coord_idle_job *jobs; /* strings are ours */
    unsigned n_jobs;
    coord_running_job *running_jobs; /* strings are ours */
    unsigned n_running_jobs;
    coord_match *matches; /* not yet fetched; strings are ours */
    unsigned n_matches;
};

/* One who is given a share: an owner at a home. */
struct known_user {
    char *name; /* "home/owner" */
    struct policy_share share;
};

struct plan;

struct table {
    struct known_station **stations; /* by name */
    size_t n_stations;
    struct known_home **homes; /* by name */
    size_t n_homes;
    struct known_user *users;
    size_t n_users, last_user;
    struct plan *plans; /* plans.h */
    size_t n_plans;
    struct policy_memory memory; /* of the policy */
    uint64_t matches;            /* ever made */
    bool changed;                /* since the last negotiation */
};

struct known_station *table_station(const struct table *table,
                                    const char *name);
/* Its index; POLICY_NOBODY when it is not known. */
uint32_t table_station_index(const struct table *table, const char *name);
/* The index of the first station with a name above `name`. */
size_t table_station_after(const struct table *table, const char *name);

/* What the home said of a job that waits, or that runs; NULL: nothing. */
const coord_idle_job *table_waiting(const struct table *table, const char *home,
                                    uint64_t job);
const coord_running_job *table_running(const struct table *table,
                                       const char *home, uint64_t job);
struct known_home *table_home(const struct table *table, const char *name);

/* Take an advertisement.  0, or -1 with errno: ESTALE (an older one than we
 * have), ENOMEM. */
int table_hear_station(struct table *table, const pool_station *ad,
                       uint64_t now_ms);
/* The same of a home; its lists of jobs are taken out of the message. */
struct known_home *table_hear_home(struct table *table, coord_jobs_args *ad,
                                   uint64_t now_ms);
void table_withdraw(struct table *table, const char *station, uint64_t boot_id);

/* Forget what has not been said again for lifetime_ms. */
void table_expire(struct table *table, uint64_t now_ms, uint64_t lifetime_ms);

/* The index of the user, made if need be; POLICY_NOBODY without memory. */
uint32_t table_user(struct table *table, const char *home, const char *owner,
                    const struct policy_share_rule *rule);

void table_clear(struct table *table);
void table_drop_matches(struct known_home *home);

#endif
