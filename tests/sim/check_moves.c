/* check_moves.c - C11, C12, C18, C22, C23: moving what already runs */
#include "scheduler/core/policy_rules.h"
#include "tests/sim/simtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* P(X > 2a | X > a) = 1/2 for the Pareto law with exponent 1, whatever a. */
START_TEST(c11_lifetimes)
{
    struct policy_rng rng;
    uint32_t beyond[12] = {0};
    int i, k;

    policy_rng_init(&rng, 1, 1);
    for (i = 0; i < 2000000; i++) {
        double x = policy_rng_pareto(&rng, 1, 1e9, 1);

        for (k = 0; k < 12 && x > (double)(1u << k); k++)
            beyond[k]++;
    }
    for (k = 0; k < 8; k++)
        simtest_near("C11 P(X > 2a | X > a)", (double)beyond[k + 1] / beyond[k],
                     .5, .03);
    simtest_near("C11 P(X > 8 | X > 2) = 2/8", (double)beyond[3] / beyond[1],
                 2.0 / 8, .02);
}
END_TEST

START_TEST(c11_age_rule)
{
    struct policy_params par;
    struct policy_job job = {.cpu_s = 10, .movable = true, .here_since = 0};

    ck_assert(!policy_age_rule(1, 2, 3, 1)); /* 1 * 2 = cost: not yet */
    ck_assert(policy_age_rule(1.01, 2, 3, 1));
    ck_assert(!policy_age_rule(100, 0, 2, 2)); /* nothing to gain */
    ck_assert(!policy_age_rule(100, 0, 1, 2));
    policy_params_default(&par, NULL);
    par.residence_s = 60;
    par.move_fixed_s = 5;
    ck_assert(!policy_move_allowed(&par, &job, 59, 2, 1));
    ck_assert(policy_move_allowed(&par, &job, 60, 2, 1));
    job.movable = false;
    ck_assert(!policy_move_allowed(&par, &job, 60, 2, 1));
    job.movable = true;
    job.image_mb = 1000; /* at 100 MB/s: cost 15 s */
    ck_assert(!policy_move_allowed(&par, &job, 60, 2, 1));
    ck_assert(policy_move_allowed(&par, &job, 60, 3, 1));
}
END_TEST

/* Six machines, one second to move (or to start) a job elsewhere. */
#define SIX                                                                    \
    "stations=6; discipline=ps; information=oracle; residence=0;"              \
    "info_period=0; jobs=150000; warmup_jobs=10000; move_fixed=1;"             \
    "place_cost=1; restart_cost=0;"

static double slower(const char *policy, const char *settings)
{
    return simtest_mean(policy, settings, 3, SIM_SLOWDOWN) - 1;
}

START_TEST(c12_direction)
{
    double newborn5 = slower("newborn", SIX "load=.5; size=pareto 1 1e4 1");
    double age5 = slower("age", SIX "load=.5; size=pareto 1 1e4 1");
    double newborn7 = slower("newborn", SIX "load=.7; size=pareto 1 1e4 1");
    double age7 = slower("age", SIX "load=.7; size=pareto 1 1e4 1");

    simtest_within("C12 reduction by preemption, Pareto .5",
                   1 - age5 / newborn5, .25, .60);
    simtest_within("C12 reduction by preemption, Pareto .7",
                   1 - age7 / newborn7, .25, .60);
}
END_TEST

/* Dear moves hurt newborn placement, hardly the age rule. */
START_TEST(c12_cost)
{
    static const char dear[] =
        "stations=6; discipline=ps; information=oracle; residence=0;"
        "info_period=0; jobs=150000; warmup_jobs=10000; move_fixed=10;"
        "place_cost=10; load=.5; size=pareto 1 1e4 1";
    double newborn = slower("newborn", dear), age = slower("age", dear);

    simtest_within("C12 dear moves: newborn over age", newborn / age, 3, 1e3);
}
END_TEST

/* Exponential sizes: age tells nothing, so preemption cannot gain. */
START_TEST(c12_no_gain)
{
    static const char *const load[] = {"load=.5", "load=.7"};
    char text[512];
    int i;

    for (i = 0; i < 2; i++) {
        double newborn, age;

        snprintf(text, sizeof text,
                 "stations=6; discipline=ps; information=oracle; residence=0;"
                 "info_period=0; jobs=300000; warmup_jobs=10000;"
                 "move_fixed=.1; place_cost=.1; size=exp 1; %s",
                 load[i]);
        newborn = simtest_mean("newborn", text, 3, SIM_RESPONSE);
        age = simtest_mean("age", text, 3, SIM_RESPONSE);
        simtest_within("C12 exponential: age over newborn, response",
                       age / newborn, .97, 1.5);
    }
}
END_TEST

