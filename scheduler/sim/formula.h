/* formula.h - mean response times in closed form
 *
 * Service times are exponential with mean 1, arrivals Poisson with rate rho
 * at each of N equal stations, moving costs nothing (SEED-SYSTEMS section C).
 * All but the first two are limits for many stations.
 */
#ifndef CKPT_SIM_FORMULA_H
#define CKPT_SIM_FORMULA_H

#include <stdint.h>

/* C1: each station for itself, M/M/1. */
double sim_formula_none(double rho);

/* C2: one queue for n stations, M/M/n: no policy is faster. */
double sim_formula_mmn(double rho, uint32_t n);

/* C3: each arrival joins the shortest of d random queues. */
double sim_formula_choices(double rho, uint32_t d);

/* C4: an arrival that finds t or more jobs goes to the first of up to l
 * probed stations with fewer.  *moves gets the transfers per job. */
double sim_formula_threshold(double rho, uint32_t t, uint32_t l, double *moves);

/* The same, to the shortest of the l probed stations if it has fewer than t:
 * P(queue > k) = rho (s_k - s_t + s_t s_k^l) for k < t. */
double sim_formula_shortest(double rho, uint32_t t, uint32_t l);

/* C6: a station that falls idle probes l others for a waiting job. */
double sim_formula_receiver(double rho, uint32_t l);

#endif
