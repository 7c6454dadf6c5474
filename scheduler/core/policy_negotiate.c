/* policy_negotiate.c - one cycle of the coordinator: jobs to stations
 *
 *   scratch:  jobs, by user, priority and age | idle stations, best first |
 *             busy stations,
 *             worst claim first | per user: next job, end of his jobs, grants
 *             in this cycle | users by whose turn it is
 *
 * Users go in the order of index + grants, so that one with many jobs cannot
 * take all stations of a cycle (CON-4, Up-Down).  A job looks at the best of
 * all idle stations where there is a table of them, else at a few: drawn by
 * lot (probes, gossip), or the latest to advertise.  Under a receiver's rule
 * the stations draw users instead.
 */
#include "scheduler/core/policy_pool.h"

struct table {
    const struct policy *policy;
    const struct policy_view *view;
    const struct policy_cycle *cycle;
    uint32_t *job, *idle, *busy;
    uint32_t *next, *end, *grants; /* by user */
    uint32_t *turn;                /* users with jobs left, a heap */
    size_t n_users, n_turns, n_idle, n_busy, first_idle, first_busy;
    struct policy_match *out;
    size_t n_out, max;
    uint32_t looks; /* idle stations that are looked at for one job */
    bool drawn;     /* by lot; then all from first_idle on are free */
};

typedef int comparison(const struct table *t, uint32_t a, uint32_t b);

/* Heap sort: nothing to allocate, and the order depends on `cmp` alone, which
 * breaks every tie. */
static void sift(const struct table *t, uint32_t *v, size_t root, size_t n,
                 comparison *cmp)
{
    for (;;) {
        size_t child = 2 * root + 1;
        uint32_t x = v[root];

        if (child >= n)
            return;
        if (child + 1 < n && cmp(t, v[child], v[child + 1]) < 0)
            child++;
        if (cmp(t, x, v[child]) >= 0)
            return;
        v[root] = v[child];
        v[child] = x;
        root = child;
    }
}

static void sort(const struct table *t, uint32_t *v, size_t n, comparison *cmp)
{
    size_t i;

    for (i = n / 2; i-- > 0;)
        sift(t, v, i, n, cmp);
    for (i = n; i-- > 1;) {
        uint32_t x = v[0];

        v[0] = v[i];
        v[i] = x;
        sift(t, v, 0, i, cmp);
    }
}

static int ordered(double a, double b)
{
    return (a > b) - (a < b);
}

static uint32_t user_of(const struct table *t, const struct policy_job *job)
{
    return job->user < t->cycle->n_shares ? job->user : 0;
}

static int by_user_then_turn(const struct table *t, uint32_t a, uint32_t b)
{
    const struct policy_job *x = &t->cycle->jobs[a], *y = &t->cycle->jobs[b];
    int c = ordered(user_of(t, x), user_of(t, y));

    if (!c)
        c = ordered(y->priority, x->priority);
    if (!c)
        c = ordered(x->since, y->since);
    return c ? c : ordered(a, b);
}

static double score(const struct table *t, uint32_t station)
{
    return t->policy->location->score(t->view, POLICY_TRANSFER_PLACE, NULL,
                                      &t->cycle->stations[station]);
}

static int by_score(const struct table *t, uint32_t a, uint32_t b)
{
    int c = ordered(score(t, b), score(t, a));

    return c ? c : ordered(a, b);
}

static int by_news(const struct table *t, uint32_t a, uint32_t b)
{
    int c = ordered(t->cycle->stations[b].heard, t->cycle->stations[a].heard);

    return c ? c : ordered(a, b);
}

/* In what order idle stations are looked at. */
static void order_idle(struct table *t)
{
    if (t->looks == UINT32_MAX)
        sort(t, t->idle, t->n_idle, by_score);
    else if (t->policy->information->kind == POLICY_INFO_ADVERT)
        sort(t, t->idle, t->n_idle, by_news);
    else
        t->drawn = true;
}

/* The i-th to be looked at; a drawn one changes places with the i-th. */
static uint32_t idle_at(struct table *t, size_t i)
{
    uint32_t s = t->idle[i];
    size_t other;

    if (!t->drawn)
        return s;
    other = i + policy_rng_below(t->view->rng, (uint32_t)(t->n_idle - i));
    t->idle[i] = t->idle[other];
    t->idle[other] = s;
    return t->idle[i];
}

static double claim(const struct table *t, uint32_t user)
{
    if (user >= t->cycle->n_shares)
        return 0;
    return t->cycle->shares[user].index;
}

