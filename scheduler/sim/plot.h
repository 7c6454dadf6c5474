/* plot.h - pictures of runs, as SVG
 *
 *   title
 *   bars: mean response and waiting of every run, with their intervals
 *   for every run:  lines of load over time (jobs in the pool, stations that
 *                   work, owners present); below, one row per station:
 *                   dark where jobs are, grey where the owner is
 */
#ifndef CKPT_SIM_PLOT_H
#define CKPT_SIM_PLOT_H

#include "lib/common/err.h"
#include "scheduler/sim/run.h"

struct sim_plot_run {
    const char *label;
    const struct sim_summary *summary;
    const struct sim_result *first; /* whose series are drawn */
};

/* Write the picture to `path`.  0, or -1 with err; the file is then removed. */
int sim_plot(const char *path, const char *title,
             const struct sim_plot_run *runs, uint32_t n, uint32_t stations,
             struct ckpt_err *err);

#endif
