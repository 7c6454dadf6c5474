/* test_pool_edit.c - settings are put into pool.conf, the rest of it stays */
#include "cli/pool_edit.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[96];

static void make_dir(void)
{
    strcpy(dir, "/tmp/ckpt-edit.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/pool.conf", dir);
}

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

static void write_conf(const char *text)
{
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
}

static void conf_is(const char *expected)
{
    char text[1024] = "";
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_new_file)
{
    char *set[] = {"poll=1s", "owner_devices.s1 = /dev/pts/1 /dev/pts/2",
                   "poll=2s"};
    struct ckpt_err err = {""};
    bool changed;

    ck_assert_msg(pool_edit(dir, set, 3, false, &changed, &err) == 0, "%s",
                  err.text);
    ck_assert(changed);
    conf_is("# settings of this pool; `ckpt config` lists all keys\n"
            "poll = 2s\nowner_devices.s1 = /dev/pts/1 /dev/pts/2\n");
    ck_assert_int_eq(pool_edit(dir, set, 3, true, &changed, &err), 0);
    ck_assert(!changed);
}
END_TEST

START_TEST(test_keeps_the_rest)
{
    char *set[] = {"poll=1s"};
    struct ckpt_err err = {""};
    bool changed;

    write_conf("# mine\n#poll = 7s\n\n  poll= 9s\nidle_start = 1m");
    ck_assert_int_eq(pool_edit(dir, set, 1, true, &changed, &err), -1);
    ck_assert_int_eq(errno, EBUSY);
    ck_assert_int_eq(pool_edit(dir, set, 1, false, &changed, &err), 0);
    conf_is("# mine\n#poll = 7s\n\npoll = 1s\nidle_start = 1m\n");
    write_conf("  poll=1s  \n");
    ck_assert_int_eq(pool_edit(dir, set, 1, true, &changed, &err), 0);
    ck_assert(!changed);
}
END_TEST

START_TEST(test_refuses)
{
    char *unknown[] = {"pol=1s"}, *wrong[] = {"poll=soon"},
         *malformed[] = {"poll"}, *lines[] = {"poll=1s\nx=y"};
    struct ckpt_err err;
    bool changed;

    write_conf("poll = 9s\n");
    ck_assert_int_eq(pool_edit(dir, unknown, 1, false, &changed, &err), -1);
    ck_assert_int_eq(pool_edit(dir, wrong, 1, false, &changed, &err), -1);
    ck_assert_int_eq(pool_edit(dir, malformed, 1, false, &changed, &err), -1);
    ck_assert_int_eq(pool_edit(dir, lines, 1, false, &changed, &err), -1);
    conf_is("poll = 9s\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool_edit");
    TCase *tc = tcase_create("pool_edit");

    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_test(tc, test_new_file);
    tcase_add_test(tc, test_keeps_the_rest);
    tcase_add_test(tc, test_refuses);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
