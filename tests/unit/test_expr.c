/* test_expr.c - requirements: what matches, and errors that name the column */
#include "scheduler/core/expr.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct expr_station desk = {.name = "desk",
                                         .arch = "x86_64",
                                         .features = "sse2 avx2 avx512f",
                                         .memory = 8ULL << 30,
                                         .memory_free = 3ULL << 30,
                                         .disk = 100ULL << 30,
                                         .cpus = 4,
                                         .load = 0.25,
                                         .owner_idle = 7200};

START_TEST(test_matches)
{
    static const struct {
        const char *text;
        bool match;
    } cases[] = {
        {"memory >= 4G", true},
        {"memory >= 8192", true}, /* MiB, as in HTCondor */
        {"memory > 8192", false},
        {"Disk >= 104857600 && TARGET.Arch == \"X86_64\"", true},
        {"4 <= cpus", true},
        {"4 < cpus", false},
        {"owner_idle >= 2h && owner_idle < 121m", true},
        {"KeyboardIdle > 7199 && LoadAvg <= 0.25", true},
        {"name == \"desk\" || false", true},
        {"name != \"desk\" || false", false},
        {"has(\"avx2\") && !has(\"avx\")", true},
        {"!(load > 0.3) && true", true},
        {"false || false && true || true", true},
        {"!true || !false", true},
        {"memory_free == 3G", true},
        {"OpSys == \"linux\"", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ckpt_err err = {""};
        struct expr *expr = expr_parse(cases[i].text, &err);
        ck_assert_msg(expr != NULL, "%s: %s", cases[i].text, err.text);
        ck_assert_msg(expr_match(expr, &desk) == cases[i].match, "%s",
                      cases[i].text);
        expr_free(expr);
    }
    ck_assert(expr_match(NULL, &desk));
}
END_TEST

START_TEST(test_errors)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "column 1: an attribute, a number or a string expected, found "
             "the end"},
        {"memory", "column 7: == != < <= > or >= expected, found the end"},
        {"memory >= ", "column 11: an attribute, a number or a string "
                       "expected, found the end"},
        {"memroy >= 4G", "column 1: stations have no attribute \"memroy\""},
        {"memory = 4G", "column 8: == != < <= > or >= expected, found \"=\""},
        {"memory >= 4X", "column 12: this is no unit (K M G T s m h d)"},
        {"memory >= 4h", "column 11: memory is a size and is compared with a "
                         "duration"},
        {"arch == 3", "column 9: arch is a text and is compared with a "
                      "number"},
        {"arch < \"a\"", "column 8: texts have only == and !="},
        {"(cpus > 1", "column 10: ) expected, found the end"},
        {"cpus > 1 cpus < 3", "column 10: && or || expected, found \"cpus\""},
        {"cpus > load", "column 1: one side must be an attribute, the other "
                        "a constant"},
        {"name == \"x", "column 9: the string does not end"},
        {"has(avx)", "column 5: a feature in quotes expected, found \"avx\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ckpt_err err = {""};
        ck_assert_ptr_null(expr_parse(cases[i].text, &err));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_str_eq(err.text, cases[i].error);
    }
}
END_TEST

START_TEST(test_bounds)
{
    char deep[2000];
    struct ckpt_err err;

    memset(deep, '!', sizeof deep);
    strcpy(deep + 1000, "true");
    ck_assert_ptr_null(expr_parse(deep, &err));
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    ck_assert_ptr_null(expr_parse(deep, &err));
    deep[0] = '\0';
    for (int i = 0; i < 200; i++)
        strcat(deep, "true || ");
    strcat(deep, "true");
    ck_assert_ptr_null(expr_parse(deep, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "too long"));
}
END_TEST

/* Pieces in random order: refused or matched, and an error has a column. */
START_TEST(test_random)
{
    static const char *const pieces[] = {
        "memory", "arch", " ",  "(",   ")", "&&",      "||",        "!",
        "==",     "<=",   ">",  "4G",  "1", "\"x\"",   "has(\"",    "\")",
        "true",   ".",    "\"", "15m", "é", "TARGET.", "owner_idle"};
    unsigned seed = 1;

    for (int i = 0; i < 20000; i++) {
        char text[256] = "";
        struct ckpt_err err = {""};
        for (int n = 0; n < i % 12; n++) {
            seed = seed * 1103515245 + 12345;
            strcat(text,
                   pieces[(seed >> 16) % (sizeof pieces / sizeof pieces[0])]);
        }
        struct expr *expr = expr_parse(text, &err);
        if (expr)
            expr_match(expr, &desk);
        else
            ck_assert_msg(!strncmp(err.text, "column ", 7), "%s", text);
        expr_free(expr);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expr");
    TCase *tc = tcase_create("expr");

    tcase_add_test(tc, test_matches);
    tcase_add_test(tc, test_errors);
    tcase_add_test(tc, test_bounds);
    tcase_add_test(tc, test_random);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
