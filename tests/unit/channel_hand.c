/* channel_hand.c - see channel_hand.h */
#include "tests/unit/channel_hand.h"

const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "the key of these tests";
const char prologue[PROLOGUE] = "job 7 epoch 3";
const uint8_t magic[MAGIC] = {'c', 'k', 'p', 't', 'c', 'h', 0, 1};

int fds[2];
struct ckpt_channel *channel;
struct ckpt_err err;

void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    fcntl(fds[1], F_SETFL, 0);
    channel = calloc(1, ckpt_channel_size());
    ck_assert_ptr_nonnull(channel);
    memset(&err, 0, sizeof err);
}

void tear_down(void)
{
    free(channel);
    close(fds[0]);
    close(fds[1]);
}

void make_hello(struct hand *hand, const uint8_t *key, const char *text,
                size_t len)
{
    uint8_t bound[MAGIC + 64], secret[32], payload[8] = {1};

    randombytes_buf(secret, sizeof secret);
    memcpy(bound, magic, MAGIC);
    memcpy(bound + MAGIC, text, len);
    ckpt_noise_start(&hand->noise, key, bound, MAGIC + len, secret);
    memcpy(hand->hello, magic, MAGIC);
    ckpt_noise_write_first(&hand->noise, payload, sizeof payload,
                           hand->hello + MAGIC);
}

void put(const void *data, size_t len)
{
    ck_assert_int_eq(write(fds[1], data, len), (ssize_t)len);
}

void await_answer(struct hand *hand)
{
    uint8_t hello[HELLO], payload[8], to[32], from[32];

    ck_assert_int_eq(recv(fds[1], hello, HELLO, MSG_WAITALL), HELLO);
    ck_assert_mem_eq(hello, magic, MAGIC);
    ck_assert_int_eq(ckpt_noise_read_second(&hand->noise, hello + MAGIC,
                                            HELLO - MAGIC, payload),
                     0);
    ck_assert_uint_eq(payload[0], 1); /* all we offered: ChaCha20 */
    ckpt_noise_split(&hand->noise, to, from);
    ckpt_record_key_init(&hand->tx, to, false);
    ckpt_record_key_init(&hand->rx, from, false);
}

size_t seal(struct hand *hand, enum ckpt_record_type type, const char *text,
            uint8_t *wire)
{
    return ckpt_record_seal(&hand->tx, type, text, strlen(text), wire);
}

void put_record(struct hand *hand, enum ckpt_record_type type, const char *text)
{
    uint8_t wire[256];

    put(wire, seal(hand, type, text, wire));
}

void accept_start(void)
{
    ck_assert_int_eq(ckpt_channel_accept_start(channel, fds[0], psk, prologue,
                                               sizeof prologue, &err),
                     0);
}

void open_both(struct hand *hand)
{
    make_hello(hand, psk, prologue, sizeof prologue);
    accept_start();
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
    put(hand->hello, HELLO);
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 0);
    await_answer(hand);
    put_record(hand, CKPT_RECORD_CONFIRM, "");
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), 1);
}

void expect_read(const char *text)
{
    char buf[256];

    ck_assert_int_eq(ckpt_channel_read(channel, buf, sizeof buf),
                     (ssize_t)strlen(text));
    ck_assert_mem_eq(buf, text, strlen(text));
}

void expect_read_error(int errnum)
{
    char buf[256];

    errno = 0;
    ck_assert_int_eq(ckpt_channel_read(channel, buf, sizeof buf), -1);
    ck_assert_int_eq(errno, errnum);
}

void expect_step_error(int errnum)
{
    errno = 0;
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), -1);
    ck_assert_int_eq(errno, errnum);
    ck_assert_str_ne(err.text, "");
}