/* k equal jobs that all begin on one of n machines. */
static double makespan(const char *policy, unsigned k, unsigned n, double work,
                       const char *more, struct sim_result *r)
{
    char text[512];

    snprintf(text, sizeof text,
             "stations=%u; users=1; backlog=%u; size=const %.3f;"
             "discipline=ps; jobs=%u; %s",
             n, k, work, k, more);
    simtest_run(policy, text, 1, r);
    return r->metric[SIM_TIME];
}

static void one_makespan(unsigned k, unsigned n)
{
    const double work = 1000, residence = 5;
    struct sim_result r;
    /* No preemptive schedule is shorter. */
    double least = k > n ? work * k / n : work;
    double t = makespan("mosix", k, n, work,
                        "residence=5s; info_period=1s; candidate=1s;"
                        "info_max_age=10s; view_size=16",
                        &r);

    simtest_within("C18 makespan over the preemptive bound", t / least, 1,
                   1.05);
    simtest_within("C18 moves before the residence", r.early_moves, 0, 0);
    simtest_within("C18 moves of one process", r.max_moves, 0,
                   t / residence + 1);
    /* Without moves: equal jobs need ceil(k/n) each. */
    if (k % n == 0)
        simtest_near("C18 optimal static", work * k / n, least, 1e-9);
}

START_TEST(c18_makespan)
{
    one_makespan(16, 8);
    one_makespan(20, 8);
    one_makespan(7, 8);
    one_makespan(33, 10);
}
END_TEST

/* Longest first to the least loaded, by the location rule of that name:
 * within 4/3 - 1/(3n) of the optimum.  The optimum is known because the jobs
 * are n full machines cut into pieces. */
static double longest_first(double *size, int jobs, int n,
                            struct policy_rng *rng)
{
    struct policy policy = *policy_find("adaptive-threshold");
    struct policy_station at[8], self = {.id = 8};
    struct policy_params par;
    struct policy_view view = {.rng = rng, .par = &par, .n_stations = 9};
    double most = 0;
    int i, k;

    policy_params_default(&par, &policy);
    view.self = &self;
    view.known = at;
    view.n_known = (size_t)n;
    memset(at, 0, sizeof at);
    for (i = 0; i < n; i++)
        at[i].id = (uint32_t)i;
    for (i = 0; i < n; i++)
        at[i].state = POLICY_STATION_IDLE;
    for (i = 1; i < jobs; i++) {
        double x = size[i];

        for (k = i; k > 0 && size[k - 1] < x; k--)
            size[k] = size[k - 1];
        size[k] = x;
    }
    for (i = 0; i < jobs; i++) {
        struct policy_search search;
        struct policy_step step;

        policy_search_begin(&search, POLICY_TRANSFER_PLACE, NULL);
        step = policy_search_next(&policy, &view, &search, NULL);
        ck_assert_int_eq(step.what, POLICY_DO_GO);
        at[step.station].load += size[i];
        most = at[step.station].load > most ? at[step.station].load : most;
    }
    return most;
}

START_TEST(c18_lpt)
{
    struct policy_rng rng;
    double size[64], worst = 0;
    int round, n = 5, m, i;

    policy_rng_init(&rng, 7, 1);
    for (round = 0; round < 500; round++) {
        int jobs = 0;
        double t;

        for (m = 0; m < n; m++) {
            double left = 1;

            for (i = (int)policy_rng_below(&rng, 6); i > 0; i--) {
                double piece = left * policy_rng_unit(&rng);

                size[jobs++] = piece;
                left -= piece;
            }
            size[jobs++] = left;
        }
        t = longest_first(size, jobs, n, &rng);
        worst = t > worst ? t : worst;
    }
    simtest_within("C18 longest first, over the optimum", worst, 1,
                   4.0 / 3 - 1.0 / (3 * n));
}
END_TEST

/* ---- C22: offload pairs ---- */

