/* cycle.c - see cycle.h */
#include "scheduler/coordinator/cycle.h"

#include "scheduler/core/expr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESERVED_MS = 5000 };

/* A job in a cycle: whose it is, and as it was said. */
struct waiting {
    struct known_home *home;
    const coord_idle_job *job;
    struct expr *needs; /* NULL: any station */
    bool unreadable;    /* requirements that nobody can read fit nowhere */
};

struct cycle {
    struct table *table;
    const struct settings *settings;
    struct waiting *waiting;
    struct policy_job *jobs;
    size_t n_jobs;
    struct policy_station *stations;
    struct policy_share *shares;
    uint32_t *scratch;
    struct policy_match *matches;
};

static void cycle_free(struct cycle *c)
{
    for (size_t i = 0; c->waiting && i < c->n_jobs; i++)
        expr_free(c->waiting[i].needs);
    free(c->waiting);
    free(c->jobs);
    free(c->stations);
    free(c->shares);
    free(c->scratch);
    free(c->matches);
}

static double seconds(uint64_t ms)
{
    return (double)ms / 1000;
}

static struct waiting read_needs(struct known_home *home,
                                 const coord_idle_job *job)
{
    struct waiting waiting = {.home = home, .job = job};

    if (job->requirements[0]) {
        waiting.needs = expr_parse(job->requirements, NULL);
        waiting.unreadable = !waiting.needs;
    }
    return waiting;
}

static bool gather_jobs(struct cycle *c, uint64_t now_ms)
{
    struct table *t = c->table;
    size_t n = 0;

    for (size_t i = 0; i < t->n_homes; i++)
        n += t->homes[i]->n_jobs;
    c->waiting = calloc(n + 1, sizeof *c->waiting);
    c->jobs = calloc(n + 1, sizeof *c->jobs);
    if (!c->waiting || !c->jobs)
        return false;
    for (size_t i = 0; i < t->n_homes; i++) {
        struct known_home *home = t->homes[i];
        for (unsigned k = 0; k < home->n_jobs; k++) {
            const coord_idle_job *job = &home->jobs[k];
            uint32_t user = table_user(t, home->name, job->owner,
                                       &c->settings->params.shares);
            if (user == POLICY_NOBODY)
                return false;
            c->waiting[c->n_jobs] = read_needs(home, job);
            c->jobs[c->n_jobs] = (struct policy_job){
                .id = (uint32_t)c->n_jobs,
                .user = user,
                .home = POLICY_NOBODY,
                .from = table_station_index(t, job->not_station),
                .priority = job->prio,
                .since = (double)job->submitted,
                .here_since = seconds(now_ms),
                .cpu_need = 1,
                .io_station = POLICY_NOBODY,
                .movable = true,
            };
            c->n_jobs++;
        }
    }
    return true;
}

static void describe_station(struct cycle *c, size_t i)
{
    struct known_station *known = c->table->stations[i];
    const pool_station *ad = &known->ad;
    bool runs = ad->state != POOL_ST_OWNER && ad->state != POOL_ST_IDLE;
    bool kept = known->reserved_ms != 0;

    c->stations[i] = (struct policy_station){
        .id = (uint32_t)i,
        .state = ad->state == POOL_ST_IDLE && kept ? POLICY_STATION_CLAIMED
                                                   : (uint32_t)ad->state,
        .jobs = runs || kept,
        .load = (double)ad->load_milli / 1000,
        .heard = seconds(known->heard_ms),
        .speed = 1,
        .idle_since = seconds(known->owner_left_ms),
        .user = runs && ad->owner[0] ? table_user(c->table, ad->home, ad->owner,
                                                  &c->settings->params.shares)
                                     : POLICY_NOBODY,
        .job_since = seconds(known->since_ms),
        .job_immovable = kept,
    };
}

static bool gather_stations(struct cycle *c)
{
    c->stations = calloc(c->table->n_stations + 1, sizeof *c->stations);
    if (!c->stations)
        return false;
    for (size_t i = 0; i < c->table->n_stations; i++)
        describe_station(c, i);
    return true;
}

static bool gather_shares(struct cycle *c)
{
    struct table *t = c->table;

    c->shares = calloc(t->n_users + 1, sizeof *c->shares);
    c->scratch =
        calloc(policy_cycle_scratch(c->n_jobs, t->n_stations, t->n_users) + 1,
               sizeof *c->scratch);
    c->matches = calloc(t->n_stations + 1, sizeof *c->matches);
    if (!c->shares || !c->scratch || !c->matches)
        return false;
    for (size_t i = 0; i < t->n_users; i++) {
        t->users[i].share.held = t->users[i].share.wants = 0;
        c->shares[i] = t->users[i].share;
    }
    for (size_t i = 0; i < t->n_stations; i++)
        if (c->stations[i].user < t->n_users)
            c->shares[c->stations[i].user].held++;
    for (size_t i = 0; i < c->n_jobs; i++)
        c->shares[c->jobs[i].user].wants++;
    for (size_t i = 0; i < t->n_users; i++) {
        t->users[i].share.held = c->shares[i].held;
        t->users[i].share.wants = c->shares[i].wants;
    }
    return true;
}

