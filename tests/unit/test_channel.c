/* test_channel.c - an open channel: what it carries, and what it notices */
#include "tests/unit/channel_hand.h"
#include "tests/unit/run_tests.h"

#include <sys/wait.h>

enum { BIG = 1 << 20 };

/* --- an open channel that is tampered with -----------------------------------
 */

START_TEST(refuses_changed_records)
{
    for (size_t at = 0; at < 25; at++) {
        struct hand hand;
        uint8_t wire[64];
        open_both(&hand);
        size_t n = seal(&hand, CKPT_RECORD_DATA, "hello", wire);
        wire[at] ^= 0x80;
        put(wire, n);
        if (at == 0 || at == 1) { /* now announced as longer */
            uint8_t more[40000] = {0};
            expect_read_error(EAGAIN);
            put(more, sizeof more);
        }
        expect_read_error(EBADMSG);
        expect_read_error(EPIPE);
        tear_down();
        set_up();
    }
}
END_TEST

START_TEST(refuses_repeated_records)
{
    struct hand hand;
    uint8_t wire[64];

    open_both(&hand);
    size_t n = seal(&hand, CKPT_RECORD_DATA, "once", wire);
    put(wire, n);
    put(wire, n);
    expect_read("once");
    expect_read_error(EBADMSG);
}
END_TEST

START_TEST(refuses_missing_records)
{
    struct hand hand;
    uint8_t wire[64];

    open_both(&hand);
    seal(&hand, CKPT_RECORD_DATA, "lost", wire);
    put_record(&hand, CKPT_RECORD_DATA, "found");
    expect_read_error(EBADMSG);
}
END_TEST

START_TEST(refuses_late_confirm)
{
    struct hand hand;

    open_both(&hand);
    put_record(&hand, CKPT_RECORD_CONFIRM, "");
    expect_read_error(EBADMSG);
}
END_TEST

START_TEST(notices_truncation)
{
    struct hand hand;
    uint8_t wire[64];

    open_both(&hand);
    put_record(&hand, CKPT_RECORD_DATA, "whole");
    put(wire, seal(&hand, CKPT_RECORD_DATA, "part", wire) - 1);
    shutdown(fds[1], SHUT_WR);
    expect_read("whole");
    expect_read_error(ECONNRESET);
}
END_TEST

START_TEST(notices_missing_end)
{
    struct hand hand;

    open_both(&hand);
    shutdown(fds[1], SHUT_WR);
    expect_read_error(ECONNRESET);
}
END_TEST

START_TEST(reads_in_pieces)
{
    struct hand hand;
    char c;

    open_both(&hand);
    put_record(&hand, CKPT_RECORD_DATA, "abc");
    for (int i = 0; i < 3; i++) {
        ck_assert(i == 0 || ckpt_channel_pending(channel));
        ck_assert_int_eq(ckpt_channel_read(channel, &c, 1), 1);
        ck_assert_int_eq(c, 'a' + i);
    }
    expect_read_error(EAGAIN);
}
END_TEST

START_TEST(read_times_out)
{
    struct hand hand;

    open_both(&hand);
    ckpt_channel_set_timeout(channel, 50);
    expect_read_error(ETIMEDOUT);
}
END_TEST

START_TEST(write_to_the_dead)
{
    struct hand hand;
    struct iovec iov = {channel, 4096};

    open_both(&hand);
    close(fds[1]);
    ck_assert_int_eq(ckpt_channel_writev(channel, &iov, 1), -1);
    ck_assert_int_eq(errno, EPIPE); /* and no SIGPIPE */
}
END_TEST

START_TEST(leaves_no_secrets)
{
    struct hand hand;
    const uint8_t *bytes = (const uint8_t *)channel;
    size_t left = 0;

    open_both(&hand);
    put_record(&hand, CKPT_RECORD_DATA, "a secret of some length");
    expect_read("a secret of some length");
    ckpt_channel_wipe(channel);
    for (size_t i = 0; i < ckpt_channel_size(); i++)
        left += bytes[i] != 0;
    ck_assert_uint_le(left, 5); /* fd -1 and a state */
}
END_TEST