struct pool {
    struct policy policy;
    struct policy_params par;
    struct policy_rng rng;
    struct policy_memory memory[16];
    double load[16];
    int n;
};

static void pool_init(struct pool *p, int n, double k)
{
    int i;

    p->policy = *policy_find("offload");
    policy_params_default(&p->par, &p->policy);
    p->par.offload = k;
    p->par.residence_s = 0;
    policy_rng_init(&p->rng, 1, 1);
    p->n = n;
    for (i = 0; i < n; i++)
        policy_memory_init(&p->memory[i], &p->par);
}

static void ad_of(const struct pool *p, int i, struct policy_station *ad)
{
    memset(ad, 0, sizeof *ad);
    ad->id = (uint32_t)i;
    ad->state = POLICY_STATION_IDLE;
    ad->load = p->load[i];
    ad->jobs = (uint32_t)p->load[i];
    ad->speed = 1;
}

static struct policy_view view_of(struct pool *p, int i, double now,
                                  struct policy_station *self)
{
    struct policy_view v;

    ad_of(p, i, self);
    memset(&v, 0, sizeof v);
    v.now = now;
    v.rng = &p->rng;
    v.par = &p->par;
    v.n_stations = (uint32_t)p->n;
    v.self = self;
    v.memory = &p->memory[i];
    return v;
}

/* n heavy stations ask one idle station at the same moment. */
static int accepted_at_once(bool leases)
{
    struct pool p;
    int i, n = 8, accepted = 0;

    pool_init(&p, n + 1, 1);
    p.policy.leases = leases;
    for (i = 0; i < n; i++)
        p.load[i] = 5;
    p.load[n] = 0;
    for (i = 0; i < n; i++) {
        struct policy_station self, from;
        struct policy_view view = view_of(&p, n, 0, &self);

        ad_of(&p, i, &from);
        accepted +=
            policy_accept(&p.policy, &view, &from, NULL) == POLICY_ACCEPT;
    }
    return accepted;
}

START_TEST(c22_lock)
{
    ck_assert_int_eq(accepted_at_once(false), 8);
    ck_assert_int_eq(accepted_at_once(true), 1);
}
END_TEST

/* Single exchanges of one unit until nothing differs by more than K. */
START_TEST(c22_settles)
{
    const double unit = 1, k = 2; /* unit < K */
    struct pool p;
    int i, moves = 0, last_from = -1, last_to = -1, idle_rounds = 0;
    double now = 0, heavy = 0, light = 1e9;

    pool_init(&p, 10, k);
    for (i = 0; i < p.n; i++)
        p.load[i] = (double)(policy_rng_below(&p.rng, 30));
    while (idle_rounds < p.n) {
        struct policy_station self, known[16], there;
        struct policy_view v, peer;
        struct policy_search search;
        struct policy_step step;

        i = (int)(now) % p.n;
        now += 1;
        v = view_of(&p, i, now, &self);
        for (int s = 0; s < p.n; s++)
            ad_of(&p, s, &known[s]);
        v.known = known;
        v.n_known = (size_t)p.n;
        idle_rounds++;
        if (policy_transfer(&p.policy, &v, POLICY_EV_TICK) !=
            POLICY_TRANSFER_EXPORT)
            continue;
        for (int s = 0; s < p.n; s++)
            known[s].heard = now;
        policy_search_begin(&search, POLICY_TRANSFER_EXPORT, NULL);
        search.job = &(struct policy_job){.movable = true};
        step = policy_search_next(&p.policy, &v, &search, NULL);
        if (step.what != POLICY_DO_GO)
            continue;
        peer = view_of(&p, (int)step.station, now, &there);
        if (policy_accept(&p.policy, &peer, &self, NULL) != POLICY_ACCEPT)
            continue;
        /* Never straight back. */
        ck_assert(!(i == last_to && (int)step.station == last_from));
        last_from = i;
        last_to = (int)step.station;
        p.load[i] -= unit;
        p.load[step.station] += unit;
        policy_exchange_done(&p.memory[step.station]);
        idle_rounds = 0;
        ck_assert_int_lt(++moves, 1000);
    }
    for (i = 0; i < p.n; i++) {
        heavy = p.load[i] > heavy ? p.load[i] : heavy;
        light = p.load[i] < light ? p.load[i] : light;
    }
    simtest_within("C22 difference left", heavy - light, 0, k);
    simtest_within("C22 exchanges", moves, 1, 999);
}
END_TEST

