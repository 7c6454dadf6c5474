/* balance.c - see balance.h */
#include "scheduler/coordinator/balance.h"

#include "scheduler/coordinator/describe.h"
#include "scheduler/coordinator/plans.h"
#include "scheduler/core/policy_pool.h"
#include "scheduler/pool/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOVES_MAX = 16, IMAGE_TIME_MS = 60000 };

struct balance {
    struct table *table;
    const struct settings *settings;
    uint64_t now_ms;
    struct policy_station *stations;
    struct policy_job *jobs;
    uint32_t *job_at; /* by station */
    uint32_t *at;     /* the station, by job */
    uint32_t *scratch;
    uint32_t n_jobs;
    uint32_t read; /* the job whose requirements are in `needs` */
    struct expr *needs;
};

static bool make_room(struct balance *b)
{
    size_t n = b->table->n_stations + 1;

    b->stations = calloc(n, sizeof *b->stations);
    b->jobs = calloc(n, sizeof *b->jobs);
    b->job_at = calloc(n, sizeof *b->job_at);
    b->at = calloc(n, sizeof *b->at);
    b->scratch = calloc(2 * n, sizeof *b->scratch);
    return b->stations && b->jobs && b->job_at && b->at && b->scratch;
}

static void clear(struct balance *b)
{
    expr_free(b->needs);
    free(b->stations);
    free(b->jobs);
    free(b->job_at);
    free(b->at);
    free(b->scratch);
}

static void gather(struct balance *b)
{
    struct table *t = b->table;

    for (size_t i = 0; i < t->n_stations; i++) {
        const pool_station *ad = &t->stations[i]->ad;

        describe_station(t, i, &b->settings->params, &b->stations[i]);
        b->job_at[i] = POLICY_NOBODY;
        if (ad->state != POOL_ST_CLAIMED || ad->job == 0 ||
            !describe_running(t, i, b->now_ms, &b->jobs[b->n_jobs]))
            continue;
        b->at[b->n_jobs] = (uint32_t)i;
        b->job_at[i] = b->n_jobs++;
    }
}

/* policy_rebalance() asks for one job after the other: its requirements are
 * read once. */
static bool fits(void *arg, uint32_t job, uint32_t station)
{
    struct balance *b = arg;
    const pool_station *from = &b->table->stations[b->at[job]]->ad;
    const coord_running_job *running =
        table_running(b->table, from->home, from->job);

    if (!running)
        return false;
    if (b->read != job) {
        expr_free(b->needs);
        b->needs = running->job.requirements[0]
                       ? expr_parse(running->job.requirements, NULL)
                       : NULL;
        b->read = job;
    }
    if (running->job.requirements[0] && !b->needs)
        return false;
    return describe_fits(&running->job, b->needs,
                         &b->table->stations[station]->ad);
}

static bool keep_plan(struct balance *b, const struct policy_move *move)
{
    const pool_station *from = &b->table->stations[move->from]->ad;
    const pool_station *to = &b->table->stations[move->to]->ad;
    struct plan plan = {
        .job = from->job,
        .leaver = from->job,
        .until_ms = b->now_ms + IMAGE_TIME_MS +
                    (uint64_t)(b->settings->params.vacate_limit_s * 1000),
    };

    snprintf(plan.home, sizeof plan.home, "%s", from->home);
    snprintf(plan.leaver_home, sizeof plan.leaver_home, "%s", from->home);
    snprintf(plan.station, sizeof plan.station, "%s", to->name);
    snprintf(plan.from, sizeof plan.from, "%s", from->name);
    snprintf(plan.why, sizeof plan.why,
             "policy %s moves it from %s (load %.2f) to %s (load %.2f)",
             b->settings->policy_name, from->name, from->total_milli / 1000.0,
             to->name, to->total_milli / 1000.0);
    log_line("job %llu of %s: %s", (unsigned long long)from->job, from->home,
             plan.why);
    return plans_add(b->table, &plan);
}

static int decide(struct balance *b, struct policy_rng *rng)
{
    struct policy_move moves[MOVES_MAX];
    struct policy_view view = {
        .now = (double)b->now_ms / 1000,
        .rng = rng,
        .par = &b->settings->params,
        .n_stations = (uint32_t)b->table->n_stations,
    };
    struct policy_pool pool = {
        .stations = b->stations,
        .n_stations = (uint32_t)b->table->n_stations,
        .jobs = b->jobs,
        .job_at = b->job_at,
        .fits = fits,
        .fits_arg = b,
        .scratch = b->scratch,
    };
    int made = 0;

    size_t n =
        policy_rebalance(b->settings->policy, &view, &pool, moves, MOVES_MAX);
    for (size_t i = 0; i < n; i++)
        made += keep_plan(b, &moves[i]);
    return made;
}

int balance_run(struct table *table, const struct settings *settings,
                struct policy_rng *rng, uint64_t now_ms)
{
    struct balance b = {.table = table, .settings = settings, .now_ms = now_ms};
    int made = -1;

    b.read = POLICY_NOBODY;
    if (make_room(&b)) {
        gather(&b);
        made = decide(&b, rng);
    }
    clear(&b);
    if (made < 0)
        errno = ENOMEM;
    return made;
}
