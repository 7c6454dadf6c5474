/* simtest.h - short words for checks of the simulator */
#ifndef CKPT_TESTS_SIMTEST_H
#define CKPT_TESTS_SIMTEST_H

#include "scheduler/sim/run.h"

#include <check.h>

/* Run `policy` in a scenario of "key=value; key=value"; a failure to set it
 * up fails the test. */
void simtest_run(const char *policy, const char *settings, uint64_t seed,
                 struct sim_result *result);

/* One number of such a run. */
double simtest_metric(const char *policy, const char *settings, uint64_t seed,
                      enum sim_metric metric);

/* The mean of it over `seeds` seeds. */
double simtest_mean(const char *policy, const char *settings, uint32_t seeds,
                    enum sim_metric metric);

/* |value / expected - 1| <= tolerance, said in full when it is not; with
 * SIMTEST_SHOW in the environment always. */
void simtest_near(const char *what, double value, double expected,
                  double tolerance);

/* low <= value <= high. */
void simtest_within(const char *what, double value, double low, double high);

/* Run a suite of tests given as a list ended by NULL; for main().  The slow
 * lists run only where SIMTEST_LONG is set. */
int simtest_main(const char *name, const TTest *const *tests,
                 const TTest *const *slow);

#endif
