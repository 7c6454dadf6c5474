/* formula.c - see formula.h */
#include "scheduler/sim/formula.h"

#include "scheduler/core/policy_rng.h"

double sim_formula_none(double rho)
{
    return 1 / (1 - rho);
}

double sim_formula_mmn(double rho, uint32_t n)
{
    double a = n * rho, b = 1, c;
    uint32_t k;

    for (k = 1; k <= n; k++) /* Erlang B, then C */
        b = a * b / (k + a * b);
    c = b / (1 - rho * (1 - b));
    return 1 + c / (n * (1 - rho));
}

double sim_formula_choices(double rho, uint32_t d)
{
    double exponent = 0, power = 1, sum = 0;
    int i;

    /* (d^i - d) / (d - 1) = d + d^2 + ... + d^(i-1) */
    for (i = 1; i < 200 && exponent < 1e6; i++) {
        sum += policy_pow(rho, exponent);
        power *= d;
        exponent += power;
    }
    return sum;
}

static double int_pow(double x, uint32_t n)
{
    double p = 1;

    while (n-- > 0)
        p *= x;
    return p;
}

/* The root of f in (low, high), where f(low) > 0 > f(high). */
static double root(double (*f)(double x, double rho, uint32_t t, uint32_t l),
                   double low, double high, double rho, uint32_t t, uint32_t l)
{
    int i;

    for (i = 0; i < 200; i++) {
        double x = (low + high) / 2;

        if (f(x, rho, t, l) > 0)
            low = x;
        else
            high = x;
    }
    return (low + high) / 2;
}

/* Birth and death with rates lo below t and hi from there on: *at_least gets
 * P(N >= t); returns E[N]. */
static double birth_death(double lo, double hi, uint32_t t, double *at_least)
{
    double weight = 1, total = 0, first = 0, tail;
    uint32_t k;

    for (k = 0; k < t; k++) {
        total += weight;
        first += k * weight;
        weight *= lo;
    }
    tail = weight / (1 - hi);
    total += tail;
    first += tail * (t + hi / (1 - hi));
    *at_least = tail / total;
    return first / total;
}

static double threshold_gap(double s, double rho, uint32_t t, uint32_t l)
{
    double miss = int_pow(s, l), at_least;

    birth_death(rho * (1 + s * (1 - miss) / (1 - s)), rho * miss, t, &at_least);
    return at_least - s;
}

double sim_formula_threshold(double rho, uint32_t t, uint32_t l, double *moves)
{
    double s = root(threshold_gap, 0, 1, rho, t, l), at_least;
    double miss = int_pow(s, l);

    if (moves)
        *moves = s * (1 - miss);
    return birth_death(rho * (1 + s * (1 - miss) / (1 - s)), rho * miss, t,
                       &at_least) /
           rho;
}

/* s_t for a guess of itself. */
static double shortest_tail(double guess, double rho, uint32_t t, uint32_t l,
                            double *sum)
{
    double s = 1;
    uint32_t k;

    *sum = 0;
    for (k = 0; k < t; k++) {
        s = rho * (s - guess + guess * int_pow(s, l));
        *sum += s;
    }
    return s;
}

static double shortest_gap(double guess, double rho, uint32_t t, uint32_t l)
{
    double sum;

    return shortest_tail(guess, rho, t, l, &sum) - guess;
}

double sim_formula_shortest(double rho, uint32_t t, uint32_t l)
{
    double s = root(shortest_gap, 0, 1, rho, t, l), sum;
    double hi = rho * int_pow(s, l);

    shortest_tail(s, rho, t, l, &sum);
    return (sum + s * hi / (1 - hi)) / rho;
}

static double receiver_gap(double s2, double rho, uint32_t t, uint32_t l)
{
    (void)t;
    return (rho - s2) * int_pow(1 - s2, l) - rho * (1 - rho);
}

double sim_formula_receiver(double rho, uint32_t l)
{
    double s2 = root(receiver_gap, 0, rho, rho, 0, l);
    double sigma = (rho - s2) * (1 - int_pow(1 - s2, l));
    double r = rho / (1 + sigma / s2);

    return (rho + s2 / (1 - r)) / rho;
}
