/* check_queues.c - C1 to C10: policies against queueing theory
 *
 * Expected values come from the formulas, so that other loads, thresholds and
 * probe limits can be tried by changing a number.
 */
#include "scheduler/sim/formula.h"
#include "tests/sim/simtest.h"

#include <stdio.h>

/* Exponential service of mean 1, first come first served, no costs. */
static const char *queue(double rho, unsigned stations, unsigned t, unsigned l,
                         unsigned jobs)
{
    static char text[256];

    snprintf(text, sizeof text,
             "stations=%u; load=%.15g; discipline=fcfs; threshold=%u;"
             "probe_limit=%u; jobs=%u; warmup_jobs=%u",
             stations, rho, t, l, jobs, jobs / 3);
    return text;
}

/* Limits for many stations are reached within 1 % by 1000 of them. */
enum { MANY = 1000, JOBS = 600000 };

START_TEST(c1_alone)
{
    simtest_near(
        "C1 none .5",
        simtest_metric("none", queue(.5, 100, 1, 1, 2000000), 1, SIM_RESPONSE),
        sim_formula_none(.5), .02);
    simtest_near(
        "C1 none .8",
        simtest_metric("none", queue(.8, 20, 1, 1, 4000000), 1, SIM_RESPONSE),
        sim_formula_none(.8), .02);
}
END_TEST

START_TEST(c1_alone_heavy)
{
    simtest_near(
        "C1 none .9",
        simtest_metric("none", queue(.9, 20, 1, 1, 16000000), 1, SIM_RESPONSE),
        sim_formula_none(.9), .02);
}
END_TEST

static void one_bound(double rho, unsigned n, unsigned jobs)
{
    char what[64];

    snprintf(what, sizeof what, "C2 M/M/%u %.1f", n, rho);
    simtest_near(
        what, simtest_mean("ideal", queue(rho, n, 1, 1, jobs), 3, SIM_RESPONSE),
        sim_formula_mmn(rho, n), .02);
}

START_TEST(c2_one_queue)
{
    one_bound(.5, 2, 500000);
    one_bound(.9, 2, 4000000);
    one_bound(.5, 6, 300000);
    one_bound(.7, 6, 300000);
    one_bound(.9, 10, 1200000);
    one_bound(.9, 20, 1000000);
    one_bound(.9, 100, 400000); /* beyond what the oracle lists at once */
}
END_TEST

/* No policy beats the bound. */
START_TEST(c2_is_a_bound)
{
    static const char *const policy[] = {"threshold",   "shortest", "receiver",
                                         "symmetric",   "random",   "jsq",
                                         "two-choices", "demand",   NULL};
    double bound = sim_formula_mmn(.9, 10);
    int i;

    for (i = 0; policy[i]; i++)
        simtest_within(policy[i],
                       simtest_metric(policy[i], queue(.9, 10, 2, 3, 400000), 1,
                                      SIM_RESPONSE),
                       bound, sim_formula_none(.9));
}
END_TEST

START_TEST(c3_two_choices)
{
    static const double rho[] = {.5, .7, .9, .95};
    unsigned i;

    for (i = 0; i < 4; i++)
        simtest_near("C3 two choices",
                     simtest_metric("two-choices",
                                    queue(rho[i], MANY, 1, 1, JOBS), 1,
                                    SIM_RESPONSE),
                     sim_formula_choices(rho[i], 2), .01);
}
END_TEST

static void one_threshold(double rho, unsigned t, unsigned l)
{
    double moves, expected = sim_formula_threshold(rho, t, l, &moves);
    struct sim_result r;
    char what[64];

    simtest_run("threshold", queue(rho, MANY, t, l, JOBS), 1, &r);
    snprintf(what, sizeof what, "C4 threshold(%u,%u) %.1f", t, l, rho);
    simtest_near(what, r.metric[SIM_RESPONSE], expected, .01);
    snprintf(what, sizeof what, "C4 transfers per job");
    simtest_near(what, r.metric[SIM_PLACED], moves, .02);
}

START_TEST(c4_threshold)
{
    one_threshold(.5, 2, 3);
    one_threshold(.9, 2, 3);
    one_threshold(.5, 1, 3);
    one_threshold(.7, 1, 3);
    one_threshold(.9, 1, 3);
    /* T = 1 has s = rho: (1,3) at one half is 16/15 with 7/16 moves. */
    double moves;

    simtest_near("C4 16/15", sim_formula_threshold(.5, 1, 3, &moves), 16.0 / 15,
                 1e-9);
    simtest_near("C4 7/16", moves, 7.0 / 16, 1e-9);
}
END_TEST

/* RANDOM with one hop is THRESHOLD(T,1) in the mean, but moves s per job. */
START_TEST(c5_random)
{
    static const double rho[] = {.5, .9};
    unsigned i;

    for (i = 0; i < 2; i++) {
        double moves, expected = sim_formula_threshold(rho[i], 2, 1, &moves);
        /* moves = s (1 - s), of which s is the root above one half at high
         * and below it at low load. */
        double s =
            (1 + (rho[i] > .7 ? 1 : -1) * policy_sqrt(1 - 4 * moves)) / 2;
        struct sim_result r;

        simtest_run("random", queue(rho[i], MANY, 2, 1, JOBS), 1, &r);
        simtest_near("C5 random", r.metric[SIM_RESPONSE], expected, .01);
        simtest_near("C5 moves s", r.metric[SIM_PLACED], s, .02);
        simtest_run("threshold", queue(rho[i], MANY, 2, 1, JOBS), 1, &r);
        simtest_near("C5 threshold(2,1)", r.metric[SIM_RESPONSE], expected,
                     .01);
        simtest_near("C5 moves s (1 - s)", r.metric[SIM_PLACED], moves, .02);
    }
}
END_TEST

