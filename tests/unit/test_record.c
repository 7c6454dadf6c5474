/* test_record.c - Noise against its published vector; records: what they carry,
 * what they refuse */
#include "tests/unit/channel_hand.h"
#include "tests/unit/run_tests.h"

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

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tc = tcase_create("record");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, noise_vector_handshake);
    tcase_add_test(tc, noise_refuses_low_order_points);
    tcase_add_loop_test(tc, record_round_trip, 0, 2);
    tcase_add_loop_test(tc, record_refuses_changes, 0, 2);
    tcase_add_test(tc, record_head_is_strict);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