/* --- two real ends --- */

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

static void fill(uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = pattern(i);
}

static bool read_all(uint8_t *to, size_t len)
{
    while (len > 0) {
        ssize_t n = ckpt_channel_read(channel, to, len);
        if (n <= 0)
            return false;
        to += n;
        len -= (size_t)n;
    }
    return true;
}

/* Takes BIG bytes in pieces of many sizes and sends them back in one. */
static void echo_child(bool plain)
{
    uint8_t *data = malloc(BIG);
    struct iovec iov = {data, BIG};

    close(fds[0]);
    if (ckpt_channel_accept(channel, fds[1], psk, prologue, sizeof prologue,
                            5000, NULL))
        _exit(1);
    if (plain && ckpt_channel_go_plain(channel))
        _exit(4);
    if (!read_all(data, BIG) || ckpt_channel_writev(channel, &iov, 1))
        _exit(2);
    _exit(ckpt_channel_read(channel, data, 1) == 0 ? 0 : 3);
}

START_TEST(carries_a_megabyte_each_way)
{
    uint8_t *data = malloc(BIG);
    uint8_t *back = malloc(BIG);
    struct iovec iov[64];
    size_t at = 0, n = 0;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        echo_child(_i == 1);
    close(fds[1]);
    fds[1] = -1;
    fcntl(fds[0], F_SETFL, 0);
    fill(data, BIG);
    while (at < BIG && n < 63) {
        size_t len = n % 3 == 0 ? n * 7 : n % 3 == 1 ? 4096 + n : 70000;
        if (len > BIG - at)
            len = BIG - at;
        iov[n++] = (struct iovec){data + at, len};
        at += len;
    }
    iov[n++] = (struct iovec){data + at, BIG - at};
    ck_assert_int_eq(ckpt_channel_connect(channel, fds[0], psk, prologue,
                                          sizeof prologue, 5000, &err),
                     0);
    if (_i == 1)
        ck_assert_int_eq(ckpt_channel_go_plain(channel), 0);
    ck_assert_int_eq(ckpt_channel_writev(channel, iov, (int)n), 0);
    ck_assert(read_all(back, BIG));
    ck_assert_mem_eq(data, back, BIG);
    ckpt_channel_close(channel);
    fds[0] = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    free(data);
    free(back);
}
END_TEST

/* Keys are gone; what the other side's records say is data like any other. */
START_TEST(a_plain_channel_carries_the_bytes_as_they_are)
{
    struct hand hand;
    struct iovec iov[2] = {{(void *)"as they ", 8}, {(void *)"are", 3}};
    char text[16];

    open_both(&hand);
    ck_assert_int_eq(ckpt_channel_go_plain(channel), 0);
    ck_assert_int_eq(ckpt_channel_writev(channel, iov, 2), 0);
    ck_assert_int_eq(recv(fds[1], text, sizeof text, 0), 11);
    ck_assert_mem_eq(text, "as they are", 11);
    ck_assert_int_eq(send(fds[1], "one two", 7, 0), 7);
    ck_assert_int_eq(ckpt_channel_read(channel, text, 4), 4);
    ck_assert(ckpt_channel_pending(channel));
    ck_assert_int_eq(ckpt_channel_read(channel, text + 4, 9), 3);
    ck_assert_mem_eq(text, "one two", 7);
    ck_assert(!ckpt_channel_pending(channel));
    ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
    ck_assert_int_eq(ckpt_channel_read(channel, text, 4), 0);
}
END_TEST

