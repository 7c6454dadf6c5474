/* test_boot.c - boot records: through a pipe, and what is no such record */
#include "lib/proto/boot.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ckpt_boot example = {
    .host = "192.0.2.7",
    .port = 4711,
    .job = 1234567890123,
    .epoch = 3,
    .token = "0123456789abcdef0123456789abcde",
};

static int read_bytes(const uint8_t *bytes, size_t len, struct ckpt_boot *boot)
{
    struct ckpt_err err = {""};
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], bytes, len), (ssize_t)len);
    close(fds[1]);
    errno = 0;
    int rc = ckpt_boot_read(fds[0], boot, &err);
    ck_assert(rc == 0 || (errno == EPROTO && err.text[0]));
    close(fds[0]);
    return rc;
}

START_TEST(round_trip)
{
    uint8_t buf[CKPT_BOOT_MAX];
    struct ckpt_boot boot;
    size_t len = ckpt_boot_encode(&example, buf);

    ck_assert_uint_le(len, CKPT_BOOT_MAX);
    ck_assert_int_eq(read_bytes(buf, len, &boot), 0);
    ck_assert_str_eq(boot.host, example.host);
    ck_assert_uint_eq(boot.port, example.port);
    ck_assert_uint_eq(boot.job, example.job);
    ck_assert_uint_eq(boot.epoch, example.epoch);
    ck_assert_mem_eq(boot.token, example.token, CKPT_TOKEN_LEN);
}
END_TEST

/* A record of its own version, and another prologue: one side alone cannot go
 * without encryption. */
START_TEST(plain_is_told_apart)
{
    uint8_t buf[CKPT_BOOT_MAX], one[CKPT_BOOT_PROLOGUE_LEN], other[sizeof one];
    struct ckpt_boot boot = example, got;

    ck_assert_int_eq(read_bytes(buf, ckpt_boot_encode(&boot, buf), &got), 0);
    ck_assert(!got.plain);
    ck_assert_uint_eq(buf[4], 1);
    boot.plain = true;
    ck_assert_int_eq(read_bytes(buf, ckpt_boot_encode(&boot, buf), &got), 0);
    ck_assert(got.plain);
    ck_assert_uint_eq(buf[4], 2);
    ck_assert_uint_eq(ckpt_boot_prologue(&example, one), sizeof one);
    ck_assert_uint_eq(ckpt_boot_prologue(&boot, other), sizeof other);
    ck_assert_mem_ne(one, other, sizeof one);
}
END_TEST

START_TEST(longest_host)
{
    uint8_t buf[CKPT_BOOT_MAX];
    struct ckpt_boot boot = example, got;

    memset(boot.host, 'h', sizeof boot.host - 1);
    boot.host[sizeof boot.host - 1] = '\0';
    ck_assert_int_eq(read_bytes(buf, ckpt_boot_encode(&boot, buf), &got), 0);
    ck_assert_str_eq(got.host, boot.host);
}
END_TEST

/* Cut anywhere, lengthened, or with another first word: refused, and the
 * caller's record untouched. */
START_TEST(refuses_others)
{
    uint8_t buf[2 * CKPT_BOOT_MAX] = {0}, copy[2 * CKPT_BOOT_MAX];
    struct ckpt_boot boot, untouched;
    size_t len = ckpt_boot_encode(&example, buf);

    memset(&boot, 0x55, sizeof boot);
    untouched = boot;
    for (size_t n = 0; n < len; n++)
        ck_assert_int_eq(read_bytes(buf, n, &boot), -1);
    ck_assert_int_eq(read_bytes(buf, len + 1, &boot), -1);
    ck_assert_int_eq(read_bytes(buf, sizeof buf, &boot), -1);
    for (size_t i = 0; i < 12; i++) { /* magic, version, length of the host */
        memcpy(copy, buf, sizeof copy);
        copy[i] ^= 0x41;
        ck_assert_int_eq(read_bytes(copy, len, &boot), -1);
    }
    ck_assert_mem_eq(&boot, &untouched, sizeof boot);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("boot");
    TCase *tc = tcase_create("boot");

    tcase_add_test(tc, round_trip);
    tcase_add_test(tc, plain_is_told_apart);
    tcase_add_test(tc, longest_host);
    tcase_add_test(tc, refuses_others);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
