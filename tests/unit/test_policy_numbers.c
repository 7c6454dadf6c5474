/* test_policy_numbers.c - what every policy counts and draws with, its names
 * and parameters */
#include "scheduler/core/policy_ladder.h"
#include "scheduler/core/policy_rules.h"
#include "tests/unit/run_tests.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(rng_is_the_published_one)
{
    static const uint64_t first[] = {
        11520u,
        0u,
        1509978240u,
        1215971899390074240u,
        1216172134540287360u,
        607988272756665600u,
        16172922978634559625u,
        8476171486693032832u,
    };
    struct policy_rng rng = {{1, 2, 3, 4}};
    unsigned i;

    for (i = 0; i < sizeof first / sizeof first[0]; i++)
        ck_assert_uint_eq(policy_rng_next(&rng), first[i]);
}
END_TEST

START_TEST(rng_streams_differ)
{
    struct policy_rng a, b, c;

    policy_rng_init(&a, 1, 1);
    policy_rng_init(&b, 1, 2);
    policy_rng_init(&c, 1, 1);
    ck_assert_uint_ne(policy_rng_next(&a), policy_rng_next(&b));
    ck_assert_uint_ne(policy_rng_next(&a), policy_rng_next(&c));
    ck_assert_uint_eq(policy_rng_below(&b, 1), 0);
}
END_TEST

START_TEST(below_is_fair)
{
    struct policy_rng rng;
    int count[7] = {0}, i;

    policy_rng_init(&rng, 9, 1);
    for (i = 0; i < 700000; i++)
        count[policy_rng_below(&rng, 7)]++;
    for (i = 0; i < 7; i++)
        ck_assert(abs(count[i] - 100000) < 1500);
}
END_TEST

static void near_libm(double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 4e-15 * fabs(want) + 1e-300,
                  "%.17g, not %.17g", got, want);
}

START_TEST(log_and_exp_agree_with_libm)
{
    struct policy_rng rng;
    int i;

    policy_rng_init(&rng, 4, 1);
    for (i = 0; i < 200000; i++) {
        double x = 1400 * (policy_rng_unit(&rng) - .5);
        double y = policy_rng_unit(&rng) * pow(10, (i % 600) - 300);

        near_libm(policy_exp(x), exp(x));
        near_libm(policy_log(y), log(y));
    }
    ck_assert(policy_log(1) == 0);
    ck_assert(policy_exp(0) == 1);
    ck_assert(policy_exp(-800) == 0);
    near_libm(policy_log(4.9e-324), log(4.9e-324));
    near_libm(policy_pow(2, .5), sqrt(2));
}
END_TEST

/* The same on every machine: bits, not digits. */
START_TEST(draws_are_fixed)
{
    struct policy_rng rng;
    uint64_t hash = 14695981039346656037u, bits;
    int i;

    policy_rng_init(&rng, 2026, 3);
    for (i = 0; i < 10000; i++) {
        double v[3] = {policy_rng_exp(&rng, 1),
                       policy_rng_pareto(&rng, 1, 1e4, 1.1),
                       policy_rng_hyper(&rng, 2, 4)};
        int k;

        for (k = 0; k < 3; k++) {
            memcpy(&bits, &v[k], sizeof bits);
            hash = (hash ^ bits) * 1099511628211u;
        }
    }
    ck_assert_msg(hash == 0xb812122845e5237au, "0x%llxu",
                  (unsigned long long)hash);
}
END_TEST

/* ---- parameters and names ---- */

START_TEST(every_policy_is_whole)
{
    static const char *const asked[] = {
        "condor",    "sprite",    "mosix",     "mpvm",
        "watermark", "random",    "threshold", "shortest",
        "receiver",  "symmetric", "offload",   "age",
        "demand",    "supply",    "none",      "adaptive-threshold",
        NULL};
    const struct policy *p;
    struct policy_params par;
    size_t i;

    for (i = 0; (p = policy_at(i)); i++) {
        ck_assert_ptr_eq(policy_find(p->name), p);
        ck_assert_ptr_nonnull(p->transfer->decide);
        ck_assert_ptr_nonnull(p->selection->worth);
        ck_assert_ptr_nonnull(p->location->score);
        ck_assert_ptr_nonnull(p->information->name);
        ck_assert_uint_gt(strlen(p->rows), 0); /* every policy cites */
        policy_params_default(&par, p);
    }
    for (i = 0; asked[i]; i++)
        ck_assert_ptr_nonnull(policy_find(asked[i]));
    ck_assert_ptr_null(policy_find("nonsense"));
    ck_assert_ptr_nonnull(policy_location_find("in-turn"));
    ck_assert_ptr_null(policy_location_find(""));
}
END_TEST

START_TEST(params_are_strict)
{
    const char *key, *fallback, *meaning;
    struct policy_params par;
    size_t i;

    policy_params_default(&par, policy_find("condor"));
    ck_assert(par.suspend_grace_s == 300 && par.vacate_limit_s == 600);
    ck_assert(par.idle_start_s == 900 && par.cycle_s == 120);
    for (i = 0; (key = policy_params_key(i, &fallback, &meaning)); i++) {
        ck_assert_uint_gt(strlen(meaning), 0);
        ck_assert_msg(policy_params_set(&par, key, fallback) == 0, "%s", key);
        ck_assert_int_eq(policy_params_set(&par, key, "many"), -1);
        ck_assert_int_eq(errno, EINVAL);
    }
    ck_assert_int_eq(policy_params_set(&par, "suspend_grace", "2h"), 0);
    ck_assert(par.suspend_grace_s == 7200);
    ck_assert_int_eq(policy_params_set(&par, "high.runq", "2.5"), 0);
    ck_assert(par.marks.high[POLICY_LOAD_RUNQ] == 2.5);
    ck_assert_int_eq(policy_params_set(&par, "adapt_rate", "0"), -1);
    ck_assert_int_eq(policy_params_set(&par, "adapt_rate", "1.1"), -1);
    ck_assert_int_eq(policy_params_set(&par, "probe_limit", "33"), -1);
    ck_assert_int_eq(policy_params_set(&par, "nonsense", "1"), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        rng_is_the_published_one,
        rng_streams_differ,
        below_is_fair,
        log_and_exp_agree_with_libm,
        draws_are_fixed,
        every_policy_is_whole,
        params_are_strict,
        NULL,
    };

    return run_tests("policy numbers", tests);
}
