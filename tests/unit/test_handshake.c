/* test_handshake.c - handshakes that succeed and fail */
#include "tests/unit/channel_hand.h"
#include "tests/unit/run_tests.h"

#include <sys/wait.h>

static const uint8_t other_psk[CKPT_CHANNEL_KEY_LEN] = "another key";
static const char old_prologue[] = "job 7 epoch 2";

START_TEST(opens_and_ends)
{
    struct hand hand;

    open_both(&hand);
    expect_read_error(EAGAIN);
    put_record(&hand, CKPT_RECORD_DATA, "hello");
    put_record(&hand, CKPT_RECORD_DATA, "world");
    expect_read("hello");
    ck_assert(ckpt_channel_pending(channel));
    expect_read("world");
    ck_assert(!ckpt_channel_pending(channel));
    put_record(&hand, CKPT_RECORD_END, "");
    for (int i = 0; i < 3; i++) {
        char c;
        ck_assert_int_eq(ckpt_channel_read(channel, &c, 1), 0);
    }
}
END_TEST

START_TEST(opens_byte_by_byte)
{
    struct hand hand;
    uint8_t wire[256];

    make_hello(&hand, psk, prologue, sizeof prologue);
    accept_start();
    for (size_t i = 0; i < HELLO; i++) {
        ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
        put(hand.hello + i, 1);
    }
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
    await_answer(&hand);
    size_t n = seal(&hand, CKPT_RECORD_CONFIRM, "", wire);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
        put(wire + i, 1);
    }
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 1);
    n = seal(&hand, CKPT_RECORD_DATA, "drop by drop", wire);
    for (size_t i = 0; i < n; i++) {
        expect_read_error(EAGAIN);
        put(wire + i, 1);
    }
    expect_read("drop by drop");
}
END_TEST

static void expect_refusal(const uint8_t *key, const char *text, size_t len)
{
    struct hand hand;
    uint8_t hello[HELLO];

    make_hello(&hand, key, text, len);
    accept_start();
    put(hand.hello, HELLO);
    expect_step_error(EACCES);
    ck_assert_int_eq(recv(fds[1], hello, HELLO, MSG_WAITALL), HELLO);
    ck_assert_mem_eq(hello, "ckptno\0\1", MAGIC);
}

START_TEST(refuses_wrong_key)
{
    expect_refusal(other_psk, prologue, sizeof prologue);
}
END_TEST

START_TEST(refuses_old_epoch)
{
    expect_refusal(psk, old_prologue, sizeof old_prologue);
}
END_TEST

START_TEST(refuses_every_flipped_bit)
{
    struct hand hand;

    make_hello(&hand, psk, prologue, sizeof prologue);
    for (size_t bit = 0; bit < 8 * HELLO; bit++) {
        uint8_t copy[HELLO], answer[HELLO];
        memcpy(copy, hand.hello, HELLO);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        accept_start();
        put(copy, HELLO);
        expect_step_error(bit < 8 * MAGIC ? EPROTO : EACCES);
        if (bit >= 8 * MAGIC)
            ck_assert_int_eq(recv(fds[1], answer, HELLO, 0), HELLO);
    }
}
END_TEST

/* Whoever recorded a whole connection and plays it again is answered once and
 * gets no further. */
START_TEST(refuses_replay)
{
    struct hand hand;
    uint8_t confirm[CKPT_RECORD_OVERHEAD];

    make_hello(&hand, psk, prologue, sizeof prologue);
    accept_start();
    put(hand.hello, HELLO);
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
    await_answer(&hand);
    seal(&hand, CKPT_RECORD_CONFIRM, "", confirm);
    put(confirm, sizeof confirm);
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 1);

    accept_start();
    put(hand.hello, HELLO);
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
    put(confirm, sizeof confirm);
    expect_step_error(EACCES);
}
END_TEST

