/* law.c - see law.h */
#include "scheduler/sim/law.h"

#include "scheduler/core/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum sim_law_kind kind;
    int numbers;
} laws[] = {
    {"const", SIM_LAW_CONST, 1},     {"exp", SIM_LAW_EXP, 1},
    {"uniform", SIM_LAW_UNIFORM, 2}, {"pareto", SIM_LAW_PARETO, 3},
    {"hyper", SIM_LAW_HYPER, 2},     {"weibull", SIM_LAW_WEIBULL, 2},
};

static int read_trace(struct sim_law *law, const char *path,
                      struct ckpt_err *err)
{
    double *values = NULL;
    size_t n = 0, room = 0;
    char line[128];
    FILE *f = fopen(path, "re");

    if (!f)
        return ckpt_err_sys(err, "%s", path);
    while (fgets(line, sizeof line, f)) {
        double v;

        if (line[0] == '#' || line[0] == '\n')
            continue;
        line[strcspn(line, "\r\n")] = '\0';
        if (policy_seconds_parse(line, &v) < 0) {
            ckpt_err_set(err, EINVAL, "%s: \"%s\" is no value", path, line);
            goto fail;
        }
        if (n == room) {
            double *more;

            room = room ? 2 * room : 256;
            more = realloc(values, room * sizeof *more);
            if (!more)
                goto fail;
            values = more;
        }
        values[n++] = v;
    }
    if (n == 0) {
        ckpt_err_set(err, EINVAL, "%s: holds no values", path);
        goto fail;
    }
    fclose(f);
    law->kind = SIM_LAW_TRACE;
    law->values = values;
    law->n_values = n;
    return 0;
fail:
    free(values);
    fclose(f);
    return -1;
}

static int check(const struct sim_law *law)
{
    const double *p = law->p;

    switch (law->kind) {
    case SIM_LAW_PARETO:
        return p[0] > 0 && p[1] > p[0] && p[2] > 0;
    case SIM_LAW_HYPER:
        return p[0] > 0 && p[1] >= 1;
    case SIM_LAW_WEIBULL:
        return p[0] > 0 && p[1] > 0.05;
    case SIM_LAW_UNIFORM:
        return p[1] >= p[0];
    default:
        return 1;
    }
}

/* Gamma(x) for x in 1..21 or so, by Stirling's series after shifting up. */
static double gamma_of(double x)
{
    double shift = 1, s;

    while (x < 20) {
        shift *= x;
        x += 1;
    }
    s = 1 / (12 * x) - 1 / (360 * x * x * x) + 1 / (1260 * x * x * x * x * x);
    return policy_exp((x - 0.5) * policy_log(x) - x + 0.9189385332046727 + s) /
           shift;
}

int sim_law_parse(struct sim_law *law, const char *text, struct ckpt_err *err)
{
    char word[4][256];
    struct sim_law l;
    int n = sscanf(text, "%255s %255s %255s %255s", word[0], word[1], word[2],
                   word[3]);
    size_t i;
    int k;

    memset(&l, 0, sizeof l);
    if (n == 2 && strcmp(word[0], "trace") == 0) {
        if (read_trace(&l, word[1], err) < 0)
            return -1;
        *law = l;
        return 0;
    }
    for (i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        if (n < 1 || strcmp(laws[i].name, word[0]) != 0 ||
            n != laws[i].numbers + 1)
            continue;
        l.kind = laws[i].kind;
        for (k = 1; k < n; k++)
            if (policy_seconds_parse(word[k], &l.p[k - 1]) < 0)
                goto bad;
        if (!check(&l))
            goto bad;
        if (l.kind == SIM_LAW_WEIBULL)
            l.p[2] = l.p[0] / gamma_of(1 + 1 / l.p[1]); /* scale */
        *law = l;
        return 0;
    }
bad:
    return ckpt_err_set(err, EINVAL,
                        "\"%s\" is no distribution (const X, exp MEAN, "
                        "uniform A B, pareto LOW HIGH EXPONENT, hyper MEAN "
                        "SCV, weibull MEAN SHAPE, trace FILE)",
                        text);
}

static double weibull(const struct sim_law *law, struct policy_rng *rng)
{
    return law->p[2] * policy_pow(policy_rng_exp(rng, 1), 1 / law->p[1]);
}

double sim_law_draw(const struct sim_law *law, struct policy_rng *rng)
{
    const double *p = law->p;

    switch (law->kind) {
    case SIM_LAW_CONST:
        return p[0];
    case SIM_LAW_EXP:
        return policy_rng_exp(rng, p[0]);
    case SIM_LAW_UNIFORM:
        return p[0] + (p[1] - p[0]) * policy_rng_unit(rng);
    case SIM_LAW_PARETO:
        return policy_rng_pareto(rng, p[0], p[1], p[2]);
    case SIM_LAW_HYPER:
        return policy_rng_hyper(rng, p[0], p[1]);
    case SIM_LAW_WEIBULL:
        return weibull(law, rng);
    case SIM_LAW_TRACE:
        return law->values[policy_rng_below(rng, (uint32_t)law->n_values)];
    }
    return 0;
}

static double pareto_mean(double low, double high, double a)
{
    double mass = 1 - policy_pow(low / high, a);

    if (a == 1.0)
        return policy_log(high / low) * low / mass;
    return a / (a - 1) * low * (1 - policy_pow(low / high, a - 1)) / mass;
}

double sim_law_mean(const struct sim_law *law)
{
    const double *p = law->p;
    double sum = 0;
    size_t i;

    switch (law->kind) {
    case SIM_LAW_UNIFORM:
        return (p[0] + p[1]) / 2;
    case SIM_LAW_PARETO:
        return pareto_mean(p[0], p[1], p[2]);
    case SIM_LAW_TRACE:
        for (i = 0; i < law->n_values; i++)
            sum += law->values[i];
        return sum / (double)law->n_values;
    default:
        return p[0];
    }
}

void sim_law_clear(struct sim_law *law)
{
    free(law->values);
    memset(law, 0, sizeof *law);
}
