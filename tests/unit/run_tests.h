/* run_tests.h - the main function of a program of tests */
#ifndef CKPT_TESTS_RUN_TESTS_H
#define CKPT_TESTS_RUN_TESTS_H

#include <check.h>

/* Run it.  The exit status. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* Run them, the list ending with NULL; each for at most so many seconds (0:
 * Check's default).  The exit status. */
static inline int run_tests_within(const char *name, const TTest *const tests[],
                                   double sec)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    if (sec > 0)
        tcase_set_timeout(tcase, sec);
    for (int i = 0; tests[i]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

static inline int run_tests(const char *name, const TTest *const tests[])
{
    return run_tests_within(name, tests, 0);
}

#endif
