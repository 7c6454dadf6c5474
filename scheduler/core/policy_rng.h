/* policy_rng.h - random numbers and logarithms that are equal on every machine
 *
 * A seeded simulation has to print the same digits on every machine.  The
 * generator is xoshiro256** (Blackman and Vigna, "Scrambled linear
 * pseudorandom number generators", 2021), seeded through splitmix64.  libm's
 * log and exp pick their code by processor, so the ones here use nothing but
 * additions, multiplications and divisions of IEEE doubles; they are within a
 * few units in the last place, and files that use them are compiled with
 * -ffp-contract=off.
 *
 * Pure: no globals, no allocation.
 */
#ifndef CKPT_POLICY_RNG_H
#define CKPT_POLICY_RNG_H

#include <stdint.h>

struct policy_rng {
    uint64_t s[4];
};

/* Start the stream number `stream` of `seed`; streams do not overlap in
 * practice (different splitmix64 starting points). */
void policy_rng_init(struct policy_rng *rng, uint64_t seed, uint64_t stream);

uint64_t policy_rng_next(struct policy_rng *rng);

/* Uniform in (0, 1): never 0 and never 1. */
double policy_rng_unit(struct policy_rng *rng);

/* Uniform in 0..n-1 without bias; n > 0. */
uint32_t policy_rng_below(struct policy_rng *rng, uint32_t n);

/* Exponential with this mean. */
double policy_rng_exp(struct policy_rng *rng, double mean);

/* Pareto with exponent a on low..high (0 < low < high, a > 0).  For a = 1 the
 * mean is ln(high/low) / (1/low - 1/high). */
double policy_rng_pareto(struct policy_rng *rng, double low, double high,
                         double a);

/* Hyperexponential with two phases and balanced means: squared coefficient of
 * variation `scv` >= 1. */
double policy_rng_hyper(struct policy_rng *rng, double mean, double scv);

/* x > 0; finite.  policy_exp() yields 0 below -745 and infinity above 709. */
double policy_log(double x);
double policy_exp(double x);
double policy_pow(double x, double y);
double policy_sqrt(double x);

#endif
