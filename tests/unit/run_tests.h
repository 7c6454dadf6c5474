/* run_tests.h - the main function of a program with one list of tests */
#ifndef CKPT_TESTS_RUN_TESTS_H
#define CKPT_TESTS_RUN_TESTS_H

#include <check.h>

/* Run them, the list ending with NULL.  The exit status. */
static inline int run_tests(const char *name, const TTest *const tests[])
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    for (int i = 0; tests[i]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
