/* noise.c - see noise.h; the names in comments are those of the specification
 */
#include "lib/proto/noise.h"

#include <sodium.h>
#include <string.h>

enum { HASH_LEN = 32, TAG_LEN = 16 };

static const char protocol_name[] = "Noise_NNpsk0_25519_ChaChaPoly_SHA256";

/* HMAC-HASH over two pieces, keyed with one hash. */
static void hmac(const uint8_t *key, const uint8_t *a, size_t a_len,
                 const uint8_t *b, size_t b_len, uint8_t *out)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key, HASH_LEN);
    crypto_auth_hmacsha256_update(&state, a, a_len);
    crypto_auth_hmacsha256_update(&state, b, b_len);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

/* HKDF(chaining key, input) with `count` outputs of HASH_LEN bytes in a row. */
static void hkdf(const uint8_t *chain, const uint8_t *input, size_t input_len,
                 uint8_t *out, unsigned count)
{
    uint8_t temp[HASH_LEN];
    uint8_t *next = out;

    hmac(chain, input, input_len, NULL, 0, temp);
    for (uint8_t i = 1; i <= count; i++) {
        hmac(temp, out, i == 1 ? 0 : HASH_LEN, &i, 1, next);
        out = next;
        next += HASH_LEN;
    }
    sodium_memzero(temp, sizeof temp);
}

static void mix_hash(struct ckpt_noise *noise, const void *data, size_t len)
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, noise->hash, HASH_LEN);
    crypto_hash_sha256_update(&state, data, len);
    crypto_hash_sha256_final(&state, noise->hash);
}

static void mix_key(struct ckpt_noise *noise, const uint8_t *input)
{
    uint8_t out[2 * HASH_LEN];

    hkdf(noise->chain, input, HASH_LEN, out, 2);
    memcpy(noise->chain, out, HASH_LEN);
    memcpy(noise->key, out + HASH_LEN, HASH_LEN);
    sodium_memzero(out, sizeof out);
}

static void mix_key_and_hash(struct ckpt_noise *noise, const uint8_t *input)
{
    uint8_t out[3 * HASH_LEN];

    hkdf(noise->chain, input, HASH_LEN, out, 3);
    memcpy(noise->chain, out, HASH_LEN);
    mix_hash(noise, out + HASH_LEN, HASH_LEN);
    memcpy(noise->key, out + (size_t)2 * HASH_LEN, HASH_LEN);
    sodium_memzero(out, sizeof out);
}

/* EncryptAndHash; every key here encrypts one payload, so the nonce is 0. */
static void encrypt_and_hash(struct ckpt_noise *noise, const void *payload,
                             size_t len, uint8_t *out)
{
    static const uint8_t nonce[12];

    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, payload, len,
                                              noise->hash, HASH_LEN, NULL,
                                              nonce, noise->key);
    mix_hash(noise, out, len + TAG_LEN);
}

static int decrypt_and_hash(struct ckpt_noise *noise, const uint8_t *in,
                            size_t in_len, void *payload)
{
    static const uint8_t nonce[12];

    if (crypto_aead_chacha20poly1305_ietf_decrypt(payload, NULL, NULL, in,
                                                  in_len, noise->hash, HASH_LEN,
                                                  nonce, noise->key))
        return -1;
    mix_hash(noise, in, in_len);
    return 0;
}

void ckpt_noise_start(struct ckpt_noise *noise, const uint8_t *psk,
                      const void *prologue, size_t prologue_len,
                      const uint8_t *secret)
{
    memset(noise, 0, sizeof *noise);
    memcpy(noise->secret, secret, sizeof noise->secret);
    crypto_scalarmult_curve25519_base(noise->public_key, noise->secret);
    crypto_hash_sha256(noise->hash, (const uint8_t *)protocol_name,
                       sizeof protocol_name - 1);
    memcpy(noise->chain, noise->hash, HASH_LEN);
    mix_hash(noise, prologue, prologue_len);
    mix_key_and_hash(noise, psk); /* the token "psk" comes first */
}

/* The token "e" with a pre-shared key: MixHash and MixKey. */
static void mix_public(struct ckpt_noise *noise, const uint8_t *public_key)
{
    mix_hash(noise, public_key, CKPT_NOISE_KEY_LEN);
    mix_key(noise, public_key);
}

/* The token "ee". */
static int mix_shared(struct ckpt_noise *noise)
{
    uint8_t shared[CKPT_NOISE_KEY_LEN];
    int rc = crypto_scalarmult_curve25519(shared, noise->secret, noise->peer);

    if (rc == 0)
        mix_key(noise, shared);
    sodium_memzero(shared, sizeof shared);
    return rc ? -1 : 0;
}

static void write_public(struct ckpt_noise *noise, uint8_t *message)
{
    memcpy(message, noise->public_key, CKPT_NOISE_KEY_LEN);
    mix_public(noise, noise->public_key);
}

static int read_public(struct ckpt_noise *noise, const uint8_t *message,
                       size_t message_len)
{
    if (message_len < CKPT_NOISE_OVERHEAD)
        return -1;
    memcpy(noise->peer, message, CKPT_NOISE_KEY_LEN);
    mix_public(noise, noise->peer);
    return 0;
}

int ckpt_noise_write_first(struct ckpt_noise *noise, const void *payload,
                           size_t payload_len, uint8_t *message)
{
    write_public(noise, message);
    encrypt_and_hash(noise, payload, payload_len, message + CKPT_NOISE_KEY_LEN);
    return 0;
}

int ckpt_noise_read_first(struct ckpt_noise *noise, const uint8_t *message,
                          size_t message_len, void *payload)
{
    if (read_public(noise, message, message_len))
        return -1;
    return decrypt_and_hash(noise, message + CKPT_NOISE_KEY_LEN,
                            message_len - CKPT_NOISE_KEY_LEN, payload);
}

int ckpt_noise_write_second(struct ckpt_noise *noise, const void *payload,
                            size_t payload_len, uint8_t *message)
{
    write_public(noise, message);
    if (mix_shared(noise))
        return -1;
    encrypt_and_hash(noise, payload, payload_len, message + CKPT_NOISE_KEY_LEN);
    return 0;
}

int ckpt_noise_read_second(struct ckpt_noise *noise, const uint8_t *message,
                           size_t message_len, void *payload)
{
    if (read_public(noise, message, message_len) || mix_shared(noise))
        return -1;
    return decrypt_and_hash(noise, message + CKPT_NOISE_KEY_LEN,
                            message_len - CKPT_NOISE_KEY_LEN, payload);
}

void ckpt_noise_split(struct ckpt_noise *noise, uint8_t *from_initiator,
                      uint8_t *from_responder)
{
    uint8_t out[2 * HASH_LEN];

    hkdf(noise->chain, NULL, 0, out, 2);
    memcpy(from_initiator, out, HASH_LEN);
    memcpy(from_responder, out + HASH_LEN, HASH_LEN);
    sodium_memzero(out, sizeof out);
}
