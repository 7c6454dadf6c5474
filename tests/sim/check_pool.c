/* check_pool.c - C13 to C17, C19: owners, crashes, shares */
#include "scheduler/core/policy_cost.h"
#include "scheduler/core/policy_ladder.h"
#include "tests/sim/simtest.h"

#include <stdio.h>

/* ---- C13: crashes and checkpoints ---- */

/* One machine, always one job of 8 hours; crashes every 6 hours. */
#define CRASHES "stations=1; users=1; keep=1; size=const 8; jobs=40000; mtbf=6;"

static const double lam = 1.0 / 6, work = 8, tau = 1, d = 5.0 / 60,
                    restart = 10.0 / 60;

START_TEST(c13_kill)
{
    simtest_near(
        "C13 from the start again",
        simtest_metric("none", CRASHES "discipline=fcfs", 1, SIM_RESPONSE),
        (policy_exp(lam * work) - 1) / lam, .02);
}
END_TEST

START_TEST(c13_periodic)
{
    double expected = policy_periodic_time(work, tau, d, restart, 1 / lam);

    simtest_near("C13 Daly's model, written out", expected,
                 work / tau / lam * policy_exp(lam * restart) *
                     (policy_exp(lam * (tau + d)) - 1),
                 1e-9);
    simtest_near("C13 periodic checkpoints",
                 simtest_metric("none",
                                CRASHES "checkpoint_every=1;"
                                        "ckpt_fixed=0.0833333333333;"
                                        "restart_cost=0.166666666667",
                                1, SIM_RESPONSE),
                 expected, .01);
}
END_TEST

/* A returning owner: checkpoint on eviction loses no work. */
START_TEST(c13_vacate)
{
    struct sim_result r;
    double hour = 3600, expected = work + lam * work * (d + restart);

    simtest_run("condor",
                "stations=3; users=1; keep=1; size=const 8h; jobs=4000;"
                "owner_idle=exp 6h; owner_busy=const 1s; idle_start=0;"
                "suspend_grace=0; ckpt_fixed=5m; restart_cost=10m; cycle=5s",
                1, &r);
    simtest_near("C13 checkpoint on eviction", r.metric[SIM_RESPONSE] / hour,
                 expected, .01);
    ck_assert(r.metric[SIM_KILLED] == 0);
    /* vacate < periodic < kill, for work much longer than 1/lambda */
    ck_assert(expected < policy_periodic_time(work, tau, d, restart, 1 / lam));
    ck_assert(policy_periodic_time(work, tau, d, restart, 1 / lam) <
              (policy_exp(lam * work) - 1) / lam);
}
END_TEST

START_TEST(c13_butler)
{
    struct sim_result r;

    simtest_run("butler",
                "stations=3; users=1; keep=1; size=const 8h; jobs=6000;"
                "owner_idle=exp 6h; owner_busy=const 1s; idle_start=0;"
                "cycle=5s",
                1, &r);
    simtest_near("C13 a returning owner kills", r.metric[SIM_RESPONSE] / 3600,
                 (policy_exp(lam * work) - 1) / lam, .03);
    ck_assert(r.metric[SIM_EVICTED] == 0);
}
END_TEST

START_TEST(c13_intervals)
{
    static const double mtbf[] = {1440, 360, 15}, best[] = {116.7, 56.7, 9.17},
                        young[] = {120, 60, 12.2};
    unsigned i;

    for (i = 0; i < 3; i++) {
        double at = policy_interval_best(5, 10, mtbf[i]);

        simtest_near("C13 best interval, min", at, best[i], .01);
        simtest_near("C13 Daly", policy_interval_daly(5, mtbf[i]), at, .02);
        simtest_near("C13 Young", policy_interval_young(5, mtbf[i]), young[i],
                     .01);
    }
}
END_TEST

/* ---- C14: how many owners are away ---- */

START_TEST(c14_owners)
{
    const double n = 23, a = .75;
    double sum = 0, squares = 0, mean;
    struct sim_result r;
    uint32_t i;

    simtest_run("condor",
                "stations=23; owner_idle=exp 3h; owner_busy=exp 1h;"
                "idle_start=0; users=1; keep=60; size=exp 4h; duration=1200d;"
                "cycle=60s",
                1, &r);
    simtest_near("C14 stations whose owner is away", r.metric[SIM_IDLE], n * a,
                 .02);
    simtest_within("C14 saturated throughput, machines",
                   r.metric[SIM_UTILISATION] * n, .95 * n * a, n * a * 1.005);
    for (i = 20; i < r.n_series; i++) { /* samples 5 days apart */
        double away = n - (double)r.owner[i];

        sum += away;
        squares += away * away;
    }
    mean = sum / (r.n_series - 20);
    simtest_near("C14 binomial variance",
                 squares / (r.n_series - 20) - mean * mean, n * a * (1 - a),
                 .35);
}
END_TEST

/* ---- C15: grace ---- */

