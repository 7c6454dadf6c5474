/* simtest.c - see simtest.h */
#include "tests/sim/simtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_all(struct sim_scenario *s, const char *settings,
                    struct ckpt_err *err)
{
    char *copy = strdup(settings), *save = NULL, *word;

    ck_assert_ptr_nonnull(copy);
    for (word = strtok_r(copy, ";", &save); word;
         word = strtok_r(NULL, ";", &save)) {
        char *eq = strchr(word, '=');

        word += strspn(word, " \n");
        ck_assert_ptr_nonnull(eq);
        *eq = '\0';
        if (sim_scenario_set(s, word, eq + 1, err) < 0)
            ck_abort_msg("%s", err->text);
    }
    free(copy);
}

void simtest_run(const char *policy, const char *settings, uint64_t seed,
                 struct sim_result *result)
{
    struct sim_scenario s;
    struct ckpt_err err = {""};

    sim_scenario_init(&s);
    set_all(&s, settings, &err);
    if (sim_scenario_set(&s, "policy", policy, &err) < 0 ||
        sim_scenario_finish(&s, &err) < 0 ||
        sim_run(&s, policy, seed, result, &err) < 0)
        ck_abort_msg("%s", err.text);
    sim_scenario_clear(&s);
}

double simtest_metric(const char *policy, const char *settings, uint64_t seed,
                      enum sim_metric metric)
{
    struct sim_result *r = malloc(sizeof *r);
    double value;

    ck_assert_ptr_nonnull(r);
    simtest_run(policy, settings, seed, r);
    value = r->metric[metric];
    free(r);
    return value;
}

double simtest_mean(const char *policy, const char *settings, uint32_t seeds,
                    enum sim_metric metric)
{
    double sum = 0;
    uint32_t k;

    for (k = 1; k <= seeds; k++)
        sum += simtest_metric(policy, settings, k, metric);
    return sum / seeds;
}

static void show(const char *what, double value, const char *expected)
{
    if (getenv("SIMTEST_SHOW"))
        fprintf(stderr, "    %-52s %12.6g   expected %s\n", what, value,
                expected);
}

void simtest_near(const char *what, double value, double expected,
                  double tolerance)
{
    double off = value / expected - 1;
    char text[64];

    snprintf(text, sizeof text, "%.6g (%+.2f%%)", expected, 100 * off);
    show(what, value, text);
    if (!(off <= tolerance && off >= -tolerance))
        ck_abort_msg("%s: %.6g, expected %.6g within %.2g%%", what, value,
                     expected, 100 * tolerance);
}

void simtest_within(const char *what, double value, double low, double high)
{
    char text[64];

    snprintf(text, sizeof text, "%.6g to %.6g", low, high);
    show(what, value, text);
    if (!(value >= low && value <= high))
        ck_abort_msg("%s: %.6g, expected %.6g to %.6g", what, value, low, high);
}

static void add_all(Suite *suite, const char *name, const TTest *const *tests)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, 600);
    for (; *tests; tests++)
        tcase_add_test(tc, *tests);
    suite_add_tcase(suite, tc);
}

int simtest_main(const char *name, const TTest *const *tests,
                 const TTest *const *slow)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    add_all(suite, "short", tests);
    if (getenv("SIMTEST_LONG"))
        add_all(suite, "long", slow);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
