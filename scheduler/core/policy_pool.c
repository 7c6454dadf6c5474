/* policy_pool.c - see policy_pool.h */
#include "scheduler/core/policy_pool.h"
#include "scheduler/core/policy_rules.h"

#include <string.h>

const char *policy_pool_refusal(const struct policy *policy)
{
    if (policy->transfer == &policy_transfer_rules[TRANSFER_NEVER])
        return "it runs every job where it was submitted, and a home station "
               "runs none: all would wait for ever";
    if (policy->information->kind == POLICY_INFO_ORACLE)
        return "it knows at every instant what all stations do, which only a "
               "simulation can";
    if (policy->transfer == &policy_transfer_rules[TRANSFER_ADAPTIVE_PRINTED])
        return "its threshold runs away until no job is placed; it is kept "
               "for comparison in simulations";
    return NULL;
}

const char *policy_live_refusal(const struct policy *policy)
{
    return policy->live ? NULL : "it never moves a job that runs";
}

uint32_t policy_pool_looks(const struct policy *policy,
                           const struct policy_params *par)
{
    bool own = policy->transfer == &policy_transfer_rules[TRANSFER_PLACE];

    switch (policy->information->kind) {
    case POLICY_INFO_NONE:
        return 1;
    case POLICY_INFO_PROBE:
        /* the station it came to is one of those it may choose: here the
         * first that is drawn stands for it */
        return par->probe_limit + own;
    case POLICY_INFO_GOSSIP:
    case POLICY_INFO_ADVERT:
        return par->view_size;
    case POLICY_INFO_TABLE:
    case POLICY_INFO_ORACLE:
        break;
    }
    return UINT32_MAX;
}

bool policy_pool_fetches(const struct policy *policy,
                         const struct policy_view *view)
{
    struct policy_memory memory;
    struct policy_station idle = {.state = POLICY_STATION_IDLE,
                                  .level = POLICY_UNDER};
    struct policy_station home = {
        .level = POLICY_OVER, .jobs = UINT32_MAX / 2, .load = 1e6};
    struct policy_view v = *view;

    policy_memory_init(&memory, view->par);
    v.memory = &memory;
    v.self = &idle;
    if (policy_transfer(policy, &v, POLICY_EV_DEPARTURE) !=
        POLICY_TRANSFER_FETCH)
        return false;
    v.self = &home;
    return policy_transfer(policy, &v, POLICY_EV_ARRIVAL) !=
           POLICY_TRANSFER_PLACE;
}

/* ---- balancing ---- */

struct balance {
    const struct policy *policy;
    const struct policy_pool *pool;
    struct policy_view view;
    struct policy_memory memory;
    uint32_t *idle, *busy; /* stations; taken ones leave the lists */
    uint32_t n_idle, n_busy;
    struct policy_station known[POLICY_TARGETS_MAX];
    uint32_t n_known;
};

static void gather(struct balance *b)
{
    const struct policy_pool *pool = b->pool;
    uint32_t i;

    for (i = 0; i < pool->n_stations; i++) {
        const struct policy_station *s = &pool->stations[i];

        if (s->heard < 0)
            continue;
        if (s->state == POLICY_STATION_IDLE)
            b->idle[b->n_idle++] = i;
        else if (s->state == POLICY_STATION_CLAIMED &&
                 pool->job_at[i] != POLICY_NOBODY)
            b->busy[b->n_busy++] = i;
    }
}

static void take(uint32_t *list, uint32_t *n, uint32_t station)
{
    uint32_t i;

    for (i = 0; i < *n; i++)
        if (list[i] == station) {
            list[i] = list[--*n];
            return;
        }
}

static bool lighter(const struct policy_station *a,
                    const struct policy_station *b)
{
    return a->jobs != b->jobs ? a->jobs < b->jobs : a->load < b->load;
}

/* Keep the list in order, the lightest first. */
static void know(struct balance *b, uint32_t station, uint32_t most)
{
    const struct policy_station *s = &b->pool->stations[station];
    uint32_t i = b->n_known;

    if (i == most && !lighter(s, &b->known[i - 1]))
        return;
    i -= i == most;
    for (; i > 0 && lighter(s, &b->known[i - 1]); i--)
        b->known[i] = b->known[i - 1];
    b->known[i] = *s;
    b->n_known += b->n_known < most;
}

/* What the station from which `job` might go knows of idle ones: a random few
 * by gossip and adverts, else the lightest of all. */
static void inform(struct balance *b, uint32_t job)
{
    const struct policy_pool *pool = b->pool;
    enum policy_info_kind kind = b->policy->information->kind;
    uint32_t i, few = b->view.par->view_size, at;
    bool some = kind == POLICY_INFO_GOSSIP || kind == POLICY_INFO_ADVERT;

    few = few < POLICY_TARGETS_MAX ? few : POLICY_TARGETS_MAX;
    b->n_known = 0;
    for (i = 0; i < (some && few < b->n_idle ? few : b->n_idle); i++) {
        if (some) { /* the first i are drawn already */
            at = i + policy_rng_below(b->view.rng, b->n_idle - i);
            uint32_t drawn = b->idle[at];
            b->idle[at] = b->idle[i];
            b->idle[i] = drawn;
        }
        if (!pool->fits || pool->fits(pool->fits_arg, job, b->idle[i]))
            know(b, b->idle[i], POLICY_TARGETS_MAX);
    }
}

