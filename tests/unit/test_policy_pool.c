/* test_policy_pool.c - what each policy does in a real pool */
#include "scheduler/core/policy_pool.h"
#include "scheduler/core/policy_rules.h"
#include "tests/unit/run_tests.h"

#include <string.h>

enum { STATIONS = 40, JOBS = 8, ROUNDS = 400 };

struct pool {
    struct policy_params par;
    struct policy_rng rng;
    struct policy_memory memory;
    struct policy_station station[STATIONS];
    struct policy_job job[JOBS];
    struct policy_share share[3];
    uint32_t job_at[STATIONS];
    uint32_t scratch[1000];
    struct policy_match match[STATIONS];
    struct policy_view view;
    struct policy_cycle cycle;
    struct policy_pool pool;
    const struct policy *policy;
};

static void pool_init(struct pool *p, const char *policy)
{
    memset(p, 0, sizeof *p);
    p->policy = policy_find(policy);
    policy_params_default(&p->par, p->policy);
    policy_rng_init(&p->rng, 5, 1);
    policy_memory_init(&p->memory, &p->par);
    for (uint32_t i = 0; i < STATIONS; i++) {
        p->station[i] = (struct policy_station){.id = i,
                                                .state = POLICY_STATION_IDLE,
                                                .level = POLICY_UNDER,
                                                .speed = 1,
                                                .heard = 1000,
                                                .idle_since = 1000 - i,
                                                .user = POLICY_NOBODY};
        p->job_at[i] = POLICY_NOBODY;
    }
    for (uint32_t i = 0; i < JOBS; i++)
        p->job[i] = (struct policy_job){.id = i,
                                        .from = POLICY_NOBODY,
                                        .io_station = POLICY_NOBODY,
                                        .cpu_need = 1,
                                        .movable = true};
    p->view = (struct policy_view){.now = 1000,
                                   .rng = &p->rng,
                                   .par = &p->par,
                                   .n_stations = STATIONS,
                                   .memory = &p->memory};
    p->cycle = (struct policy_cycle){.jobs = p->job,
                                     .n_jobs = 1,
                                     .stations = p->station,
                                     .n_stations = STATIONS,
                                     .shares = p->share,
                                     .n_shares = 3,
                                     .scratch = p->scratch};
    p->pool = (struct policy_pool){.stations = p->station,
                                   .n_stations = STATIONS,
                                   .jobs = p->job,
                                   .job_at = p->job_at,
                                   .scratch = p->scratch};
}

static void set_load(struct pool *p, uint32_t station, uint32_t load)
{
    p->station[station].jobs = load;
    p->station[station].load = p->station[station].cpu_use = load;
    p->station[station].level = load > 2   ? POLICY_OVER
                                : load > 0 ? POLICY_NORMAL
                                           : POLICY_UNDER;
}

/* Where the first job goes; POLICY_NOBODY: it waits. */
static uint32_t placed(struct pool *p)
{
    size_t n =
        policy_negotiate(p->policy, &p->view, &p->cycle, p->match, STATIONS);

    return n ? p->match[0].station : POLICY_NOBODY;
}

/* Stations are loaded with their number; the mean of those that are chosen,
 * and how many different ones. */
static double mean_choice(struct pool *p, uint32_t *different)
{
    bool seen[STATIONS] = {false};
    double sum = 0;

    *different = 0;
    for (uint32_t i = 0; i < STATIONS; i++)
        set_load(p, i, i);
    p->par.threshold = 1000;
    p->memory.threshold = 1000;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t s = placed(p);

        ck_assert_uint_lt(s, STATIONS);
        *different += !seen[s];
        seen[s] = true;
        sum += s;
    }
    return sum / ROUNDS;
}

/* The least of k out of 0 ... n-1 drawn without replacement is on average
 * (n + 1) / (k + 1) - 1. */
static double least_of(double k)
{
    return (STATIONS + 1) / (k + 1) - 1;
}

