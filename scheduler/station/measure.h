/* measure.h - what a station measures for the policies
 *
 * The load index of scheduler/core (policy_load.h: scalar, vote, vector), from
 * /proc/{stat,meminfo,diskstats,vmstat} and /proc/pressure/cpu or files of the
 * same names elsewhere; without our jobs, and in all.  Jobs run at nice 19,
 * which the kernel books apart.  Smoothed over three polls.  And how long the
 * owner's absences were (SPR-4).
 */
#ifndef CKPT_SCHEDULER_MEASURE_H
#define CKPT_SCHEDULER_MEASURE_H

#include "lib/proto/pool.h"
#include "scheduler/core/policy_load.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct measure {
    struct policy_counters before;
    uint64_t at_ms;
    bool started, known;
    struct policy_load others; /* without our jobs */
    double own;                /* runnable threads of our job */
    uint64_t idle_ms;          /* of the owner, at the last look */
    double idle_sum_ms;        /* ended absences */
    uint32_t idle_n;
};

/* Take a sample.  `dir` stands for /proc, `job` is our job's process or 0. */
void measure_load(struct measure *measure, const char *dir, pid_t job,
                  uint64_t now_ms, uint64_t smooth_ms);

/* The owner has been away for idle_ms; absences of at least `least_ms` count
 * when they end. */
void measure_owner(struct measure *measure, uint64_t idle_ms,
                   uint64_t least_ms);

/* What is said of it in an advertisement. */
void measure_describe(const struct measure *measure,
                      const struct policy_marks *marks, pool_station *ad);

#endif
