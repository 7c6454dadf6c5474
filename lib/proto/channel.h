/* channel.h - the capability channel: an authenticated, encrypted byte stream
 *
 * Noise NNpsk0 (X25519, the token as pre-shared key) opens it; AEAD records of
 * libsodium carry it.  The prologue binds what both sides must agree on (job
 * and epoch, or the pool's name), so that a token of an older incarnation
 * fails the handshake.  doc/security.md has the threat model.
 *
 * struct ckpt_channel holds keys: the in-process client keeps it in
 * ckpt_unsaved_memory(), never in an image.  No function allocates, none
 * prints; all system calls go through the gate and are repeated after EINTR,
 * so every function is async-signal-safe.  A channel is used by one thread at
 * a time.
 *
 * Whoever serves many channels never waits for one of them: it accepts with
 * _accept_start() and _accept_step(), makes the sockets non-blocking, and
 * sends with _try_writev() and _flush().
 *
 * The handshake, 64 bytes each way, and the first record:
 *
 *     initiator                                   responder
 *       magic, public key, {offer}      ------->
 *                                       <-------  magic, public key, {choice}
 *       CONFIRM record, then data       ------->  now the peer is known
 *
 * A responder that does not know the key or the prologue answers with a
 * refusal of the same size.  Until CONFIRM has come the responder has promised
 * nothing: a replayed first message gets no further.
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
    CKPT_CHANNEL_HELLO_LEN = 64, /* each side's part of the handshake */
};

struct ckpt_channel; /* opaque; the caller gives ckpt_channel_size() bytes,
                        aligned to 16 */
size_t ckpt_channel_size(void);

/* Take over a connected stream socket (TCP_NODELAY is set on it) and perform
 * the handshake, giving up after timeout_ms.  `psk` is CKPT_CHANNEL_KEY_LEN
 * bytes.  0, or -1 with EACCES (the peer does not know the key, or disagrees
 * about the prologue), ETIMEDOUT, EPROTO (not our protocol or version),
 * ECONNRESET, or the socket's error; the caller still owns fd then, and
 * nothing secret is left in `channel`. */
int ckpt_channel_connect(struct ckpt_channel *channel, int fd,
                         const uint8_t *psk, const void *prologue,
                         size_t prologue_len, int timeout_ms,
                         struct ckpt_err *err);
int ckpt_channel_accept(struct ckpt_channel *channel, int fd,
                        const uint8_t *psk, const void *prologue,
                        size_t prologue_len, int timeout_ms,
                        struct ckpt_err *err);

/* The same as _accept() in steps that never wait.  After _start(), call
 * _step() whenever the socket is readable: 1 when the channel is open, 0 to
 * wait for more, -1 when the handshake has failed (errno as above).  How long
 * a peer may take is the caller's to decide; to give up, _wipe() and close. */
int ckpt_channel_accept_start(struct ckpt_channel *channel, int fd,
                              const uint8_t *psk, const void *prologue,
                              size_t prologue_len, struct ckpt_err *err);
int ckpt_channel_accept_step(struct ckpt_channel *channel,
                             struct ckpt_err *err);

/* From now on the bytes go as they are, without records: nothing is encrypted
 * and nothing checked, the end of the stream included.  Both sides do it as
 * soon as the channel is open, before anything was sent, or the first bytes of
 * one are a forged record to the other.  It is never negotiated: put what was
 * agreed on into the prologue (ckpt_boot_prologue()).  The keys are forgotten.
 * 0, or -1 with EINVAL. */
int ckpt_channel_go_plain(struct ckpt_channel *channel);

int ckpt_channel_fd(const struct ckpt_channel *channel);

/* From now on _read() and _writev() wait no longer than timeout_ms for the
 * peer in one call, then fail with ETIMEDOUT; -1, as at first: for ever. */
void ckpt_channel_set_timeout(struct ckpt_channel *channel, int timeout_ms);

/* From now on a wait for the peer begins with up to `looks` looks, each a
 * system call, as long as bytes have lately come that early, and where there is
 * more than one processor.  0, as at first: a wait goes to sleep. */
void ckpt_channel_stay_awake(struct ckpt_channel *channel, unsigned looks);
/* The next wait begins with looks: for who would call poll(2) before it. */
bool ckpt_channel_awake(const struct ckpt_channel *channel);

/* Send all of iov.  Blocks, also on a non-blocking socket.  0, or -1 with
 * errno (never SIGPIPE); the channel is then useless.  Pieces of 4 KiB and more
 * are sealed straight from the caller's memory. */
int ckpt_channel_writev(struct ckpt_channel *channel, const struct iovec *iov,
                        int iovcnt);

/* Take as much of iov as can go now, without waiting: returns how many bytes
 * were taken (0 when none), or -1 with errno.  What was taken may still be in
 * the channel: while _flush() returns 0, wait for POLLOUT and call it again
 * (1: all gone; -1: errno). */
ssize_t ckpt_channel_try_writev(struct ckpt_channel *channel,
                                const struct iovec *iov, int iovcnt);
int ckpt_channel_flush(struct ckpt_channel *channel);
/* There is something for _flush() to send. */
bool ckpt_channel_unsent(const struct ckpt_channel *channel);

/* Receive 1..len bytes, as whole records straight into `buf` where they fit; 0
 * at the peer's authenticated end of stream; -1 with errno (EBADMSG for a
 * forged record, ECONNRESET for a truncated stream, EAGAIN if the socket is
 * non-blocking and no record is complete, ETIMEDOUT).  Nothing that was not
 * authenticated is ever returned; what lies in `buf` after a failure is
 * undefined.  `buf` must be writable: a bad pointer of the program's is a
 * SIGSEGV here, not EFAULT. */
ssize_t ckpt_channel_read(struct ckpt_channel *channel, void *buf, size_t len);

/* Decrypted bytes are waiting, or a whole record: read() will not block. */
bool ckpt_channel_pending(const struct ckpt_channel *channel);

/* Send the end of stream (if that needs no waiting), close the socket, wipe
 * the channel. */
void ckpt_channel_close(struct ckpt_channel *channel);

/* Forget all secrets and the socket, without closing it.  For a handshake
 * given up, and for a channel inherited over fork(). */
void ckpt_channel_wipe(struct ckpt_channel *channel);

#endif
