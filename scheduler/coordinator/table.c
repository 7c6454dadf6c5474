/* table.c - see table.h */
#include "scheduler/coordinator/table.h"

#include "scheduler/coordinator/plans.h"
#include "scheduler/pool/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t table_station_after(const struct table *table, const char *name)
{
    size_t low = 0, high = table->n_stations;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(table->stations[mid]->ad.name, name) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t table_station_index(const struct table *table, const char *name)
{
    size_t after = table_station_after(table, name);

    if (after == 0 || strcmp(table->stations[after - 1]->ad.name, name) != 0)
        return POLICY_NOBODY;
    return (uint32_t)(after - 1);
}

struct known_station *table_station(const struct table *table, const char *name)
{
    uint32_t i = table_station_index(table, name);

    return i == POLICY_NOBODY ? NULL : table->stations[i];
}

static void station_free(struct known_station *station)
{
    xdr_free((xdrproc_t)xdr_pool_station, (char *)&station->ad);
    free(station);
}

static struct known_station *station_insert(struct table *table,
                                            const char *name)
{
    struct known_station **more = realloc(
        table->stations, (table->n_stations + 1) * sizeof(*table->stations));
    struct known_station *station = calloc(1, sizeof *station);

    if (more)
        table->stations = more;
    if (!more || !station) {
        free(station);
        return NULL;
    }
    size_t at = table_station_after(table, name);
    memmove(&more[at + 1], &more[at], (table->n_stations - at) * sizeof(*more));
    more[at] = station;
    table->n_stations++;
    return station;
}

/* A match that was not used in time, or was used and is over, binds no more. */
static void check_reservation(struct known_station *station, uint64_t now_ms)
{
    if (station->reserved_ms &&
        (now_ms >= station->reserved_ms ||
         station->ad.claims != station->reserved_claims))
        station->reserved_ms = 0;
}

int table_hear_station(struct table *table, const pool_station *ad,
                       uint64_t now_ms)
{
    struct known_station *station = table_station(table, ad->name);
    pool_station copy;

    if (station && station->ad.boot_id == ad->boot_id &&
        ad->seq <= station->ad.seq) {
        errno = ESTALE;
        return -1;
    }
    if (!words_copy_station(&copy, ad))
        return -1;
    bool fresh = !station;
    if (fresh)
        station = station_insert(table, ad->name);
    if (!station) {
        xdr_free((xdrproc_t)xdr_pool_station, (char *)&copy);
        errno = ENOMEM;
        return -1;
    }
    if (fresh || station->ad.state != ad->state) {
        station->since_ms = now_ms;
        table->changed = true;
    }
    xdr_free((xdrproc_t)xdr_pool_station, (char *)&station->ad);
    station->ad = copy;
    station->heard_ms = now_ms;
    station->owner_left_ms =
        now_ms > copy.owner_idle_ms ? now_ms - copy.owner_idle_ms : 0;
    check_reservation(station, now_ms);
    return 0;
}

void table_withdraw(struct table *table, const char *name, uint64_t boot_id)
{
    struct known_station *station = table_station(table, name);

    if (station && station->ad.boot_id == boot_id)
        station->heard_ms = 0; /* expires at the next look */
}

struct known_home *table_home(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->n_homes; i++)
        if (strcmp(table->homes[i]->name, name) == 0)
            return table->homes[i];
    return NULL;
}

const coord_idle_job *table_waiting(const struct table *table, const char *name,
                                    uint64_t job)
{
    const struct known_home *home = table_home(table, name);

    for (unsigned i = 0; home && i < home->n_jobs; i++)
        if (home->jobs[i].id == job)
            return &home->jobs[i];
    return NULL;
}

const coord_running_job *table_running(const struct table *table,
                                       const char *name, uint64_t job)
{
    const struct known_home *home = table_home(table, name);

    for (unsigned i = 0; home && i < home->n_running_jobs; i++)
        if (home->running_jobs[i].job.id == job)
            return &home->running_jobs[i];
    return NULL;
}

static struct known_home *home_add(struct table *table, const char *name)
{
    struct known_home **more =
        realloc(table->homes, (table->n_homes + 1) * sizeof(*more));
    struct known_home *home = calloc(1, sizeof *home);

