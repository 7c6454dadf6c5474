/* test_channel.c - handshake, records, channel: what they carry, what they
 * refuse
 *
 * Most tests play the initiator by hand (struct hand), byte by byte, against a
 * real channel in the same process; the socket's buffer is the wire.
 */
#include "lib/proto/channel.h"
#include "lib/proto/noise.h"
#include "lib/proto/record.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELLO = CKPT_CHANNEL_HELLO_LEN, MAGIC = 8, BIG = 1 << 20 };

static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "the key of these tests";
static const uint8_t other_psk[CKPT_CHANNEL_KEY_LEN] = "another key";
static const char prologue[] = "job 7 epoch 3";
static const char old_prologue[] = "job 7 epoch 2";
static const uint8_t magic[MAGIC] = {'c', 'k', 'p', 't', 'c', 'h', 0, 1};

static int fds[2]; /* [0] the channel's, [1] ours */
static struct ckpt_channel *channel;
static struct ckpt_err err;

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    fcntl(fds[1], F_SETFL, 0);
    channel = calloc(1, ckpt_channel_size());
    ck_assert_ptr_nonnull(channel);
    memset(&err, 0, sizeof err);
}

static void tear_down(void)
{
    free(channel);
    close(fds[0]);
    close(fds[1]);
}

/* --- Noise: a published vector ----------------------------------------------
 * Noise_NNpsk0_25519_ChaChaPoly_SHA256 of vectors/cacophony.txt
 * (github.com/haskell-cryptography/cacophony; also tests/vectors of
 * github.com/mcginty/snow). */

static const char vector_prologue[] = "4a6f686e2047616c74";
static const char vector_psk[] =
    "54686973206973206d7920417573747269616e20706572737065637469766521";
static const char vector_initiator[] =
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
static const char vector_responder[] =
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
static const char vector_hash[] =
    "f4d03dc34495c95729ea6de9e1b59004b59733102488b3e24bc441e0be208eaf";
static const struct {
    const char *payload;
    const char *message;
} vector_messages[] = {
    {"4c756477696720766f6e204d69736573",
     "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
     "79b962b8aff8485742ac32f905ba45369e2465fb59e138a93d67a0d1266b6a54"},
    {"4d757272617920526f746862617264",
     "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
     "d6062704d5a9c422a8e834423f8c1feada7e8d0d910a1a2cd030fb584221e3"},
    {"462e20412e20486179656b",
     "e632c3763d7669067383433197a3baddf146e9e70ad4b4e9e59e0f"},
    {"4361726c204d656e676572",
     "64c6bee32ea91c8474bb4c21d7a700109ad45af77b29764ba5eb1e"},
    {"4a65616e2d426170746973746520536179",
     "e2fa0bed0603b62d3ccac2ecabbf3fe33f3e86514909b323361626266cb2471cc8"},
    {"457567656e2042f6686d20766f6e2042617765726b",
     "0c01dc9cec1fe4ddd692e8dd32188aa351088dc91183639a53b57aa4692b5ebdef8b8ca1"
     "11"},
};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t len = 0;

    ck_assert_int_eq(
        sodium_hex2bin(out, 256, hex, strlen(hex), NULL, &len, NULL), 0);
    return len;
}

static void start_vector(struct ckpt_noise *noise, const char *ephemeral)
{
    uint8_t text[256], key[256], secret[256];
    size_t len = unhex(vector_prologue, text);

    unhex(vector_psk, key);
    unhex(ephemeral, secret);
    ckpt_noise_start(noise, key, text, len, secret);
}

