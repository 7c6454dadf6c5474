/* cycle.c - see cycle.h */
#include "scheduler/coordinator/cycle.h"

#include "scheduler/coordinator/describe.h"
#include "scheduler/coordinator/plans.h"
#include "scheduler/core/expr.h"
#include "scheduler/pool/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESERVED_MS = 5000, IMAGE_TIME_MS = 60000, PREEMPTS_MAX = 256 };

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

static bool add_job(struct cycle *c, struct known_home *home,
                    const coord_idle_job *job, uint64_t now_ms)
{
    uint32_t user = table_user(c->table, home->name, job->owner,
                               &c->settings->params.shares);

    if (user == POLICY_NOBODY)
        return false;
    c->waiting[c->n_jobs] = read_needs(home, job);
    c->jobs[c->n_jobs] = (struct policy_job){
        .id = (uint32_t)c->n_jobs,
        .user = user,
        .home = POLICY_NOBODY,
        .from = table_station_index(c->table, job->not_station),
        .priority = job->prio,
        .since = (double)job->submitted,
        .here_since = seconds(now_ms),
        .cpu_need = 1,
        .io_station = POLICY_NOBODY,
        .movable = true,
    };
    c->n_jobs++;
    return true;
}

/* One for which a station is being made free waits for that one. */
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
        for (unsigned k = 0; k < home->n_jobs; k++)
            if (!(t->n_plans &&
                  plans_for_job(t, home->name, home->jobs[k].id)) &&
                !add_job(c, home, &home->jobs[k], now_ms))
                return false;
    }
    return true;
}

