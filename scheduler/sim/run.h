/* run.h - run a scenario under one policy and measure
 *
 *   sim_scenario --> sim_run() --> sim_result (numbers, series for plots)
 */
#ifndef CKPT_SIM_RUN_H
#define CKPT_SIM_RUN_H

#include "scheduler/sim/scenario.h"

#include <stdint.h>

#define SIM_SERIES 240 /* points of a series */
#define SIM_ROWS 60    /* stations in the picture of jobs over stations */

/* What a run yields; sim_metrics[] names them in this order. */
enum sim_metric {
    SIM_JOBS,        /* measured */
    SIM_RESPONSE,    /* s, submission to end */
    SIM_SLOWDOWN,    /* response / size */
    SIM_WAIT,        /* s, response less size */
    SIM_WAIT_RATIO,  /* waiting / service, over all jobs */
    SIM_FIRST_WAIT,  /* s, until the first instruction */
    SIM_UTILISATION, /* of all processors */
    SIM_GOODPUT,     /* share of the processors that did lasting work */
    SIM_BADPUT,      /* and that did work lost, checkpoints, restarts */
    SIM_FAIRNESS,    /* Jain's index of the users' mean slowdowns */
    SIM_PLACED,      /* jobs started elsewhere, per job */
    SIM_MOVED,       /* moves of started jobs, per job */
    SIM_SUSPENDED,   /* per job */
    SIM_EVICTED,     /* vacated, per job */
    SIM_KILLED,      /* per job */
    SIM_CRASHED,     /* per job */
    SIM_MB,          /* moved, per job */
    SIM_MESSAGES,    /* probes, news and requests, per job */
    SIM_REFUSED,     /* requests that were refused, per job */
    SIM_LEVERAGE,    /* remote processor time / home's for it */
    SIM_IDLE,        /* stations available to jobs, mean */
    SIM_MAX_TURNS,   /* most moves of one job */
    SIM_TIME,        /* s of virtual time measured */
    SIM_METRICS
};

struct sim_metric_info {
    const char *name, *unit, *about;
};

extern const struct sim_metric_info sim_metrics[SIM_METRICS];

struct sim_class_result {
    double jobs, response, wait, first_wait, wait_ratio;
    double most_first_wait; /* of all jobs */
};

struct sim_result {
    double metric[SIM_METRICS];
    struct sim_class_result class[SIM_CLASSES_MAX];
    /* sums while running */
    struct {
        double n, response, wait, first, size, most_first;
    } sum[SIM_CLASSES_MAX];
    double sum_slowdown;
    double lost_s, overhead_s, remote_s, home_s, delivered_s, idle_integral,
        idle_since;
    uint64_t n_done, placed, moved, suspended, resumed, evicted, killed,
        crashed, messages, refused;
    uint32_t idle_now; /* stations available and without a job */
    double mb;
    uint32_t max_moves;
    uint32_t early_moves; /* before the residence time: a failure (C18) */
    uint64_t events;
    /* series of the picture; n_series points, series_step apart */
    uint32_t n_series;
    double series_step;
    float in_system[SIM_SERIES], busy[SIM_SERIES], owner[SIM_SERIES];
    uint8_t row[SIM_ROWS][SIM_SERIES]; /* jobs there; 254: owner, 255: both */
    uint32_t row_station[SIM_ROWS], n_rows;
};

/* Run once.  `policy` is one of the scenario's.  0, or -1 with err. */
int sim_run(const struct sim_scenario *scenario, const char *policy,
            uint64_t seed, struct sim_result *result, struct ckpt_err *err);

/* Several runs: mean and half the 95 % interval over seeds (Student's t; 0
 * for one seed). */
struct sim_summary {
    uint32_t seeds;
    double mean[SIM_METRICS], half[SIM_METRICS];
    struct sim_class_result class[SIM_CLASSES_MAX];
};

/* Seeds seed, seed + 1, ...; the first run's result goes to *first too (for
 * the pictures) unless it is NULL. */
int sim_repeat(const struct sim_scenario *scenario, const char *policy,
               uint64_t seed, struct sim_summary *summary,
               struct sim_result *first, struct ckpt_err *err);

#endif
