/* noise.h - the handshake Noise_NNpsk0_25519_ChaChaPoly_SHA256
 *
 * As in the Noise Protocol Framework, revision 34:
 *
 *     -> psk, e
 *     <- e, ee
 *
 * Pure: no system call, no random numbers (the ephemeral secret is passed in),
 * no allocation; async-signal-safe.  Each message carries a payload that is
 * encrypted and authenticated by the pre-shared key.
 */
#ifndef CKPT_PROTO_NOISE_H
#define CKPT_PROTO_NOISE_H

#include <stddef.h>
#include <stdint.h>

enum {
    CKPT_NOISE_KEY_LEN = 32,
    CKPT_NOISE_OVERHEAD = 48, /* public key and tag, in every message */
};

struct ckpt_noise {
    uint8_t hash[32];   /* h: everything both sides have seen */
    uint8_t chain[32];  /* ck */
    uint8_t key[32];    /* k: used for one payload, then replaced */
    uint8_t secret[32]; /* e */
    uint8_t public_key[32];
    uint8_t peer[32]; /* re */
};

/* Begin, on either side.  `psk` and `secret` (drawn for this handshake alone)
 * are CKPT_NOISE_KEY_LEN bytes. */
void ckpt_noise_start(struct ckpt_noise *noise, const uint8_t *psk,
                      const void *prologue, size_t prologue_len,
                      const uint8_t *secret);

/* The initiator's message, then the responder's.  The writers fill `message`
 * with payload_len + CKPT_NOISE_OVERHEAD bytes; the readers give back the
 * payload, of message_len - CKPT_NOISE_OVERHEAD bytes.  0, or -1 when the
 * message is not from a peer with the same key, prologue and history. */
int ckpt_noise_write_first(struct ckpt_noise *noise, const void *payload,
                           size_t payload_len, uint8_t *message);
int ckpt_noise_read_first(struct ckpt_noise *noise, const uint8_t *message,
                          size_t message_len, void *payload);
int ckpt_noise_write_second(struct ckpt_noise *noise, const void *payload,
                            size_t payload_len, uint8_t *message);
int ckpt_noise_read_second(struct ckpt_noise *noise, const uint8_t *message,
                           size_t message_len, void *payload);

/* After both messages: the keys of the two directions, 32 bytes each.  The
 * caller wipes `noise`. */
void ckpt_noise_split(struct ckpt_noise *noise, uint8_t *from_initiator,
                      uint8_t *from_responder);

#endif