START_TEST(only_an_open_channel_goes_plain)
{
    ck_assert_int_eq(ckpt_channel_accept_start(channel, fds[0], psk, prologue,
                                               sizeof prologue, &err),
                     0);
    ck_assert_int_eq(ckpt_channel_go_plain(channel), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* Waits in vain until one looks again. */
static int sleeps(void)
{
    int n = 0;

    while (!ckpt_channel_awake(channel) && n < 2000) {
        expect_read_error(EAGAIN);
        n++;
    }
    return n;
}

/* Twice as many for each wait that looked in vain, until it is one in 1024; all
 * at once when our processor was taken away meanwhile. */
START_TEST(looks_in_vain_are_paid_for)
{
    struct hand hand;
    int before = 0;

    open_both(&hand);
    ck_assert(!ckpt_channel_awake(channel));
    if (_i)
        ck_assert_int_eq(ckpt_channel_go_plain(channel), 0);
    ckpt_channel_stay_awake(channel, 8);
    if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
        ck_assert(!ckpt_channel_awake(channel));
    while (ckpt_channel_awake(channel) && before < 1023) {
        expect_read_error(EAGAIN);
        int now = sleeps();
        ck_assert_msg(now == 2 * before + 1 || now == 1023, "%d after %d", now,
                      before);
        before = now;
    }
    if (_i)
        put("late", 4);
    else
        put_record(&hand, CKPT_RECORD_DATA, "late");
    expect_read("late");
}
END_TEST

/* What does not fit the socket is not taken; nothing is lost or doubled. */
START_TEST(try_writev_never_waits)
{
    struct hand hand;
    uint8_t *data = malloc(BIG);
    static uint8_t wire[CKPT_RECORD_PLAIN_MAX + CKPT_RECORD_OVERHEAD];
    static uint8_t plain[CKPT_RECORD_PLAIN_MAX];
    enum ckpt_record_type type;
    size_t sent = 0, got = 0, len;
    bool stuck = false;

    open_both(&hand);
    fill(data, BIG);
    while (got < BIG) {
        struct iovec iov = {data + sent, BIG - sent};
        while (sent < BIG) {
            ssize_t n = ckpt_channel_try_writev(channel, &iov, 1);
            ck_assert_int_ge(n, 0);
            if (n == 0)
                break;
            sent += (size_t)n;
            iov = (struct iovec){data + sent, BIG - sent};
        }
        stuck |= ckpt_channel_unsent(channel);
        struct pollfd p = {fds[1], POLLIN, 0};
        ckpt_channel_flush(channel);
        ck_assert_int_eq(poll(&p, 1, 1000), 1);
        ck_assert_int_eq(recv(fds[1], wire, 4, MSG_WAITALL), 4);
        ck_assert_int_eq(ckpt_record_head(wire, &type, &len), 0);
        for (size_t have = 4; have < len + CKPT_RECORD_OVERHEAD;) {
            ssize_t n = recv(fds[1], wire + have,
                             len + CKPT_RECORD_OVERHEAD - have, MSG_DONTWAIT);
            if (n > 0)
                have += (size_t)n;
            else
                ck_assert_int_ge(ckpt_channel_flush(channel), 0);
        }
        ck_assert_int_eq(ckpt_record_open(&hand.rx, wire, len, plain), 0);
        ck_assert_mem_eq(plain, data + got, len);
        got += len;
    }
    ck_assert(stuck);
    ck_assert_int_eq(ckpt_channel_flush(channel), 1);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("channel");
    TCase *tc = tcase_create("channel");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, refuses_changed_records);
    tcase_add_test(tc, refuses_repeated_records);
    tcase_add_test(tc, refuses_missing_records);
    tcase_add_test(tc, refuses_late_confirm);
    tcase_add_test(tc, notices_truncation);
    tcase_add_test(tc, notices_missing_end);
    tcase_add_test(tc, reads_in_pieces);
    tcase_add_test(tc, read_times_out);
    tcase_add_test(tc, write_to_the_dead);
    tcase_add_test(tc, leaves_no_secrets);
    tcase_add_loop_test(tc, carries_a_megabyte_each_way, 0, 2);
    tcase_add_test(tc, a_plain_channel_carries_the_bytes_as_they_are);
    tcase_add_test(tc, only_an_open_channel_goes_plain);
    tcase_add_loop_test(tc, looks_in_vain_are_paid_for, 0, 2);
    tcase_add_test(tc, try_writev_never_waits);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