/* The worst claim first; among equals who came last (least is lost). */
static int by_victim(const struct table *t, uint32_t a, uint32_t b)
{
    const struct policy_station *x = &t->cycle->stations[a];
    const struct policy_station *y = &t->cycle->stations[b];
    int c = ordered(claim(t, y->user), claim(t, x->user));

    if (!c)
        c = ordered(y->job_since, x->job_since);
    return c ? c : ordered(a, b);
}

static void gather_stations(struct table *t)
{
    double after = t->view->par->preempt_after_s;
    uint32_t i;

    for (i = 0; i < t->cycle->n_stations; i++) {
        const struct policy_station *s = &t->cycle->stations[i];

        if (s->heard < 0)
            continue;
        if (s->state == POLICY_STATION_IDLE) {
            if (score(t, i) > POLICY_UNFIT)
                t->idle[t->n_idle++] = i;
        } else if (s->state == POLICY_STATION_CLAIMED && after >= 0 &&
                   s->user < t->cycle->n_shares && !s->job_immovable &&
                   t->view->now - s->job_since >= after) {
            t->busy[t->n_busy++] = i;
        }
    }
    order_idle(t);
    sort(t, t->busy, t->n_busy, by_victim);
}

static void gather_jobs(struct table *t)
{
    const struct policy_cycle *c = t->cycle;
    uint32_t i, u;

    for (i = 0; i < c->n_jobs; i++)
        t->job[i] = i;
    sort(t, t->job, c->n_jobs, by_user_then_turn);
    for (u = 0; u < t->n_users; u++)
        t->next[u] = t->end[u] = t->grants[u] = 0;
    for (i = 0; i < c->n_jobs; i++) {
        u = user_of(t, &c->jobs[t->job[i]]);
        if (t->end[u] == 0)
            t->next[u] = i;
        t->end[u] = i + 1;
    }
}

/* Later in the order is smaller, since sift() keeps the largest on top. */
static int by_turn(const struct table *t, uint32_t a, uint32_t b)
{
    int c = ordered(claim(t, b) + t->grants[b], claim(t, a) + t->grants[a]);

    return c ? c : ordered(b, a);
}

static void gather_turns(struct table *t)
{
    uint32_t u;
    size_t i;

    for (u = 0; u < t->n_users; u++)
        if (t->next[u] < t->end[u])
            t->turn[t->n_turns++] = u;
    for (i = t->n_turns / 2; i-- > 0;)
        sift(t, t->turn, i, t->n_turns, by_turn);
}

/* The user on top has had a turn: put him where he belongs now. */
static void turn_over(struct table *t)
{
    uint32_t user = t->turn[0];

    if (t->next[user] >= t->end[user])
        t->turn[0] = t->turn[--t->n_turns];
    sift(t, t->turn, 0, t->n_turns, by_turn);
}

static bool fits(const struct table *t, uint32_t job, uint32_t station)
{
    return !t->cycle->fits || t->cycle->fits(t->cycle->fits_arg, job, station);
}

static void grant(struct table *t, uint32_t user, uint32_t job,
                  uint32_t station, bool preempt)
{
    struct policy_match *m = &t->out[t->n_out++];

    m->job = job;
    m->station = station;
    m->preempt = preempt;
    t->grants[user]++;
}

static uint32_t take_entry(struct table *t, size_t i)
{
    uint32_t found = t->idle[i];

    t->idle[i] = t->drawn ? t->idle[t->first_idle++] : POLICY_NOBODY;
    while (t->first_idle < t->n_idle && t->idle[t->first_idle] == POLICY_NOBODY)
        t->first_idle++;
    return found;
}

/* Of the first few free entries that fit take the best; where all are known
 * that is the first.  One the job has just been thrown off only when there is
 * no other. */
static uint32_t take_idle(struct table *t, uint32_t job)
{
    const struct policy_job *ad = &t->cycle->jobs[job];
    size_t best = t->n_idle, last_resort = t->n_idle, i;
    double best_score = POLICY_UNFIT;
    uint32_t looked = 0;

    for (i = t->first_idle; i < t->n_idle && looked < t->looks; i++) {
        uint32_t s = idle_at(t, i);
        double worth;

        if (s == POLICY_NOBODY || !fits(t, job, s))
            continue;
        if (t->cycle->stations[s].id == ad->from) {
            last_resort = i;
            continue;
        }
        if (t->looks == UINT32_MAX)
            return take_entry(t, i);
        looked++;
        worth = t->policy->location->score(t->view, POLICY_TRANSFER_PLACE, ad,
                                           &t->cycle->stations[s]);
        if (worth <= best_score)
            continue;
        best = i;
        best_score = worth;
        if (t->policy->location->first)
            break;
    }
    best = best == t->n_idle && looked == 0 ? last_resort : best;
    return best == t->n_idle ? POLICY_NOBODY : take_entry(t, best);
}