/* Who looks at how many stations: to be seen in what is chosen. */
START_TEST(looks)
{
    static const struct {
        const char *policy;
        double k; /* 0: all */
    } known[] = {{"random", 1},
                 {"threshold", 1},
                 {"shortest", 3},
                 {"demand", 3},
                 {"two-choices", 2},
                 {"mosix", 8},
                 {"mpvm", 0},
                 {"age", 0},
                 {"offload", 0},
                 {"newborn", 0},
                 {"adaptive-threshold", 0}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct pool p;
        uint32_t different;

        pool_init(&p, known[i].policy);
        double mean = mean_choice(&p, &different);
        double want = known[i].k > 0 ? least_of(known[i].k) : 0;
        ck_assert_msg(mean > want - 1.7 && mean < want + 1.7, "%s: %g, not %g",
                      known[i].policy, mean, want);
        ck_assert_uint_ge(different, known[i].k > 0 ? 10 : 1);
        ck_assert_uint_le(different, known[i].k > 0 ? STATIONS : 1);
    }
}
END_TEST

START_TEST(thresholds)
{
    static const char *const below[] = {"threshold", "shortest", "symmetric",
                                        "supply", NULL};
    struct pool p;

    for (int i = 0; below[i]; i++) {
        pool_init(&p, below[i]);
        for (uint32_t s = 0; s < STATIONS; s++)
            set_load(&p, s, 2);
        ck_assert_uint_eq(placed(&p), POLICY_NOBODY);
        p.par.threshold = 3;
        ck_assert_uint_ne(placed(&p), POLICY_NOBODY);
    }
    pool_init(&p, "adaptive-threshold");
    for (uint32_t s = 0; s < STATIONS; s++)
        set_load(&p, s, 2);
    p.memory.threshold = 1;
    ck_assert_uint_eq(placed(&p), POLICY_NOBODY);
    p.memory.threshold = 2;
    ck_assert_uint_ne(placed(&p), POLICY_NOBODY);
    pool_init(&p, "watermark");
    for (uint32_t s = 0; s < STATIONS; s++)
        set_load(&p, s, s != 17);
    p.par.probe_limit = 32;
    for (int i = 0; i < 20; i++) {
        uint32_t s = placed(&p);
        ck_assert(s == 17 || s == POLICY_NOBODY);
    }
}
END_TEST

START_TEST(orders)
{
    struct pool p;

    pool_init(&p, "condor");
    p.station[9].speed = 2;
    ck_assert_uint_eq(placed(&p), 9);
    pool_init(&p, "butler");
    ck_assert(p.par.vacate_limit_s == 0 && p.par.suspend_grace_s == 0);
    pool_init(&p, "sprite");
    ck_assert_uint_eq(placed(&p), STATIONS - 1); /* idle longest */
    pool_init(&p, "supply");
    for (uint32_t s = 0; s < STATIONS; s++)
        p.station[s].heard = 900 + s % 13;
    for (int i = 0; i < 20; i++) /* of the eight that advertised last */
        ck_assert_uint_ge(placed(&p) % 13, 10);
}
END_TEST

/* Receivers draw users with enough jobs, whatever their claim. */
START_TEST(receivers)
{
    struct pool p;
    uint32_t got[3] = {0};

    pool_init(&p, "receiver");
    p.cycle.n_jobs = 4;
    p.job[1].user = p.job[2].user = p.job[3].user = 1;
    p.share[1].index = 1000; /* the worse claim */
    p.share[2].index = -1000;
    p.par.fetch_from = 3; /* one served, two waiting */
    p.cycle.n_stations = 1;
    for (int i = 0; i < 100; i++) {
        size_t n = policy_negotiate(p.policy, &p.view, &p.cycle, p.match, 1);
        if (n)
            got[p.job[p.match[0].job].user]++;
    }
    ck_assert_uint_eq(got[0], 0);
    ck_assert_uint_gt(got[1], 60); /* 3 probes of 2 users */
    p.par.fetch_from = 2;
    for (int i = 0; i < 100; i++) {
        policy_negotiate(p.policy, &p.view, &p.cycle, p.match, 1);
        got[p.job[p.match[0].job].user]++;
    }
    ck_assert_uint_gt(got[0], 20);
    pool_init(&p, "condor");
    p.share[0].index = 1000;
    p.cycle.n_jobs = 2;
    p.job[1].user = 1;
    p.cycle.n_stations = 1;
    placed(&p);
    ck_assert_uint_eq(p.match[0].job, 1);
}
END_TEST

