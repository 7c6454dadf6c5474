/* selfcheck.c - see selfcheck.h */
#include "scheduler/sim/selfcheck.h"

#include "scheduler/sim/formula.h"
#include "scheduler/sim/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 24000000.0

/* Jobs until the mean response of an M/M/1 queue is known to half a percent
 * (its estimate's variance is rho (2 + 5 rho - 4 rho^2 + rho^3) / (1 - rho)^4
 * per job).  Sharing policies need far fewer. */
static uint32_t jobs_for(double rho, bool alone)
{
    double wide = rho * (2 + 5 * rho - 4 * rho * rho + rho * rho * rho);
    double jobs = alone ? 1e6 + wide / (2.5e-5 * (1 - rho) * (1 - rho))
                        : 1e6 + 4e4 / ((1 - rho) * (1 - rho));

    return (uint32_t)(jobs < JOBS_MAX ? jobs : JOBS_MAX);
}

/* Jobs until a pool that began empty has forgotten it: six relaxation times
 * of M/M/1. */
static uint32_t warmup_for(double rho, uint32_t n, bool alone)
{
    double slow = 1 - policy_sqrt(rho);
    double jobs = n * rho * (alone ? 6 / (slow * slow) : 3 / (1 - rho) + 100);

    return (uint32_t)(jobs < JOBS_MAX ? jobs : JOBS_MAX);
}

static int set_number(struct sim_scenario *s, const char *key, double value,
                      struct ckpt_err *err)
{
    char text[40];

    snprintf(text, sizeof text, "%.15g", value);
    return sim_scenario_set(s, key, text, err);
}

/* A row: formula, policy, and which of T and L it takes. */
struct row {
    const char *name, *policy;
    bool takes_t, takes_l, alone;
    const char *note;
};

static const struct row table[SIM_SELFCHECKS] = {
    {"none", "none", false, false, true, "exact"},
    {"mmn", "ideal", false, false, false, "exact"},
    {"two-choices", "two-choices", false, false, false, "many stations"},
    {"threshold", "threshold", true, true, false, "many stations"},
    {"shortest", "shortest", true, true, false, "many stations"},
    {"receiver", "receiver", false, true, false, "many stations"},
};

static double expected(int row, double rho, uint32_t n, uint32_t t, uint32_t l)
{
    switch (row) {
    case 0:
        return sim_formula_none(rho);
    case 1:
        return sim_formula_mmn(rho, n);
    case 2:
        return sim_formula_choices(rho, 2);
    case 3:
        return sim_formula_threshold(rho, t, l, NULL);
    case 4:
        return sim_formula_shortest(rho, t, l);
    default:
        return sim_formula_receiver(rho, l);
    }
}

static int prepare(struct sim_scenario *s, const struct row *row, double rho,
                   uint32_t n, uint32_t t, uint32_t l, uint32_t jobs,
                   struct ckpt_err *err)
{
    /* Stations that share nothing: a hundred tell as much as any number. */
    uint32_t stations = row->alone && n > 100 ? 100 : n;
    bool noisy = row->alone || n < 20;

    if (set_number(s, "stations", stations, err) < 0 ||
        set_number(s, "load", rho, err) < 0 ||
        set_number(s, "jobs", jobs ? jobs : jobs_for(rho, noisy), err) < 0 ||
        set_number(s, "warmup_jobs", warmup_for(rho, stations, noisy), err) <
            0 ||
        sim_scenario_set(s, "discipline", "fcfs", err) < 0 ||
        sim_scenario_set(s, "policy", row->policy, err) < 0)
        return -1;
    if (row->takes_t && set_number(s, "threshold", t, err) < 0)
        return -1;
    if (row->takes_l && set_number(s, "probe_limit", l, err) < 0)
        return -1;
    return sim_scenario_finish(s, err);
}

int sim_selfcheck(double rho, uint32_t n, uint32_t t, uint32_t l, uint64_t seed,
                  uint32_t jobs, struct sim_selfcheck rows[SIM_SELFCHECKS],
                  struct ckpt_err *err)
{
    struct sim_result *r = malloc(sizeof *r);
    struct sim_scenario s;
    int i, rc = 0;

    if (!r)
        return ckpt_err_set(err, ENOMEM, "no memory for a simulation");
    for (i = 0; rc == 0 && i < SIM_SELFCHECKS; i++) {
        sim_scenario_init(&s);
        rc = prepare(&s, &table[i], rho, n, t, l, jobs, err);
        if (rc == 0)
            rc = sim_run(&s, table[i].policy, seed, r, err);
        sim_scenario_clear(&s);
        if (rc < 0)
            ckpt_err_prefix(err, "%s", table[i].name);
        rows[i].name = table[i].name;
        rows[i].note = table[i].note;
        rows[i].expected = expected(i, rho, n, t, l);
        rows[i].simulated = r->metric[SIM_RESPONSE];
    }
    free(r);
    return rc;
}
