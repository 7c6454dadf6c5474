/* record.c - see record.h */
#include "lib/proto/record.h"

#include <string.h>

enum { NONCE_LEN = 12, TYPE_SHIFT = 24 };

_Static_assert(crypto_aead_aes256gcm_ABYTES == CKPT_RECORD_TAG &&
                   crypto_aead_chacha20poly1305_ietf_ABYTES == CKPT_RECORD_TAG,
               "tag length");

void ckpt_record_key_init(struct ckpt_record_key *key, const uint8_t *secret,
                          bool use_aes)
{
    memset(key, 0, sizeof *key);
    key->use_aes = use_aes;
    if (use_aes)
        crypto_aead_aes256gcm_beforenm(&key->aes, secret);
    else
        memcpy(key->chacha, secret, sizeof key->chacha);
}

static void put_le(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void next_nonce(struct ckpt_record_key *key, uint8_t *nonce)
{
    memset(nonce, 0, 4);
    put_le(nonce + 4, key->count++, 8);
}

size_t ckpt_record_seal(struct ckpt_record_key *key, enum ckpt_record_type type,
                        const void *plain, size_t len, uint8_t *wire)
{
    uint8_t nonce[NONCE_LEN];
    uint8_t *body = wire + CKPT_RECORD_HEAD;

    next_nonce(key, nonce);
    put_le(wire, (uint64_t)type << TYPE_SHIFT | len, CKPT_RECORD_HEAD);
    if (key->use_aes)
        crypto_aead_aes256gcm_encrypt_detached_afternm(
            body, body + len, NULL, plain, len, wire, CKPT_RECORD_HEAD, NULL,
            nonce, &key->aes);
    else
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(
            body, body + len, NULL, plain, len, wire, CKPT_RECORD_HEAD, NULL,
            nonce, key->chacha);
    return len + CKPT_RECORD_OVERHEAD;
}

int ckpt_record_head(const uint8_t *wire, enum ckpt_record_type *type,
                     size_t *len)
{
    size_t n = wire[0] | (size_t)wire[1] << 8 | (size_t)wire[2] << 16;

    switch (wire[3]) {
    case CKPT_RECORD_DATA:
        if (n < 1 || n > CKPT_RECORD_PLAIN_MAX)
            return -1;
        break;
    case CKPT_RECORD_END:
    case CKPT_RECORD_CONFIRM:
        if (n != 0)
            return -1;
        break;
    default:
        return -1;
    }
    *type = (enum ckpt_record_type)wire[3];
    *len = n;
    return 0;
}

int ckpt_record_open(struct ckpt_record_key *key, const uint8_t *wire,
                     size_t len, void *plain)
{
    uint8_t nonce[NONCE_LEN];
    const uint8_t *body = wire + CKPT_RECORD_HEAD;

    next_nonce(key, nonce);
    if (key->use_aes)
        return crypto_aead_aes256gcm_decrypt_detached_afternm(
            plain, NULL, body, len, body + len, wire, CKPT_RECORD_HEAD, nonce,
            &key->aes);
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
        plain, NULL, body, len, body + len, wire, CKPT_RECORD_HEAD, nonce,
        key->chacha);
}