/* A station whose job's owner has a strictly worse claim than `user`. */
static uint32_t take_busy(struct table *t, uint32_t user, uint32_t job)
{
    size_t i;

    for (i = t->first_busy; i < t->n_busy; i++) {
        uint32_t s = t->busy[i];

        if (s == POLICY_NOBODY)
            continue;
        if (claim(t, t->cycle->stations[s].user) <=
            claim(t, user) + t->grants[user])
            return POLICY_NOBODY;
        if (!fits(t, job, s))
            continue;
        t->busy[i] = POLICY_NOBODY;
        return s;
    }
    return POLICY_NOBODY;
}

static void lay_out(struct table *t)
{
    const struct policy_cycle *c = t->cycle;
    uint32_t *at = c->scratch;

    t->n_users = c->n_shares ? c->n_shares : 1;
    t->job = at;
    t->idle = t->job + c->n_jobs;
    t->busy = t->idle + c->n_stations;
    t->next = t->busy + c->n_stations;
    t->end = t->next + t->n_users;
    t->grants = t->end + t->n_users;
    t->turn = t->grants + t->n_users;
}

size_t policy_cycle_scratch(size_t n_jobs, size_t n_stations, size_t n_shares)
{
    return n_jobs + 2 * n_stations + 4 * (n_shares ? n_shares : 1);
}

/* The first of the user's waiting jobs that may run there; it moves to the
 * front of those that are left. */
static uint32_t job_for(struct table *t, uint32_t user, uint32_t station)
{
    size_t i;

    for (i = t->next[user]; i < t->end[user]; i++) {
        uint32_t job = t->job[i];

        if (!fits(t, job, station))
            continue;
        for (; i > t->next[user]; i--)
            t->job[i] = t->job[i - 1];
        t->next[user]++;
        return job;
    }
    return POLICY_NOBODY;
}

/* A user's queue, as a station that looks for work sees it: one job is always
 * thought to be served, the others wait. */
static double queue_score(const struct table *t, uint32_t user)
{
    struct policy_station queue = {.id = user,
                                   .state = POLICY_STATION_CLAIMED,
                                   .level = POLICY_OVER,
                                   .speed = 1};

    queue.jobs = 1 + t->end[user] - t->next[user];
    queue.load = queue.cpu_use = queue.jobs;
    return t->policy->location->score(t->view, POLICY_TRANSFER_FETCH, NULL,
                                      &queue);
}

/* Receivers: each idle station draws a few users, and takes a job of the
 * first (or best) that has enough (DEM-4, SHK-5). */
static void fetch(struct table *t, uint32_t station)
{
    uint32_t best = POLICY_NOBODY, looked, job;
    double best_score = POLICY_UNFIT;

    for (looked = 0; looked < t->looks && t->n_turns > 0; looked++) {
        uint32_t user =
            t->turn[policy_rng_below(t->view->rng, (uint32_t)t->n_turns)];
        double worth = queue_score(t, user);

        if (worth <= best_score || t->next[user] >= t->end[user])
            continue;
        best = user;
        best_score = worth;
        if (t->policy->location->first)
            break;
    }
    job = best == POLICY_NOBODY ? POLICY_NOBODY : job_for(t, best, station);
    if (job != POLICY_NOBODY)
        grant(t, best, job, station, false);
}

static void place(struct table *t)
{
    while (t->n_out < t->max && t->n_turns > 0) {
        uint32_t user = t->turn[0];
        uint32_t job = t->job[t->next[user]++];
        uint32_t station = take_idle(t, job);
        bool preempt = station == POLICY_NOBODY;

        if (preempt)
            station = take_busy(t, user, job);
        if (station != POLICY_NOBODY)
            grant(t, user, job, station, preempt);
        else if (t->first_idle >= t->n_idle && t->n_busy == 0)
            break;
        turn_over(t);
    }
}

size_t policy_negotiate(const struct policy *policy,
                        const struct policy_view *view,
                        const struct policy_cycle *cycle,
                        struct policy_match *out, size_t max)
{
    struct table t = {
        .policy = policy, .view = view, .cycle = cycle, .out = out, .max = max};
    size_t i;

    t.looks = policy_pool_looks(policy, view->par);
    lay_out(&t);
    gather_stations(&t);
    gather_jobs(&t);
    gather_turns(&t);
    if (!policy_pool_fetches(policy, view)) {
        place(&t);
        return t.n_out;
    }
    for (i = 0; i < t.n_idle && t.n_out < t.max; i++)
        fetch(&t, idle_at(&t, i));
    return t.n_out;
}