START_TEST(refuses_data_for_confirm)
{
    struct hand hand;

    make_hello(&hand, psk, prologue, sizeof prologue);
    accept_start();
    put(hand.hello, HELLO);
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
    await_answer(&hand);
    put_record(&hand, CKPT_RECORD_DATA, "let me in");
    expect_step_error(EACCES);
}
END_TEST

START_TEST(refuses_other_protocols)
{
    static const char get[HELLO] = "GET / HTTP/1.1\r\n";

    accept_start();
    put(get, HELLO);
    expect_step_error(EPROTO);
}
END_TEST

START_TEST(notices_early_end)
{
    struct hand hand;

    make_hello(&hand, psk, prologue, sizeof prologue);
    accept_start();
    put(hand.hello, HELLO - 1);
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
    shutdown(fds[1], SHUT_WR);
    expect_step_error(ECONNRESET);
}
END_TEST

START_TEST(accept_times_out)
{
    errno = 0;
    ck_assert_int_eq(ckpt_channel_accept(channel, fds[0], psk, prologue,
                                         sizeof prologue, 50, &err),
                     -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
}
END_TEST

START_TEST(connect_times_out)
{
    errno = 0;
    ck_assert_int_eq(ckpt_channel_connect(channel, fds[0], psk, prologue,
                                          sizeof prologue, 50, &err),
                     -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
}
END_TEST

/* A responder that answers with `answer`, whatever it is asked. */
static int connect_answered(const uint8_t *answer, size_t len)
{
    put(answer, len);
    errno = 0;
    return ckpt_channel_connect(channel, fds[0], psk, prologue, sizeof prologue,
                                200, &err);
}

START_TEST(connect_refuses_forged_answers)
{
    uint8_t hello[HELLO];

    randombytes_buf(hello, HELLO);
    ck_assert_int_eq(connect_answered(hello, HELLO), -1);
    ck_assert_int_eq(errno, EPROTO);
    memcpy(hello, magic, MAGIC);
    ck_assert_int_eq(connect_answered(hello, HELLO), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(connect_answered(hello, HELLO - 1), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
}
END_TEST

/* Bit by bit: a responder in a child changes its answer. */
START_TEST(connect_refuses_flipped_bits)
{
    for (size_t at = MAGIC; at < HELLO; at++) {
        pid_t pid = fork();
        if (pid == 0) {
            uint8_t hello[HELLO];
            int link[2];
            if (recv(fds[1], hello, HELLO, MSG_WAITALL) != HELLO ||
                socketpair(AF_UNIX, SOCK_STREAM, 0, link) ||
                write(link[1], hello, HELLO) != HELLO ||
                ckpt_channel_accept_start(channel, link[0], psk, prologue,
                                          sizeof prologue, NULL) ||
                ckpt_channel_accept_step(channel, NULL) != 0 ||
                recv(link[1], hello, HELLO, MSG_WAITALL) != HELLO)
                _exit(1);
            hello[at] ^= (uint8_t)(1 << at % 8);
            _exit(write(fds[1], hello, HELLO) == HELLO ? 0 : 2);
        }
        errno = 0;
        ck_assert_int_eq(ckpt_channel_connect(channel, fds[0], psk, prologue,
                                              sizeof prologue, 5000, &err),
                         -1);
        ck_assert_int_eq(errno, EACCES);
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handshake");
    TCase *tc = tcase_create("handshake");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, opens_and_ends);
    tcase_add_test(tc, opens_byte_by_byte);
    tcase_add_test(tc, refuses_wrong_key);
    tcase_add_test(tc, refuses_old_epoch);
    tcase_add_test(tc, refuses_every_flipped_bit);
    tcase_add_test(tc, refuses_replay);
    tcase_add_test(tc, refuses_data_for_confirm);
    tcase_add_test(tc, refuses_other_protocols);
    tcase_add_test(tc, notices_early_end);
    tcase_add_test(tc, accept_times_out);
    tcase_add_test(tc, connect_times_out);
    tcase_add_test(tc, connect_refuses_forged_answers);
    tcase_add_test(tc, connect_refuses_flipped_bits);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
