/* test_conf.c - settings: notations, strictness, file:line */
#include "lib/common/conf.h"
#include "scheduler/pool/pool_conf.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void load_expect(const char *text, const char *expected)
{
    struct ckpt_conf *conf = ckpt_conf_create(pool_conf_keys);
    struct ckpt_err err = {""};
    char full[700];
    int fd;

    strcpy(path, "/tmp/ckpt-conf.XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    ck_assert_int_eq(ckpt_conf_load(conf, path, &err), expected ? -1 : 0);
    if (expected) {
        ck_assert_int_eq(errno, EINVAL);
        snprintf(full, sizeof full, "%s:%s", path, expected);
        ck_assert_str_eq(err.text, full);
    }
    unlink(path);
    ckpt_conf_destroy(conf);
}

START_TEST(test_notations)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"90s", 90000},   {"15m", 900000}, {"2h", 7200000},
                {"0", 0},         {"250ms", 250},  {"1.5s", 1500},
                {"1d", 86400000}, {"7", 7000},     {".5h", 1800000}};
    static const char *const bad[] = {"",     "s",   "-1s", "1x",   "1 s",
                                      "0x10", "inf", "nan", "1e99s"};
    int64_t ms;
    uint64_t size;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_int_eq(ckpt_conf_parse_ms(good[i].text, &ms), 0);
        ck_assert_int_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(ckpt_conf_parse_ms(bad[i], &ms), -1);
    ck_assert_int_eq(ckpt_conf_parse_size("512M", &size), 0);
    ck_assert_uint_eq(size, 512 << 20);
    ck_assert_int_eq(ckpt_conf_parse_size("4G", &size), 0);
    ck_assert_uint_eq(size, 4ULL << 30);
    ck_assert_int_eq(ckpt_conf_parse_size("4Q", &size), -1);
}
END_TEST

START_TEST(test_file_good)
{
    load_expect("# pool\n\n  idle_start=2s  \nowner_devices = /dev/pts/1 "
                "/dev/pts/2\nowner_devices.s1 = /dev/pts/3\n",
                NULL);
    load_expect("", NULL);
}
END_TEST

START_TEST(test_file_errors)
{
    load_expect("poll = 1s\nidle_strat = 2s\n",
                "2: idle_strat is not a key; `ckpt config` lists them");
    load_expect("idle_start = soon\n",
                "1: idle_start: \"soon\" is not a duration such as 90s, 15m "
                "or 2h");
    load_expect("\n\nnonsense\n", "3: \"nonsense\" is not `key = value`");
    load_expect("policy.s1 = x\n",
                "1: policy cannot be set for one station (s1)");
    load_expect("poll.a/b = 1s\n", "1: \"a/b\" is not a station's name");
    load_expect("poll = 0\n", "1: poll: \"0\" is out of bounds (0.01 to 3600)");
    load_expect("load_start = -1\n",
                "1: load_start: \"-1\" is out of bounds (0 or more)");
    load_expect("keep_images = 2.5\n",
                "1: keep_images: \"2.5\" is not a whole number");
}
END_TEST

START_TEST(test_twice)
{
    struct ckpt_conf *conf = ckpt_conf_create(pool_conf_keys);
    struct ckpt_err err;
    FILE *f;

    strcpy(path, "/tmp/ckpt-conf.XXXXXX");
    f = fdopen(mkstemp(path), "w");
    fputs("poll = 1s\npoll = 2s\n", f);
    fclose(f);
    ck_assert_int_eq(ckpt_conf_load(conf, path, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, ":2: poll is set already at /tmp/"));
    unlink(path);
    ck_assert_int_eq(ckpt_conf_load(conf, path, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ckpt_conf_destroy(conf);
}
END_TEST

START_TEST(test_per_station)
{
    struct ckpt_conf *conf = ckpt_conf_create(pool_conf_keys);

    ck_assert_int_eq(ckpt_conf_set(conf, "poll", "100ms", NULL), 0);
    ck_assert_int_eq(ckpt_conf_set(conf, "poll.s2", "200ms", NULL), 0);
    ck_assert_int_eq(ckpt_conf_ms(conf, "poll", NULL), 100);
    ck_assert_int_eq(ckpt_conf_ms(conf, "poll", "s1"), 100);
    ck_assert_int_eq(ckpt_conf_ms(conf, "poll", "s2"), 200);
    ck_assert_str_eq(ckpt_conf_text(conf, "policy", NULL), "condor");
    ck_assert_double_eq_tol(ckpt_conf_real(conf, "load_start", "s1"), 0.3,
                            1e-9);
    ckpt_conf_destroy(conf);
}
END_TEST

/* The contract of CLI.md. */
START_TEST(test_contract)
{
    static const char *const contract[][2] = {
        {"idle_start", "15m"},      {"load_start", "0.3"},
        {"owner_devices", NULL},    {"suspend_grace", "5m"},
        {"vacate_limit", "10m"},    {"poll", "5s"},
        {"checkpoint_every", "1h"}, {"policy", "condor"}};

    for (size_t i = 0; i < sizeof contract / sizeof contract[0]; i++) {
        const struct ckpt_conf_key *key = pool_conf_keys;
        while (key->name && strcmp(key->name, contract[i][0]))
            key++;
        ck_assert_ptr_nonnull(key->name);
        if (contract[i][1])
            ck_assert_str_eq(key->dflt, contract[i][1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf");
    TCase *tc = tcase_create("conf");

    tcase_add_test(tc, test_notations);
    tcase_add_test(tc, test_file_good);
    tcase_add_test(tc, test_file_errors);
    tcase_add_test(tc, test_twice);
    tcase_add_test(tc, test_per_station);
    tcase_add_test(tc, test_contract);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
