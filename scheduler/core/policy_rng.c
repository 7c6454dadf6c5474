/* policy_rng.c - see policy_rng.h */
#include "scheduler/core/policy_rng.h"

#include <string.h>

static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void policy_rng_init(struct policy_rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t x = seed;
    int i;

    x = splitmix64(&x) ^ (stream * 0xd1342543de82ef95u);
    for (i = 0; i < 4; i++)
        rng->s[i] = splitmix64(&x);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t policy_rng_next(struct policy_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double policy_rng_unit(struct policy_rng *rng)
{
    /* 52 bits and a half: the ends of the interval are out of reach. */
    return ((double)(policy_rng_next(rng) >> 12) + 0.5) * 0x1p-52;
}

uint32_t policy_rng_below(struct policy_rng *rng, uint32_t n)
{
    /* Lemire's multiplication; the few words that would favour the first
     * values are drawn again. */
    uint32_t floor = (uint32_t)(-n) % n;

    for (;;) {
        uint64_t m = (policy_rng_next(rng) >> 32) * n;

        if ((uint32_t)m >= floor)
            return (uint32_t)(m >> 32);
    }
}

double policy_rng_exp(struct policy_rng *rng, double mean)
{
    return -mean * policy_log(policy_rng_unit(rng));
}

double policy_rng_pareto(struct policy_rng *rng, double low, double high,
                         double a)
{
    double u = policy_rng_unit(rng);

    if (a == 1.0)
        return low / (1 - u * (1 - low / high));
    return low * policy_pow(1 - u * (1 - policy_pow(low / high, a)), -1 / a);
}

double policy_rng_hyper(struct policy_rng *rng, double mean, double scv)
{
    double p = 0.5 * (1 + policy_sqrt((scv - 1) / (scv + 1)));

    if (policy_rng_unit(rng) < p)
        return policy_rng_exp(rng, mean / (2 * p));
    return policy_rng_exp(rng, mean / (2 * (1 - p)));
}

/* ln 2 in two parts: the first has enough zeros at its end that a multiple of
 * it by an exponent is exact. */
static const double LN2_HIGH = 0x1.62e42feep-1;
static const double LN2_LOW = 0x1.a39ef35793c76p-33;

double policy_log(double x)
{
    static const double odd[10] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,
                                   1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17,
                                   1.0 / 19, 1.0 / 21};
    uint64_t bits;
    int e = 0;
    double z, z2, sum;
    int k;

    if (x < 0x1p-1022) {
        x *= 0x1p54;
        e = -54;
    }
    memcpy(&bits, &x, sizeof bits);
    e += (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | 0x3ff0000000000000u;
    memcpy(&x, &bits, sizeof x);
    if (x > 1.4142135623730951) {
        x *= 0.5;
        e++;
    }
    /* log x = 2 artanh z, |z| <= 0.1716: eleven terms reach 2^-56. */
    z = (x - 1) / (x + 1);
    z2 = z * z;
    sum = 0;
    for (k = 9; k >= 0; k--)
        sum = z2 * (odd[k] + sum);
    return e * LN2_HIGH + (2 * z * (1 + sum) + e * LN2_LOW);
}

double policy_exp(double x)
{
    double r, sum, scale;
    uint64_t bits;
    int n, k;

    if (x < -745)
        return 0;
    if (x > 709.7)
        return 1.0 / 0.0;
    n = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
    r = (x - n * LN2_HIGH) - n * LN2_LOW;
    sum = 1;
    for (k = 15; k >= 1; k--)
        sum = 1 + r / k * sum;
    /* In two steps, for results below the normal range. */
    bits = (uint64_t)(n / 2 + 1023) << 52;
    memcpy(&scale, &bits, sizeof scale);
    sum *= scale;
    bits = (uint64_t)(n - n / 2 + 1023) << 52;
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

double policy_pow(double x, double y)
{
    return x > 0 ? policy_exp(y * policy_log(x)) : 0;
}

double policy_sqrt(double x)
{
    /* IEEE 754 fixes the result to the last bit. */
    return __builtin_sqrt(x);
}