static bool gather_stations(struct cycle *c)
{
    c->stations = calloc(c->table->n_stations + 1, sizeof *c->stations);
    if (!c->stations)
        return false;
    for (size_t i = 0; i < c->table->n_stations; i++)
        describe_station(c->table, i, &c->settings->params, &c->stations[i]);
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

static bool fits(void *arg, uint32_t job, uint32_t station)
{
    const struct cycle *c = arg;
    const struct waiting *waiting = &c->waiting[job];
    const pool_station *ad = &c->table->stations[station]->ad;

    return !waiting->unreadable &&
           describe_fits(waiting->job, waiting->needs, ad);
}

static bool leave_match(struct table *table, struct known_home *home,
                        uint64_t job, struct known_station *station,
                        uint64_t now_ms)
{
    coord_match *more =
        realloc(home->matches, (home->n_matches + 1) * sizeof *more);

    if (!more)
        return false;
    home->matches = more;
    coord_match *made = &more[home->n_matches];
    made->job = job;
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
    table->matches++;
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

/* A station that was made free for a job is free now. */
static int keep_promises(struct table *t, uint64_t now_ms)
{
    int made = 0;

    for (size_t i = 0; i < t->n_plans; i++) {
        const struct plan *plan = &t->plans[i];
        struct known_station *station = table_station(t, plan->station);
        const coord_idle_job *job = table_waiting(t, plan->home, plan->job);

        if (!job || !station || station->ad.state != POOL_ST_IDLE ||
            station->reserved_ms)
            continue;
        made += leave_match(t, table_home(t, plan->home), plan->job, station,
                            now_ms);
    }
    return made;
}

/* The station's job has to make room for a user with a better claim. */
static bool preempt(struct cycle *c, const struct policy_match *match,
                    uint64_t now_ms)
{
    const struct waiting *waiting = &c->waiting[match->job];
    const pool_station *ad = &c->table->stations[match->station]->ad;
    struct plan plan = {
        .job = waiting->job->id,
        .leaver = ad->job,
        .until_ms = now_ms + IMAGE_TIME_MS +
                    (uint64_t)(c->settings->params.vacate_limit_s * 1000),
    };

    snprintf(plan.home, sizeof plan.home, "%s", waiting->home->name);
    snprintf(plan.leaver_home, sizeof plan.leaver_home, "%s", ad->home);
    snprintf(plan.station, sizeof plan.station, "%s", ad->name);
    snprintf(plan.from, sizeof plan.from, "%s", ad->name);
    snprintf(plan.why, sizeof plan.why,
             "%s of %s has had less than its share: makes room for job %llu",
             waiting->job->owner, waiting->home->name,
             (unsigned long long)waiting->job->id);
    log_line("job %llu of %s leaves %s: %s", (unsigned long long)ad->job,
             ad->home, ad->name, plan.why);
    return plans_add(c->table, &plan);
}

/* Matches are left with the homes, what has to make room becomes a plan. */
static int carry_out(struct cycle *c, size_t n, uint64_t now_ms)
{
    int made = 0, room = PREEMPTS_MAX - (int)c->table->n_plans;

    for (size_t i = 0; i < n; i++) {
        const struct policy_match *m = &c->matches[i];
        const struct waiting *waiting = &c->waiting[m->job];

        if (m->preempt)
            made += room-- > 0 && preempt(c, m, now_ms);
        else
            made += leave_match(c->table, waiting->home, waiting->job->id,
                                c->table->stations[m->station], now_ms);
    }
    return made;
}

static int decide(struct cycle *c, struct policy_rng *rng, uint64_t now_ms)
{
    struct policy_view view = {
        .now = seconds(now_ms),
        .rng = rng,
        .par = &c->settings->params,
        .n_stations = (uint32_t)c->table->n_stations,
        .memory = &c->table->memory,
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

    return carry_out(c,
                     policy_negotiate(c->settings->policy, &view, &cycle,
                                      c->matches, c->table->n_stations),
                     now_ms);
}

int cycle_run(struct table *table, const struct settings *settings,
              struct policy_rng *rng, uint64_t now_ms)
{
    struct cycle c = {.table = table, .settings = settings};
    int made = -1;

    table->changed = false;
    forget_unfetched(table);
    plans_review(table, now_ms);
    int kept = keep_promises(table, now_ms);
    if (gather_jobs(&c, now_ms) && gather_stations(&c) && gather_shares(&c))
        made = kept + decide(&c, rng, now_ms);
    cycle_free(&c);
    if (made < 0)
        errno = ENOMEM;
    return made;
}

/* What the policy's information rule needs from time to time (adaptive
 * thresholds). */
void cycle_tick(struct table *table, const struct settings *settings,
                struct policy_rng *rng, uint64_t now_ms)
{
    struct policy_station self = {.id = POLICY_NOBODY};
    struct policy_view view = {
        .now = seconds(now_ms),
        .rng = rng,
        .par = &settings->params,
        .n_stations = (uint32_t)table->n_stations,
        .self = &self,
        .memory = &table->memory,
    };
    struct policy_station *known = calloc(table->n_stations + 1, sizeof *known);

    for (size_t i = 0; known && i < table->n_stations; i++)
        describe_station(table, i, &settings->params, &known[i]);
    view.known = known;
    view.n_known = known ? table->n_stations : 0;
    policy_transfer(settings->policy, &view, POLICY_EV_TICK);
    free(known);
}

struct counts {
    size_t idle, fit, idle_fit;
};

static struct counts count_for(const struct table *table,
                               const coord_idle_job *job)
{
    struct waiting first = read_needs(NULL, job);
    struct counts n = {0};

    for (size_t i = 0; i < table->n_stations; i++) {
        const struct known_station *station = table->stations[i];
        bool idle = station->ad.state == POOL_ST_IDLE && !station->reserved_ms;
        bool fit =
            !first.unreadable && describe_fits(job, first.needs, &station->ad);

        n.idle += idle;
        n.fit += fit;
        n.idle_fit += idle && fit;
    }
    expr_free(first.needs);
    return n;
}

void cycle_why(const struct table *table, const struct settings *settings,
               const struct known_home *home, char *text, size_t size)
{
    const struct plan *plan;

    text[0] = '\0';
    if (home->n_jobs == 0 || home->n_matches > 0)
        return;
    plan = plans_for_job(table, home->name, home->jobs[0].id);
    if (plan) {
        snprintf(text, size, "%s is being made free for it", plan->station);
        return;
    }
    struct counts n = count_for(table, &home->jobs[0]);
    if (table->n_stations == 0)
        snprintf(text, size, "the coordinator knows no station");
    else if (n.idle == 0)
        snprintf(text, size, "none of %zu stations is idle", table->n_stations);
    else if (n.idle_fit > 0)
        snprintf(text, size,
                 "%zu idle stations would suit; policy %s has not chosen one",
                 n.idle_fit, settings->policy_name);
    else
        snprintf(text, size,
                 "%zu stations are idle, none of them suits; of all %zu "
                 "stations %zu would%s%.200s",
                 n.idle, table->n_stations, n.fit,
                 n.fit == 0 && home->jobs[0].requirements[0] ? "; it requires "
                                                             : "",
                 n.fit == 0 ? home->jobs[0].requirements : "");
}