START_TEST(senseless_ones_are_refused)
{
    const struct policy *policy;
    int refused = 0, live = 0;

    for (size_t i = 0; (policy = policy_at(i)); i++) {
        const char *why = policy_pool_refusal(policy);

        refused += why != NULL;
        live += policy_live_refusal(policy) == NULL;
        ck_assert((why != NULL) ==
                  (strcmp(policy->name, "none") == 0 ||
                   strcmp(policy->name, "jsq") == 0 ||
                   strcmp(policy->name, "ideal") == 0 ||
                   strcmp(policy->name, "adaptive-printed") == 0));
    }
    ck_assert_int_eq(refused, 4);
    ck_assert_int_eq(live, 5);
}
END_TEST

/* ---- balancing ---- */

/* Everything is in use, but station 5; the job of station 3 suffers. */
static void overload(struct pool *p, const char *policy)
{
    pool_init(p, policy);
    p->par.probe_limit = 32;
    for (uint32_t s = 0; s < STATIONS; s++)
        if (s != 5)
            p->station[s].state = POLICY_STATION_OWNER;
    p->station[3].state = POLICY_STATION_CLAIMED;
    set_load(p, 3, 5);
    p->job_at[3] = 0;
    p->job[0].started = true;
    p->job[0].cpu_s = 100;
}

static size_t moves(struct pool *p, struct policy_move *move)
{
    size_t n = 0;

    /* a poll at random may miss the one that is busy */
    for (int i = 0; i < 50 && n == 0; i++)
        n = policy_rebalance(p->policy, &p->view, &p->pool, move, STATIONS);
    return n;
}

static bool nowhere(void *arg, uint32_t job, uint32_t station)
{
    (void)arg, (void)job, (void)station;
    return false;
}

START_TEST(balance)
{
    static const char *const live[] = {"mosix",   "mpvm", "watermark",
                                       "offload", "age",  NULL};
    struct policy_move move[STATIONS];
    struct pool p;

    for (int i = 0; live[i]; i++) {
        overload(&p, live[i]);
        ck_assert_msg(moves(&p, move) == 1, "%s", live[i]);
        ck_assert_uint_eq(move[0].from, 3);
        ck_assert_uint_eq(move[0].to, 5);
        p.job[0].here_since = p.view.now - p.par.residence_s + 1;
        ck_assert_uint_eq(moves(&p, move), 0);
        p.job[0].here_since -= 1;
        ck_assert_uint_eq(moves(&p, move), 1);
        p.par.move_fixed_s = 400; /* age > cost/(n-m): 100 > 400/4 is not */
        ck_assert_uint_eq(moves(&p, move), 0);
        p.par.move_fixed_s = 399;
        ck_assert_uint_eq(moves(&p, move), 1);
        p.pool.fits = nowhere;
        ck_assert_uint_eq(moves(&p, move), 0);
        p.pool.fits = NULL;
        p.job[0].movable = false;
        ck_assert_uint_eq(moves(&p, move), 0);
        p.job[0].movable = true;
        p.station[5].state = POLICY_STATION_CLAIMED; /* promised */
        ck_assert_uint_eq(moves(&p, move), 0);
    }
}
END_TEST

/* Two suffer, one place is free: one goes, the one that suffers most where
 * the decider chooses. */
START_TEST(no_flocking)
{
    static const char *const live[] = {"mosix",   "mpvm", "watermark",
                                       "offload", "age",  NULL};
    struct policy_move move[STATIONS];
    struct pool p;

    for (int i = 0; live[i]; i++) {
        overload(&p, live[i]);
        p.station[8].state = POLICY_STATION_CLAIMED;
        set_load(&p, 8, 9);
        p.job_at[8] = 1;
        p.job[1] = p.job[0];
        ck_assert_uint_eq(moves(&p, move), 1);
        if (strcmp(live[i], "watermark") != 0)
            ck_assert_uint_eq(move[0].from, 8);
    }
}
END_TEST

START_TEST(others_do_not_balance)
{
    const struct policy *policy;
    struct policy_move move[STATIONS];

    for (size_t i = 0; (policy = policy_at(i)); i++) {
        struct pool p;

        if (policy->live)
            continue;
        overload(&p, policy->name);
        ck_assert_uint_eq(moves(&p, move), 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        looks,
        thresholds,
        orders,
        receivers,
        senseless_ones_are_refused,
        balance,
        no_flocking,
        others_do_not_balance,
        NULL,
    };

    return run_tests("policy pool", tests);
}