static bool said_fits(const coord_idle_job *job, const pool_station *station)
{
    if (job->want_station[0] && strcmp(job->want_station, station->name) != 0)
        return false;
    if (job->mem_need > station->mem_total ||
        job->disk_need > station->disk_free)
        return false;
    return true;
}

static bool needs_met(const struct waiting *waiting, const pool_station *ad)
{
    struct expr_station station = {
        .name = ad->name,
        .arch = ad->arch,
        .features = ad->features,
        .memory = ad->mem_total,
        .memory_free = ad->mem_free,
        .disk = ad->disk_free,
        .cpus = ad->cpus,
        .load = (double)ad->load_milli / 1000,
        .owner_idle = seconds(ad->owner_idle_ms),
    };

    return !waiting->unreadable && expr_match(waiting->needs, &station);
}

static bool fits(void *arg, uint32_t job, uint32_t station)
{
    const struct cycle *c = arg;
    const struct waiting *waiting = &c->waiting[job];
    const pool_station *ad = &c->table->stations[station]->ad;

    return said_fits(waiting->job, ad) && needs_met(waiting, ad);
}

static bool leave_match(struct cycle *c, const struct policy_match *match,
                        uint64_t now_ms)
{
    struct known_home *home = c->waiting[match->job].home;
    struct known_station *station = c->table->stations[match->station];
    coord_match *more =
        realloc(home->matches, (home->n_matches + 1) * sizeof *more);

    if (!more)
        return false;
    home->matches = more;
    coord_match *made = &more[home->n_matches];
    made->job = c->waiting[match->job].job->id;
    made->station = strdup(station->ad.name);
    made->addr = strdup(station->ad.addr);
    if (!made->station || !made->addr) {
        free(made->station);
        free(made->addr);
        return false;
    }
    home->n_matches++;
    station->reserved_ms = now_ms + RESERVED_MS;
    station->reserved_claims = station->ad.claims;
    c->table->matches++;
    return true;
}

/* Matches that a home has not fetched yet are decided again. */
static void forget_unfetched(struct table *table)
{
    for (size_t i = 0; i < table->n_homes; i++) {
        struct known_home *home = table->homes[i];
        for (unsigned k = 0; k < home->n_matches; k++) {
            struct known_station *station =
                table_station(table, home->matches[k].station);
            if (station)
                station->reserved_ms = 0;
        }
        table_drop_matches(home);
    }
}

static int decide(struct cycle *c, struct policy_rng *rng, uint64_t now_ms)
{
    struct policy_view view = {
        .now = seconds(now_ms),
        .rng = rng,
        .par = &c->settings->params,
        .n_stations = (uint32_t)c->table->n_stations,
    };
    struct policy_cycle cycle = {
        .jobs = c->jobs,
        .n_jobs = c->n_jobs,
        .stations = c->stations,
        .n_stations = c->table->n_stations,
        .shares = c->shares,
        .n_shares = c->table->n_users,
        .fits = fits,
        .fits_arg = c,
        .scratch = c->scratch,
    };
    int made = 0;

    size_t n = policy_negotiate(c->settings->policy, &view, &cycle, c->matches,
                                c->table->n_stations);
    for (size_t i = 0; i < n; i++)
        if (!c->matches[i].preempt && leave_match(c, &c->matches[i], now_ms))
            made++;
    return made;
}

int cycle_run(struct table *table, const struct settings *settings,
              struct policy_rng *rng, uint64_t now_ms)
{
    struct cycle c = {.table = table, .settings = settings};
    int made = -1;

    table->changed = false;
    forget_unfetched(table);
    if (gather_jobs(&c, now_ms) && gather_stations(&c) && gather_shares(&c))
        made = decide(&c, rng, now_ms);
    cycle_free(&c);
    if (made < 0)
        errno = ENOMEM;
    return made;
}

void cycle_why(const struct table *table, const struct known_home *home,
               char *text, size_t size)
{
    size_t idle = 0, suits = 0;

    text[0] = '\0';
    if (home->n_jobs == 0 || home->n_matches > 0)
        return;
    struct waiting first =
        read_needs((struct known_home *)(uintptr_t)home, &home->jobs[0]);
    for (size_t i = 0; i < table->n_stations; i++) {
        if (said_fits(&home->jobs[0], &table->stations[i]->ad) &&
            needs_met(&first, &table->stations[i]->ad))
            suits++;
        if (table->stations[i]->ad.state == POOL_ST_IDLE &&
            !table->stations[i]->reserved_ms)
            idle++;
    }
    expr_free(first.needs);
    if (table->n_stations == 0)
        snprintf(text, size, "the coordinator knows no station");
    else if (idle == 0)
        snprintf(text, size, "none of %zu stations is idle", table->n_stations);
    else
        snprintf(text, size,
                 "%zu stations are idle, none of them suits; of all %zu "
                 "stations %zu would",
                 idle, table->n_stations, suits);
}
