/* law.h - a distribution, as a scenario writes it
 *
 *   const X | exp MEAN | uniform A B | pareto LOW HIGH EXPONENT |
 *   hyper MEAN SCV | weibull MEAN SHAPE | trace FILE
 *
 * Numbers may carry units of time (90s, 15m, 2h, 1d).  A trace is a text file
 * of one value a line, drawn from at random.
 */
#ifndef CKPT_SIM_LAW_H
#define CKPT_SIM_LAW_H

#include "lib/common/err.h"
#include "scheduler/core/policy_rng.h"

#include <stddef.h>

enum sim_law_kind {
    SIM_LAW_CONST,
    SIM_LAW_EXP,
    SIM_LAW_UNIFORM,
    SIM_LAW_PARETO,
    SIM_LAW_HYPER,
    SIM_LAW_WEIBULL,
    SIM_LAW_TRACE
};

struct sim_law {
    enum sim_law_kind kind;
    double p[3];
    double *values; /* of a trace */
    size_t n_values;
};

/* 0; -1 with errno EINVAL, or what reading the trace left.  The law is given
 * back with sim_law_clear(). */
int sim_law_parse(struct sim_law *law, const char *text, struct ckpt_err *err);

double sim_law_draw(const struct sim_law *law, struct policy_rng *rng);
double sim_law_mean(const struct sim_law *law);
void sim_law_clear(struct sim_law *law);

#endif