START_TEST(c6_receiver)
{
    static const double rho[] = {.5, .9};
    static const unsigned l[] = {1, 3};
    unsigned i, k;

    for (i = 0; i < 2; i++)
        for (k = 0; k < 2; k++)
            simtest_near("C6 receiver",
                         simtest_metric("receiver",
                                        queue(rho[i], MANY, 1, l[k], JOBS), 1,
                                        SIM_RESPONSE),
                         sim_formula_receiver(rho[i], l[k]), .01);
    /* One probe, load one half: the golden ratio. */
    simtest_near("C6 golden ratio", sim_formula_receiver(.5, 1),
                 (1 + policy_sqrt(5)) / 2, 1e-9);
    double r = .9, s2 = (1 + r - policy_sqrt(1 + 2 * r - 3 * r * r)) / 2;
    simtest_near("C6 closed form .9", sim_formula_receiver(r, 1),
                 (1 + r - s2) / (1 - s2), 1e-9);
}
END_TEST

/* Where sender and receiver cross, by the formulas. */
static double crossover(unsigned l)
{
    double low = .3, high = .98;
    int i;

    for (i = 0; i < 60; i++) {
        double rho = (low + high) / 2;

        if (sim_formula_threshold(rho, 1, l, NULL) <
            sim_formula_receiver(rho, l))
            low = rho;
        else
            high = rho;
    }
    return low;
}

START_TEST(c7_crossover)
{
    unsigned l;

    simtest_near("C7 crossover, L = 1", crossover(1), .755, .002);
    simtest_near("C7 crossover, L = 3", crossover(3), .785, .002);
    for (l = 1; l <= 3; l += 2) {
        double at = crossover(l), below = at - .08, above = at + .08;
        double gain_below =
            simtest_metric("receiver", queue(below, 200, 1, l, JOBS), 1,
                           SIM_RESPONSE) /
            simtest_metric("threshold", queue(below, 200, 1, l, JOBS), 1,
                           SIM_RESPONSE);
        double gain_above =
            simtest_metric("receiver", queue(above, 200, 1, l, JOBS), 1,
                           SIM_RESPONSE) /
            simtest_metric("threshold", queue(above, 200, 1, l, JOBS), 1,
                           SIM_RESPONSE);

        simtest_within("C7 below: sender wins", gain_below, 1, 2);
        simtest_within("C7 above: receiver wins", gain_above, .3, 1);
    }
}
END_TEST

START_TEST(c8_shortest)
{
    static const double rho[] = {.5, .8, .9};
    double t = 0, s;
    unsigned i;

    for (i = 0; i < 3; i++) {
        t = simtest_mean("threshold", queue(rho[i], 20, 2, 3, 600000), 2,
                         SIM_RESPONSE);
        s = simtest_mean("shortest", queue(rho[i], 20, 2, 3, 600000), 2,
                         SIM_RESPONSE);
        simtest_within("C8 gain of shortest over threshold", 1 - s / t, 0, .05);
    }
    simtest_within("C8 share of the gap that threshold(2,3) recovers",
                   (sim_formula_none(.9) - t) /
                       (sim_formula_none(.9) - sim_formula_mmn(.9, 20)),
                   .85, 1);
    simtest_near("C8 shortest against its own formula",
                 simtest_metric("shortest", queue(.9, MANY, 2, 3, JOBS), 1,
                                SIM_RESPONSE),
                 sim_formula_shortest(.9, 2, 3), .01);
}
END_TEST

static void one_eager(double rho, unsigned n)
{
    double jsq =
        simtest_mean("jsq", queue(rho, n, 1, 1, 500000), 2, SIM_RESPONSE);

    simtest_within("C9 gain of free migration over joining the shortest",
                   jsq / sim_formula_mmn(rho, n) - 1, 0, .25);
}

START_TEST(c9_eager)
{
    one_eager(.5, 6);
    one_eager(.9, 6);
    one_eager(.7, 10);
    one_eager(.9, 20);
    one_eager(.95, 20); /* where the gain is said to be largest, 12.9 % */
}
END_TEST

/* Processor sharing does not mind the law of sizes. */
START_TEST(c10_sharing)
{
    struct sim_result r;
    struct sim_law law;

    ck_assert_int_eq(sim_law_parse(&law, "pareto 1 1e4 1", NULL), 0);
    simtest_near("C10 mean of the bounded Pareto law", sim_law_mean(&law),
                 policy_log(1e4) / (1 - 1e-4), 1e-9);
    simtest_run("none",
                "stations=20; load=.5; size=pareto 1 1e4 1; jobs=3000000;"
                "warmup_jobs=100000; discipline=ps",
                1, &r);
    simtest_near("C10 PS slowdown, Pareto .5", r.metric[SIM_SLOWDOWN],
                 1 / (1 - .5), .05);
    simtest_near("C10 PS response, Pareto .5", r.metric[SIM_RESPONSE],
                 sim_law_mean(&law) / (1 - .5), .05);
    simtest_run("none",
                "stations=20; load=.7; size=hyper 1 9; jobs=1000000;"
                "warmup_jobs=100000; discipline=ps",
                1, &r);
    simtest_near("C10 PS response, hyperexponential .7", r.metric[SIM_RESPONSE],
                 1 / (1 - .7), .05);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {c1_alone,       c2_one_queue, c2_is_a_bound,
                                  c3_two_choices, c4_threshold, c5_random,
                                  c6_receiver,    c7_crossover, c8_shortest,
                                  c9_eager,       c10_sharing,  NULL};
    /* What needs many jobs to be sure of. */
    const TTest *const slow[] = {c1_alone_heavy, NULL};

    return simtest_main("queues", tests, slow);
}