/* What an owner who stays `stay` costs, step by step up the ladder. */
static double cost_of(const struct policy_params *par, double stay, double move,
                      bool *moved)
{
    enum policy_rung rung = POLICY_RUNG_RUNNING;
    double now = 0;

    for (;;) {
        struct policy_ladder_step s =
            policy_ladder_next(par, rung, 0, now < stay, now);

        switch (s.what) {
        case POLICY_LADDER_SUSPEND:
            rung = POLICY_RUNG_SUSPENDED;
            break;
        case POLICY_LADDER_WAIT:
            now = stay < s.again ? stay : s.again;
            break;
        case POLICY_LADDER_RESUME:
            *moved = false;
            return now;
        default:
            ck_assert_int_eq(s.what, POLICY_LADDER_VACATE);
            *moved = true;
            return now + move;
        }
    }
}

static double mean_cost(double grace, double mean_stay, double move,
                        double *avoided)
{
    struct policy_params par;
    struct policy_rng rng;
    double sum = 0;
    int i, n = 200000, stayed = 0;

    policy_params_default(&par, NULL);
    par.suspend_grace_s = grace;
    policy_rng_init(&rng, 1, 1);
    for (i = 0; i < n; i++) {
        bool moved;

        sum += cost_of(&par, policy_rng_exp(&rng, mean_stay), move, &moved);
        stayed += !moved;
    }
    *avoided = (double)stayed / n;
    return sum / n;
}

START_TEST(c15_grace)
{
    static const double grace[] = {60, 300, 1800};
    static const double move[] = {100, 300, 900};
    const double stay = 300;
    double avoided, last;
    int i, k;

    for (k = 0; k < 3; k++) {
        last = 0;
        for (i = 0; i < 3; i++) {
            double e = policy_exp(-grace[i] / stay);
            double got = mean_cost(grace[i], stay, move[k], &avoided);

            simtest_near("C15 cost of an owner's visit", got,
                         stay * (1 - e) + move[k] * e, .01);
            simtest_near("C15 evictions avoided", avoided, 1 - e, .01);
            /* Monotone: waiting pays if and only if stays are shorter than
             * moves. */
            if (i > 0 && move[k] < stay)
                ck_assert(got > last);
            if (i > 0 && move[k] > stay)
                ck_assert(got < last);
            last = got;
        }
    }
    mean_cost(300, 300, 1, &avoided);
    simtest_near("C15 five minutes' grace, five minutes' visits", avoided, .632,
                 .01);
}
END_TEST

/* Waiting as long as a move takes never costs more than twice the best. */
START_TEST(c15_competitive)
{
    struct policy_params par;
    double move = 120, stay;
    bool moved;

    policy_params_default(&par, NULL);
    par.suspend_grace_s = move;
    for (stay = 1; stay < 1000; stay += .5)
        ck_assert(cost_of(&par, stay, move, &moved) <=
                  2 * (stay < move ? stay : move));
}
END_TEST

START_TEST(c15_in_a_pool)
{
    struct sim_result r;

    simtest_run("condor",
                "stations=20; owner_idle=exp 2h; owner_busy=exp 5m;"
                "idle_start=0; suspend_grace=5m; users=4; rate=0.0004;"
                "size=exp 4h; jobs=3000; warmup_jobs=100",
                1, &r);
    simtest_near("C15 in a pool: share of suspensions that ended in a move",
                 r.metric[SIM_EVICTED] / r.metric[SIM_SUSPENDED],
                 policy_exp(-1), .05);
}
END_TEST

/* ---- C16: Up-Down ---- */

#define SHARED                                                                 \
    "stations=22; class.heavy.size=exp 22320; class.light.rate=0.0001;"        \
    "class.light.size=exp 10m; cycle=120s; warmup=5d;"

enum { HEAVY = 1, LIGHT = 2 };

static void one_share(const char *what, const char *settings, double expected,
                      double tolerance)
{
    struct sim_result r;

    simtest_run("condor", settings, 1, &r);
    simtest_near(what, r.class[LIGHT].first_wait, expected, tolerance);
    simtest_within("C16 utilisation", r.metric[SIM_UTILISATION], .99, 1.0001);
}

START_TEST(c16_light_users)
{
    const double s = 22320, m = 22, cycle = 120;

    one_share("C16 wait of light jobs with preemption, s",
              SHARED "class.heavy.keep=60; preempt_after=0; duration=600d",
              cycle / 2, .1);
    /* Never longer than a cycle and the vacating, while they want no more
     * machines than there are. */
    struct sim_result r;
    simtest_run("condor",
                SHARED "class.heavy.keep=60; preempt_after=0; duration=600d;"
                       "image=const 0; ckpt_fixed=30s",
                1, &r);
    simtest_within("C16 the longest wait of a light job, s",
                   r.class[LIGHT].most_first_wait, cycle * .9, cycle + 30);
    one_share("C16 without preemption, s",
              SHARED "class.heavy.keep=60; preempt_after=-1; duration=600d",
              s / m + cycle / 2, .1);
    one_share("C16 first come first served, s",
              SHARED "class.heavy.keep=712; preempt_after=-1; share=none;"
                     "duration=300d; warmup=30d",
              690 * s / m, .1);
}
END_TEST

