/* record.h - AEAD records
 *
 *     u32 little-endian: bits 0..23 plaintext length, bits 24..31 type
 *     ciphertext, as long as the plaintext
 *     16 bytes tag
 *
 * The first word is the associated data.  The nonce is not sent: it is the
 * number of the record in its direction, as 4 zero bytes and a 64-bit
 * little-endian counter.  Pure; async-signal-safe.
 */
#ifndef CKPT_PROTO_RECORD_H
#define CKPT_PROTO_RECORD_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CKPT_RECORD_HEAD = 4,
    CKPT_RECORD_TAG = 16,
    CKPT_RECORD_OVERHEAD = CKPT_RECORD_HEAD + CKPT_RECORD_TAG,
    CKPT_RECORD_PLAIN_MAX = 65536,
};

enum ckpt_record_type {
    CKPT_RECORD_DATA = 0,    /* 1..CKPT_RECORD_PLAIN_MAX bytes */
    CKPT_RECORD_END = 1,     /* empty: nothing follows in this direction */
    CKPT_RECORD_CONFIRM = 2, /* empty: the initiator has the keys */
};

/* One direction's key and position.  Must never be copied to where it can be
 * used twice (an image): the same nonce under the same key is fatal. */
struct ckpt_record_key {
    crypto_aead_aes256gcm_state aes; /* 16-byte aligned */
    uint8_t chacha[32];
    uint64_t count;
    bool use_aes;
};

/* AES-256-GCM when `use_aes` (the caller has asked
 * crypto_aead_aes256gcm_is_available()), else ChaCha20-Poly1305-IETF. */
void ckpt_record_key_init(struct ckpt_record_key *key, const uint8_t *secret,
                          bool use_aes);

/* Seal `len` bytes of `plain` into `wire` (len + CKPT_RECORD_OVERHEAD bytes).
 * `plain` may be wire + CKPT_RECORD_HEAD.  Returns the bytes written. */
size_t ckpt_record_seal(struct ckpt_record_key *key, enum ckpt_record_type type,
                        const void *plain, size_t len, uint8_t *wire);

/* What the first CKPT_RECORD_HEAD bytes say.  -1 for a type or length that no
 * sender makes. */
int ckpt_record_head(const uint8_t *wire, enum ckpt_record_type *type,
                     size_t *len);

/* Open the record of `len` plaintext bytes into `plain`, which may be wire +
 * CKPT_RECORD_HEAD.  -1 if it is not the next one the peer sealed. */
int ckpt_record_open(struct ckpt_record_key *key, const uint8_t *wire,
                     size_t len, void *plain);

#endif
