/* selfcheck.h - formula and simulation side by side */
#ifndef CKPT_SIM_SELFCHECK_H
#define CKPT_SIM_SELFCHECK_H

#include "lib/common/err.h"

#include <stdint.h>

#define SIM_SELFCHECKS 6

struct sim_selfcheck {
    const char *name;
    double expected;  /* the formula's mean response time */
    double simulated; /* the simulation's */
    const char *note; /* what the formula holds for */
};

/* Mean response times at load rho per station (0 < rho < 1), n stations,
 * threshold t and probe limit l (each at least 1), from `jobs` jobs (0: as
 * many as the load needs, up to 24 million). */
int sim_selfcheck(double rho, uint32_t n, uint32_t t, uint32_t l, uint64_t seed,
                  uint32_t jobs, struct sim_selfcheck rows[SIM_SELFCHECKS],
                  struct ckpt_err *err);

#endif