    if (more)
        table->homes = more;
    if (!more || !home || !words_copy(&home->name, name)) {
        free(home);
        return NULL;
    }
    table->homes[table->n_homes++] = home;
    return home;
}

static void home_drop_jobs(struct known_home *home)
{
    for (unsigned i = 0; i < home->n_jobs; i++)
        xdr_free((xdrproc_t)xdr_coord_idle_job, (char *)&home->jobs[i]);
    free(home->jobs);
    home->jobs = NULL;
    home->n_jobs = 0;
    for (unsigned i = 0; i < home->n_running_jobs; i++)
        xdr_free((xdrproc_t)xdr_coord_running_job,
                 (char *)&home->running_jobs[i]);
    free(home->running_jobs);
    home->running_jobs = NULL;
    home->n_running_jobs = 0;
}

void table_drop_matches(struct known_home *home)
{
    for (unsigned i = 0; i < home->n_matches; i++)
        xdr_free((xdrproc_t)xdr_coord_match, (char *)&home->matches[i]);
    free(home->matches);
    home->matches = NULL;
    home->n_matches = 0;
}

/* The lists of the message become ours: no copy of thousands of strings. */
static void take_jobs(struct known_home *home, coord_jobs_args *ad)
{
    home_drop_jobs(home);
    home->jobs = ad->jobs.jobs_val;
    home->n_jobs = ad->jobs.jobs_len;
    home->running_jobs = ad->on_stations.on_stations_val;
    home->n_running_jobs = ad->on_stations.on_stations_len;
    ad->jobs.jobs_val = NULL;
    ad->jobs.jobs_len = 0;
    ad->on_stations.on_stations_val = NULL;
    ad->on_stations.on_stations_len = 0;
}

struct known_home *table_hear_home(struct table *table, coord_jobs_args *ad,
                                   uint64_t now_ms)
{
    struct known_home *home = table_home(table, ad->home);

    if (!home)
        home = home_add(table, ad->home);
    if (!home)
        return NULL;
    home->boot_id = ad->boot_id;
    home->heard_ms = now_ms;
    home->queued = ad->queued;
    home->running = ad->running;
    take_jobs(home, ad);
    if (home->n_jobs > 0)
        table->changed = true;
    return home;
}

static void home_free(struct known_home *home)
{
    home_drop_jobs(home);
    table_drop_matches(home);
    free(home->name);
    free(home);
}

void table_expire(struct table *table, uint64_t now_ms, uint64_t lifetime_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < table->n_stations; i++) {
        struct known_station *station = table->stations[i];
        check_reservation(station, now_ms);
        if (now_ms - station->heard_ms > lifetime_ms)
            station_free(station);
        else
            table->stations[kept++] = station;
    }
    table->n_stations = kept;
    kept = 0;
    for (size_t i = 0; i < table->n_homes; i++) {
        if (now_ms - table->homes[i]->heard_ms > lifetime_ms)
            home_free(table->homes[i]);
        else
            table->homes[kept++] = table->homes[i];
    }
    table->n_homes = kept;
}

uint32_t table_user(struct table *table, const char *home, const char *owner,
                    const struct policy_share_rule *rule)
{
    char name[2 * 64 + 2];

    snprintf(name, sizeof name, "%s/%s", home, owner);
    if (table->last_user < table->n_users &&
        strcmp(table->users[table->last_user].name, name) == 0)
        return (uint32_t)table->last_user; /* jobs of one come together */
    for (size_t i = 0; i < table->n_users; i++)
        if (strcmp(table->users[i].name, name) == 0) {
            table->last_user = i;
            return (uint32_t)i;
        }
    struct known_user *more =
        realloc(table->users, (table->n_users + 1) * sizeof *more);
    if (!more)
        return POLICY_NOBODY;
    table->users = more;
    struct known_user *user = &more[table->n_users];
    if (!words_copy(&user->name, name))
        return POLICY_NOBODY;
    policy_share_init(&user->share, rule);
    return (uint32_t)table->n_users++;
}

void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->n_stations; i++)
        station_free(table->stations[i]);
    for (size_t i = 0; i < table->n_homes; i++)
        home_free(table->homes[i]);
    for (size_t i = 0; i < table->n_users; i++)
        free(table->users[i].name);
    free(table->stations);
    free(table->homes);
    free(table->users);
    plans_clear(table);
    *table = (struct table){.n_stations = 0};
}