/* The refused one is told why, and tries the next lightest (TCS-12). */
START_TEST(c22_next_lightest)
{
    struct pool p;
    struct policy_station self, known[4];
    struct policy_view v;
    struct policy_search search;
    struct policy_step step;
    int s;

    pool_init(&p, 4, 1);
    p.load[0] = 9;
    p.load[1] = 0;
    p.load[2] = 3;
    p.load[3] = 8.5;
    for (s = 0; s < 4; s++)
        ad_of(&p, s, &known[s]);
    v = view_of(&p, 0, 0, &self);
    v.known = known;
    v.n_known = 4;
    policy_search_begin(&search, POLICY_TRANSFER_EXPORT,
                        &(struct policy_job){.movable = true});
    step = policy_search_next(&p.policy, &v, &search, NULL);
    ck_assert_uint_eq(step.station, 1);
    policy_search_refused(&search, 1);
    step = policy_search_next(&p.policy, &v, &search, NULL);
    ck_assert_uint_eq(step.station, 2);
    policy_search_refused(&search, 2);
    step = policy_search_next(&p.policy, &v, &search, NULL);
    ck_assert_int_eq(step.what, POLICY_DO_STAY); /* 9 - 8.5 is within K */
    ck_assert_str_eq(policy_answer_text(POLICY_REFUSE_BUDDY),
                     "it is in an exchange with another station");
}
END_TEST

/* ---- C23: the adaptive threshold ---- */

START_TEST(c23_converges)
{
    const double alpha = .2, floor = 1;
    double lt = 2, least = 3;
    int i;

    for (i = 0; i < 30; i++) {
        double next = policy_adapt(lt, least, alpha, floor);

        simtest_near("C23 error shrinks by 1 - alpha",
                     (next - least) / (lt - least), 1 - alpha, 1e-6);
        lt = next;
    }
    simtest_near("C23 arrives", lt, least, .01);
    /* Below the floor the floor holds: 2 -> 1.70 1.46 1.27 1.11 1 1 ... */
    for (lt = 2, i = 0; i < 12; i++) {
        lt = policy_adapt(lt, .5, alpha, floor);
        ck_assert(lt >= floor);
    }
    simtest_near("C23 floor", lt, floor, 1e-9);
}
END_TEST

/* The negative test: the rule as printed (IIT-19) runs away from Min by
 * 1 + alpha a step, in both directions, and then never moves anything. */
START_TEST(c23_printed_diverges)
{
    const double alpha = .2;
    double lt = 2, up = 2, down = 1;
    int i;

    for (i = 0; i < 12; i++) {
        double next = policy_adapt_printed(lt, .5, alpha, 1);

        simtest_near("C23 printed: error grows by 1 + alpha",
                     (next - .5) / (lt - .5), 1 + alpha, 1e-6);
        lt = next;
        up = policy_adapt_printed(up, .5, alpha, 1);
        down = policy_adapt_printed(down, 3, alpha, 0);
    }
    simtest_near("C23 printed, from 2 with Min .5", up, 13.9, .01);
    simtest_near("C23 printed, from 1 with Min 3", down, -14.8, .01);
}
END_TEST

/* And in a pool: corrected shares the load, printed ends up as no policy. */
START_TEST(c23_in_a_pool)
{
    static const char text[] =
        "stations=20; load=.8; discipline=fcfs; jobs=200000;"
        "warmup_jobs=50000; info_period=.2; adapt_floor=.5; threshold=1";
    double none = simtest_metric("none", text, 1, SIM_RESPONSE);
    double good = simtest_metric("adaptive-threshold", text, 1, SIM_RESPONSE);
    double bad = simtest_metric("adaptive-printed", text, 1, SIM_RESPONSE);

    simtest_within("C23 corrected, over none", good / none, 0, .7);
    simtest_within("C23 printed, over none", bad / none, .9, 1.1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        c11_lifetimes,     c11_age_rule,  c12_direction,
        c12_cost,          c12_no_gain,   c18_makespan,
        c18_lpt,           c22_lock,      c22_settles,
        c22_next_lightest, c23_converges, c23_printed_diverges,
        c23_in_a_pool,     NULL};
    const TTest *const slow[] = {NULL};

    return simtest_main("moves", tests, slow);
}