START_TEST(c16_index)
{
    struct policy_share_rule rule;
    struct policy_share share;
    int i;

    policy_share_rule_default(&rule);
    policy_share_init(&share, &rule);
    share.held = 3;
    policy_share_pass(&share, &rule, 120);
    ck_assert(share.index == 30);
    share.wants = 1;
    policy_share_pass(&share, &rule, 60);
    ck_assert(share.index == 30 + 15 - 5);
    share.held = share.wants = 0;
    for (i = 0; i < 4; i++)
        policy_share_pass(&share, &rule, 120);
    ck_assert(share.index == 0); /* exactly */
    policy_share_pass(&share, &rule, 120);
    ck_assert(share.index == 0);
    share.index = -7;
    policy_share_pass(&share, &rule, 120);
    ck_assert(share.index == 0);
    /* Decaying usage: RUP 10 -> 5 -> 2.5 per idle day, floor one half. */
    rule.kind = POLICY_SHARE_USAGE;
    share.index = 10;
    policy_share_pass(&share, &rule, 86400);
    simtest_near("C16 usage after a day", share.index, 5, 1e-9);
    policy_share_pass(&share, &rule, 86400);
    simtest_near("C16 usage after two", share.index, 2.5, 1e-9);
    policy_share_pass(&share, &rule, 1e9);
    ck_assert(share.index == .5);
}
END_TEST

/* ---- C17: leverage ---- */

START_TEST(c17_leverage)
{
    struct policy_leverage_costs c = {5, .005, .001};
    /* A day's work, image 0.5 MB moved 4 times at 5 s/MB, 1000 calls. */
    double day = policy_leverage(&c, 86400, .5, 4, 1000);

    simtest_near("C17 by hand", day, 86400 / (4 * .5 * 5 + 1000 * .005 + 86.4),
                 1e-9);
    ck_assert(policy_leverage(&c, 600, .5, 4, 1000) < day);
    simtest_near("C17 in a pool: calls and daemons only",
                 simtest_metric("condor",
                                "stations=2; users=1; home_per_call=1e-4;"
                                "calls_per_s=2; home_daemons=3e-4;"
                                "size=const 1h; load=.3; jobs=300",
                                1, SIM_LEVERAGE),
                 1 / (2 * 1e-4 + 3e-4), 1e-6);
}
END_TEST

/* ---- C19: Sprite ---- */

/* make with one part in eleven that cannot be parallel: 5.5x on 10 hosts. */
static double pmake(unsigned hosts)
{
    const double serial = 1.0 / 11;
    char text[256];
    struct sim_result r;
    double parallel;

    snprintf(text, sizeof text,
             "stations=%u; users=1; keep=%u; size=const 1; jobs=1200;"
             "information=oracle",
             hosts, hosts);
    simtest_run("sprite", text, 1, &r);
    parallel = r.metric[SIM_TIME] / 1200;
    return 1 / (serial + (1 - serial) * parallel);
}

START_TEST(c19_pmake)
{
    unsigned hosts;

    simtest_near("C19 serial share", (1 / 5.5 - .1) / .9, 1.0 / 11, 1e-9);
    simtest_near("C19 pmake on 10 hosts", pmake(10), 5.5, .03);
    simtest_near("C19 on 12", pmake(12), 6.0, .03);
    simtest_near("C19 on 4", pmake(4), 3.14, .03);
    for (hosts = 4; hosts <= 12; hosts++)
        simtest_within("C19 speed-up, 4 to 12 hosts", pmake(hosts), 3, 6.03);
}
END_TEST

static double evictions(const char *location, const char *idle)
{
    char text[512];

    snprintf(text, sizeof text,
             "stations=40; owner_idle=%s; owner_busy=exp 1h; idle_start=0;"
             "load=.15; size=exp 1h; jobs=8000; warmup_jobs=200;"
             "information=oracle; location=%s; suspend_grace=0",
             idle, location);
    return simtest_mean("sprite", text, 3, SIM_EVICTED);
}

/* Hosts that have been idle long stay idle, if hazards fall. */
START_TEST(c19_idle_age)
{
    simtest_within("C19 evictions, idle longest over any, falling hazard",
                   evictions("longest-idle", "weibull 2h .5") /
                       evictions("idle", "weibull 2h .5"),
                   .1, .9);
    simtest_near("C19 the same, exponential idle periods",
                 evictions("longest-idle", "exp 2h") /
                     evictions("idle", "exp 2h"),
                 1, .08);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        c13_kill,      c13_periodic,    c13_vacate, c13_butler,
        c13_intervals, c14_owners,      c15_grace,  c15_competitive,
        c15_in_a_pool, c16_light_users, c16_index,  c17_leverage,
        c19_pmake,     c19_idle_age,    NULL};
    const TTest *const slow[] = {NULL};

    return simtest_main("pool", tests, slow);
}