START_TEST(noise_vector_handshake)
{
    struct ckpt_noise a, b;
    uint8_t payload[256], expect[256], got[256], back[256];
    size_t len, message_len;

    start_vector(&a, vector_initiator);
    start_vector(&b, vector_responder);
    len = unhex(vector_messages[0].payload, payload);
    message_len = unhex(vector_messages[0].message, expect);
    ck_assert_int_eq(ckpt_noise_write_first(&a, payload, len, got), 0);
    ck_assert_uint_eq(message_len, len + CKPT_NOISE_OVERHEAD);
    ck_assert_mem_eq(got, expect, message_len);
    ck_assert_int_eq(ckpt_noise_read_first(&b, expect, message_len, back), 0);
    ck_assert_mem_eq(back, payload, len);
    len = unhex(vector_messages[1].payload, payload);
    message_len = unhex(vector_messages[1].message, expect);
    ck_assert_int_eq(ckpt_noise_write_second(&b, payload, len, got), 0);
    ck_assert_mem_eq(got, expect, message_len);
    ck_assert_int_eq(ckpt_noise_read_second(&a, expect, message_len, back), 0);
    ck_assert_mem_eq(back, payload, len);
    unhex(vector_hash, expect);
    ck_assert_mem_eq(a.hash, expect, 32);
    ck_assert_mem_eq(b.hash, expect, 32);

    uint8_t keys[4][32];
    ckpt_noise_split(&a, keys[0], keys[1]);
    ckpt_noise_split(&b, keys[2], keys[3]);
    ck_assert_mem_eq(keys[0], keys[2], 32);
    ck_assert_mem_eq(keys[1], keys[3], 32);
    for (int i = 2; i < 6; i++) {
        uint8_t nonce[12] = {0, 0, 0, 0, (uint8_t)(i / 2 - 1)};
        len = unhex(vector_messages[i].payload, payload);
        message_len = unhex(vector_messages[i].message, expect);
        crypto_aead_chacha20poly1305_ietf_encrypt(got, NULL, payload, len, NULL,
                                                  0, NULL, nonce, keys[i % 2]);
        ck_assert_mem_eq(got, expect, message_len);
    }
}
END_TEST

START_TEST(noise_refuses_low_order_points)
{
    struct ckpt_noise b;
    uint8_t message[64] = {0};
    uint8_t payload[64];

    start_vector(&b, vector_responder);
    memcpy(b.peer, message, 32);
    ck_assert_int_eq(ckpt_noise_write_second(&b, payload, 8, message), -1);
}
END_TEST

/* --- records ----------------------------------------------------------------
 */

static const bool ciphers[] = {false, true};

static bool lacks(bool aes)
{
    return aes && !crypto_aead_aes256gcm_is_available();
}

static void make_keys(struct ckpt_record_key *tx, struct ckpt_record_key *rx,
                      bool aes)
{
    ckpt_record_key_init(tx, psk, aes);
    ckpt_record_key_init(rx, psk, aes);
}

START_TEST(record_round_trip)
{
    static uint8_t plain[CKPT_RECORD_PLAIN_MAX], back[CKPT_RECORD_PLAIN_MAX];
    static uint8_t wire[CKPT_RECORD_PLAIN_MAX + CKPT_RECORD_OVERHEAD];
    _Alignas(16) struct ckpt_record_key tx, rx;
    static const size_t sizes[] = {1, 15, 16, 17, 4096, CKPT_RECORD_PLAIN_MAX};
    enum ckpt_record_type type;
    size_t len;

    if (lacks(ciphers[_i]))
        return;
    make_keys(&tx, &rx, ciphers[_i]);
    randombytes_buf(plain, sizeof plain);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n =
            ckpt_record_seal(&tx, CKPT_RECORD_DATA, plain, sizes[i], wire);
        ck_assert_uint_eq(n, sizes[i] + CKPT_RECORD_OVERHEAD);
        ck_assert_int_eq(ckpt_record_head(wire, &type, &len), 0);
        ck_assert_uint_eq(len, sizes[i]);
        ck_assert_int_eq(ckpt_record_open(&rx, wire, len, back), 0);
        ck_assert_mem_eq(back, plain, len);
    }
}
END_TEST