static void stand_at(struct balance *b, uint32_t station)
{
    uint32_t job = b->pool->job_at[station];

    policy_memory_init(&b->memory, b->view.par);
    b->view.self = &b->pool->stations[station];
    b->view.jobs = job == POLICY_NOBODY ? NULL : &b->pool->jobs[job];
    b->view.n_jobs = job != POLICY_NOBODY;
    b->view.known = b->known;
    b->view.n_known = b->n_known;
}

/* Does the destination take it? */
static bool accepted(struct balance *b, uint32_t from, uint32_t to)
{
    struct policy_view there = b->view;
    struct policy_memory memory;

    policy_memory_init(&memory, b->view.par);
    there.self = &b->pool->stations[to];
    there.memory = &memory;
    return policy_accept(b->policy, &there, &b->pool->stations[from],
                         &b->pool->jobs[b->pool->job_at[from]]) ==
           POLICY_ACCEPT;
}

static bool export_from(struct balance *b, uint32_t from,
                        struct policy_move *move)
{
    uint32_t to;
    int job;

    inform(b, b->pool->job_at[from]);
    stand_at(b, from);
    if (policy_balance(b->policy, &b->view, &job, &to) < 0 ||
        !accepted(b, from, to))
        return false;
    *move = (struct policy_move){b->pool->job_at[from], from, to};
    return true;
}

/* Would the peer give its job to station `to`? */
static bool gives(struct balance *b, uint32_t peer, uint32_t to)
{
    const struct policy_pool *pool = b->pool;
    struct policy_view there = b->view;

    if (pool->job_at[peer] == POLICY_NOBODY ||
        (pool->fits && !pool->fits(pool->fits_arg, pool->job_at[peer], to)))
        return false;
    there.self = &pool->stations[peer];
    there.jobs = &pool->jobs[pool->job_at[peer]];
    there.n_jobs = 1;
    return policy_select(b->policy, &there, &pool->stations[to]) == 0 &&
           accepted(b, peer, to);
}

static bool fetch_to(struct balance *b, uint32_t to, struct policy_move *move)
{
    const struct policy_station *answer = NULL;
    struct policy_search search;
    struct policy_step step;

    b->n_known = 0;
    stand_at(b, to);
    if (policy_transfer(b->policy, &b->view, POLICY_EV_TICK) !=
        POLICY_TRANSFER_FETCH)
        return false;
    policy_search_begin(&search, POLICY_TRANSFER_FETCH, NULL);
    for (;;) {
        step = policy_search_next(b->policy, &b->view, &search, answer);
        answer = NULL;
        if (step.what == POLICY_DO_STAY)
            return false;
        if (step.what == POLICY_DO_PROBE)
            answer = &b->pool->stations[step.station];
        else if (gives(b, step.station, to))
            break;
        else
            policy_search_refused(&search, step.station);
    }
    *move =
        (struct policy_move){b->pool->job_at[step.station], step.station, to};
    return true;
}

/* The heaviest of the list from `i` on comes to its front. */
static uint32_t heaviest(struct balance *b, uint32_t i)
{
    uint32_t best = i, k, s;

    for (k = i + 1; k < b->n_busy; k++)
        if (lighter(&b->pool->stations[b->busy[best]],
                    &b->pool->stations[b->busy[k]]))
            best = k;
    s = b->busy[best];
    b->busy[best] = b->busy[i];
    b->busy[i] = s;
    return s;
}

size_t policy_rebalance(const struct policy *policy,
                        const struct policy_view *view,
                        const struct policy_pool *pool, struct policy_move *out,
                        size_t max)
{
    struct balance b = {.policy = policy, .pool = pool, .view = *view};
    size_t n = 0;
    uint32_t i, s;

    if (!policy->live)
        return 0;
    b.view.memory = &b.memory;
    b.view.n_stations = pool->n_stations;
    b.idle = pool->scratch;
    b.busy = pool->scratch + pool->n_stations;
    gather(&b);
    for (i = 0; i < b.n_busy && i < POLICY_VISITS_MAX; i++) {
        if (n == max || b.n_idle == 0)
            return n;
        s = heaviest(&b, i);
        if (export_from(&b, s, &out[n]))
            take(b.idle, &b.n_idle, out[n++].to);
    }
    if (n > 0)
        return n; /* who gives does not fetch, too */
    for (i = 0; i < POLICY_VISITS_MAX && b.n_idle > 0 && n < max; i++) {
        s = b.idle[policy_rng_below(view->rng, b.n_idle)];
        if (!fetch_to(&b, s, &out[n]))
            continue;
        /* neither is in another move of this time */
        for (uint32_t k = 0; k < n; k++)
            if (out[k].from == out[n].from)
                s = POLICY_NOBODY;
        if (s != POLICY_NOBODY)
            take(b.idle, &b.n_idle, out[n++].to);
    }
    return n;
}
