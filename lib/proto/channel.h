/* channel.h - the capability channel: an authenticated, encrypted byte stream
 *
 * Noise NNpsk0 (X25519, the token as pre-shared key) opens it; AEAD records of
 * libsodium carry it.  The prologue binds what both sides must agree on (job
 * and epoch, or the pool's name), so that a token of an older incarnation
 * fails the handshake.  doc/security.md has the threat model.
 *
 * struct ckpt_channel holds keys: the in-process client keeps it in
 * ckpt_unsaved_memory(), never in an image.  No function allocates, none
 * prints; all system calls go through the gate.  A channel is used by one
 * thread at a time in each direction.
 */
#ifndef CKPT_PROTO_CHANNEL_H
#define CKPT_PROTO_CHANNEL_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
    CKPT_CHANNEL_KEY_LEN = 32,
    CKPT_CHANNEL_RECORD_MAX = 65536, /* plaintext bytes in one record */
    CKPT_CHANNEL_PROLOGUE_MAX = 128,
};

struct ckpt_channel; /* opaque; caller gives ckpt_channel_size() bytes */
size_t ckpt_channel_size(void);

/* Take over a connected stream socket (TCP_NODELAY is set on it) and perform
 * the handshake, giving up after timeout_ms.  `psk` is CKPT_CHANNEL_KEY_LEN
 * bytes.  0, or -1 with EACCES (the peer does not know the key, or disagrees
 * about the prologue), ETIMEDOUT, EPROTO, or the socket's error; the caller
 * still owns fd then. */
int ckpt_channel_connect(struct ckpt_channel *channel, int fd,
                         const uint8_t *psk, const void *prologue,
                         size_t prologue_len, int timeout_ms,
                         struct ckpt_err *err);
int ckpt_channel_accept(struct ckpt_channel *channel, int fd,
                        const uint8_t *psk, const void *prologue,
                        size_t prologue_len, int timeout_ms,
                        struct ckpt_err *err);

int ckpt_channel_fd(const struct ckpt_channel *channel);

/* Send all of iov.  Blocks.  0, or -1 with errno (never SIGPIPE). */
int ckpt_channel_writev(struct ckpt_channel *channel, const struct iovec *iov,
                        int iovcnt);

/* Receive 1..len bytes; 0 at the peer's authenticated end of stream; -1 with
 * errno (EBADMSG for a forged record, ECONNRESET for a truncated stream,
 * EAGAIN if the socket is non-blocking and no record is complete). */
ssize_t ckpt_channel_read(struct ckpt_channel *channel, void *buf, size_t len);

/* Decrypted bytes are waiting: read() will not block. */
bool ckpt_channel_pending(const struct ckpt_channel *channel);

/* Send the end of stream, close the socket, wipe the keys. */
void ckpt_channel_close(struct ckpt_channel *channel);

#endif