/* Every bit of a record counts, and so does its place in the row. */
START_TEST(record_refuses_changes)
{
    _Alignas(16) struct ckpt_record_key tx, rx;
    uint8_t wire[64], copy[64], plain[64];
    size_t n;

    if (lacks(ciphers[_i]))
        return;
    make_keys(&tx, &rx, ciphers[_i]);
    n = ckpt_record_seal(&tx, CKPT_RECORD_DATA, "twelve bytes", 12, wire);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        struct ckpt_record_key fresh = rx;
        memcpy(copy, wire, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(ckpt_record_open(&fresh, copy, 12, plain), -1);
    }
    struct ckpt_record_key again = rx;
    ck_assert_int_eq(ckpt_record_open(&rx, wire, 12, plain), 0);
    ck_assert_int_eq(ckpt_record_open(&rx, wire, 12, plain), -1);
    n = ckpt_record_seal(&tx, CKPT_RECORD_DATA, "twelve bytes", 12, wire);
    ck_assert_int_eq(ckpt_record_open(&again, wire, 12, plain), -1);
}
END_TEST

START_TEST(record_head_is_strict)
{
    static const uint8_t wrong[][4] = {
        {0, 0, 0, 0}, {1, 0, 1, 0}, {0xff, 0xff, 0xff, 0}, {1, 0, 0, 1},
        {1, 0, 0, 2}, {0, 0, 0, 3}, {0, 0, 0, 0xff},
    };
    enum ckpt_record_type type;
    size_t len;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(ckpt_record_head(wrong[i], &type, &len), -1);
}
END_TEST

/* --- an initiator by hand ----------------------------------------------------
 */

struct hand {
    struct ckpt_noise noise;
    _Alignas(16) struct ckpt_record_key tx, rx;
    uint8_t hello[HELLO];
};

static void make_hello(struct hand *hand, const uint8_t *key, const char *text,
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

static void put(const void *data, size_t len)
{
    ck_assert_int_eq(write(fds[1], data, len), (ssize_t)len);
}

static void await_answer(struct hand *hand)
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

static size_t seal(struct hand *hand, enum ckpt_record_type type,
                   const char *text, uint8_t *wire)
{
    return ckpt_record_seal(&hand->tx, type, text, strlen(text), wire);
}

static void put_record(struct hand *hand, enum ckpt_record_type type,
                       const char *text)
{
    uint8_t wire[256];

    put(wire, seal(hand, type, text, wire));
}

static void accept_start(void)
{
    ck_assert_int_eq(ckpt_channel_accept_start(channel, fds[0], psk, prologue,
                                               sizeof prologue, &err),
                     0);
}

/* Bring both ends up; the channel then reads without waiting. */
static void open_both(struct hand *hand)
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

static void expect_read(const char *text)
{
    char buf[256];

    ck_assert_int_eq(ckpt_channel_read(channel, buf, sizeof buf),
                     (ssize_t)strlen(text));
    ck_assert_mem_eq(buf, text, strlen(text));
}

static void expect_read_error(int errnum)
{
    char buf[256];

    errno = 0;
    ck_assert_int_eq(ckpt_channel_read(channel, buf, sizeof buf), -1);
    ck_assert_int_eq(errno, errnum);
}

static void expect_step_error(int errnum)
{
    errno = 0;
    ck_assert_int_eq(ckpt_channel_accept_step(channel, &err), -1);
    ck_assert_int_eq(errno, errnum);
    ck_assert_str_ne(err.text, "");
}

/* --- handshakes that succeed and fail ----------------------------------------
 */

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

/* --- two real ends
 * ------------------------------------------------------------ */

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
    tcase_add_test(tc, noise_vector_handshake);
    tcase_add_test(tc, noise_refuses_low_order_points);
    tcase_add_loop_test(tc, record_round_trip, 0, 2);
    tcase_add_loop_test(tc, record_refuses_changes, 0, 2);
    tcase_add_test(tc, record_head_is_strict);
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
    tcase_add_test(tc, try_writev_never_waits);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
