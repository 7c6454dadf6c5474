/* interval.h - how long to compute between two checkpoints
 *
 * Both formulas are for failures that come independently of each other, with a
 * mean time of mtbf_s between them, and checkpoints that cost cost_s each.
 * Pure; no libm.
 */
#ifndef CKPT_COMMON_INTERVAL_H
#define CKPT_COMMON_INTERVAL_H

/* Young 1974: sqrt(2 C M). */
double ckpt_interval_young(double cost_s, double mtbf_s);

/* Daly 2006: the same with the terms of higher order; M when C >= 2 M. */
double ckpt_interval_daly(double cost_s, double mtbf_s);

#endif
