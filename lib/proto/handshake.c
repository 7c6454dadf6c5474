/* handshake.c - how a channel is opened; the messages are drawn in channel.h
 *
 * A hello is 8 bytes magic, 32 bytes public key, 8 bytes payload, 16 bytes tag.
 * The payload of the first is what the initiator offers, of the second what the
 * responder has chosen:
 *
 *     u8 ciphers (bit 0 ChaCha20-Poly1305, bit 1 AES-256-GCM), 7 bytes zero
 */
#include "lib/common/sys.h"
#include "lib/proto/channel_impl.h"

#include <cpuid.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
    MAGIC_LEN = 8,
    PAYLOAD_LEN = 8,
    HELLO_LEN = CKPT_CHANNEL_HELLO_LEN,
    NOISE_LEN = HELLO_LEN - MAGIC_LEN,
    CIPHER_CHACHA = 1,
    CIPHER_AES = 2,
};

_Static_assert(NOISE_LEN == PAYLOAD_LEN + CKPT_NOISE_OVERHEAD, "hello size");

/* The last byte is the version of the handshake and the records. */
static const uint8_t magic[MAGIC_LEN] = {'c', 'k', 'p', 't', 'c', 'h', 0, 1};
static const uint8_t refusal[MAGIC_LEN] = {'c', 'k', 'p', 't', 'n', 'o', 0, 1};

/* What a peer that cannot be let in is told: nothing but that. */
static int peer_refused(struct ckpt_err *err)
{
    return ckpt_err_set(err, EACCES,
                        "the peer does not know the key, or it belongs to "
                        "another job, epoch or pool");
}

/* sodium_init() locks and asks the kernel; once is enough, and the flag keeps
 * signal handlers away from its lock. */
static int start_sodium(struct ckpt_err *err)
{
    static atomic_bool ready;

    if (atomic_load(&ready))
        return 0;
    if (sodium_init() < 0)
        return ckpt_err_set(err, ENOSYS, "libsodium cannot be initialised");
    atomic_store(&ready, true);
    return 0;
}

/* libsodium asks the processor once; a program restarted on another machine
 * must look again. */
static bool aes_here(void)
{
    unsigned a, b, c, d;

    return crypto_aead_aes256gcm_is_available() &&
           __get_cpuid(1, &a, &b, &c, &d) && (c & bit_AES) && (c & bit_PCLMUL);
}

static uint8_t our_ciphers(void)
{
    return aes_here() ? CIPHER_CHACHA | CIPHER_AES : CIPHER_CHACHA;
}

static int draw_secret(uint8_t *secret, struct ckpt_err *err)
{
    size_t done = 0;

    while (done < CKPT_NOISE_KEY_LEN) {
        long n = ckpt_sys(SYS_getrandom, secret + done,
                          CKPT_NOISE_KEY_LEN - done, 0);
        if (n < 0 && n != -EINTR)
            return ckpt_err_set(err, (int)-n, "getrandom failed");
        if (n > 0)
            done += (size_t)n;
    }
    return 0;
}

static int begin(struct ckpt_channel *channel, int fd, const uint8_t *psk,
                 const void *prologue, size_t prologue_len,
                 struct ckpt_err *err)
{
    uint8_t bound[MAGIC_LEN + CKPT_CHANNEL_PROLOGUE_MAX];
    uint8_t secret[CKPT_NOISE_KEY_LEN];
    int one = 1;

    /* Only the head of the structure: its buffers are 400 KB. */
    memset(channel, 0, offsetof(struct ckpt_channel, in));
    channel->fd = -1;
    if (prologue_len > CKPT_CHANNEL_PROLOGUE_MAX)
        return ckpt_err_set(err, EINVAL, "prologue is too long");
    if (start_sodium(err) || draw_secret(secret, err))
        return -1;
    channel->fd = fd;
    channel->timeout_ms = -1;
    memcpy(bound, magic, MAGIC_LEN);
    memcpy(bound + MAGIC_LEN, prologue, prologue_len);
    ckpt_noise_start(&channel->noise, psk, bound, MAGIC_LEN + prologue_len,
                     secret);
    sodium_memzero(secret, sizeof secret);
    /* Fails on sockets that are not TCP, where it is not needed. */
    ckpt_sys(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return 0;
}

/* Both messages are exchanged: derive the keys of the records. */
static void derive(struct ckpt_channel *channel, bool initiator, uint8_t cipher)
{
    uint8_t to[CKPT_NOISE_KEY_LEN];
    uint8_t from[CKPT_NOISE_KEY_LEN];

    ckpt_noise_split(&channel->noise, initiator ? to : from,
                     initiator ? from : to);
    ckpt_record_key_init(&channel->tx, to, cipher == CIPHER_AES);
    ckpt_record_key_init(&channel->rx, from, cipher == CIPHER_AES);
    sodium_memzero(to, sizeof to);
    sodium_memzero(from, sizeof from);
    sodium_memzero(&channel->noise, sizeof channel->noise);
}

/* A hello or a refusal fits the empty buffer of a new connection; if not, the
 * peer is not one to wait for. */
static int send_now(int fd, const void *data, size_t len, struct ckpt_err *err)
{
    long n;

    do
        n = ckpt_sys(SYS_sendto, fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT, 0,
                     0);
    while (n == -EINTR);
    if (n == (long)len)
        return 0;
    return ckpt_err_set(err, n < 0 ? (int)-n : ECONNRESET,
                        "sending the handshake failed");
}

/* --- the responder ------------------------------------------------------ */

int ckpt_channel_accept_start(struct ckpt_channel *channel, int fd,
                              const uint8_t *psk, const void *prologue,
                              size_t prologue_len, struct ckpt_err *err)
{
    if (begin(channel, fd, psk, prologue, prologue_len, err))
        return -1;
    channel->state = CHANNEL_WAIT_FIRST;
    return 0;
}

static int refuse(struct ckpt_channel *channel, struct ckpt_err *err)
{
    uint8_t hello[HELLO_LEN] = {0};

    memcpy(hello, refusal, MAGIC_LEN);
    send_now(channel->fd, hello, sizeof hello, NULL);
    return peer_refused(err);
}

static int answer_first(struct ckpt_channel *channel, struct ckpt_err *err)
{
    const uint8_t *hello = channel->in + channel->in_at;
    uint8_t payload[PAYLOAD_LEN];
    uint8_t answer[HELLO_LEN];

    if (memcmp(hello, magic, MAGIC_LEN) != 0)
        return ckpt_err_set(err, EPROTO,
                            "the peer does not speak this protocol");
    if (ckpt_noise_read_first(&channel->noise, hello + MAGIC_LEN, NOISE_LEN,
                              payload))
        return refuse(channel, err);
    channel->in_at += HELLO_LEN;
    uint8_t both = payload[0] & our_ciphers();
    if (both == 0)
        return ckpt_err_set(err, EPROTO, "no cipher in common");
    memset(payload, 0, sizeof payload);
    payload[0] = both & CIPHER_AES ? CIPHER_AES : CIPHER_CHACHA;
    memcpy(answer, magic, MAGIC_LEN);
    if (ckpt_noise_write_second(&channel->noise, payload, sizeof payload,
                                answer + MAGIC_LEN))
        return refuse(channel, err);
    derive(channel, false, payload[0]);
    channel->state = CHANNEL_WAIT_CONFIRM;
    return send_now(channel->fd, answer, sizeof answer, err);
}

/* 1: the peer has proved that it holds the keys. */
static int check_confirm(struct ckpt_channel *channel, struct ckpt_err *err)
{
    const uint8_t *wire = channel->in + channel->in_at;
    enum ckpt_record_type type;
    size_t len;
    uint8_t none[1];

    if (channel->in_end - channel->in_at < CKPT_RECORD_OVERHEAD)
        return 0;
    if (ckpt_record_head(wire, &type, &len) || type != CKPT_RECORD_CONFIRM ||
        ckpt_record_open(&channel->rx, wire, len, none))
        return ckpt_err_set(err, EACCES,
                            "the peer did not confirm the handshake");
    channel->in_at += CKPT_RECORD_OVERHEAD;
    channel->state = CHANNEL_OPEN;
    return 1;
}

static int accept_advance(struct ckpt_channel *channel, struct ckpt_err *err)
{
    if (channel->state == CHANNEL_WAIT_FIRST) {
        if (channel->in_end < HELLO_LEN)
            return 0;
        if (answer_first(channel, err))
            return -1;
    }
    return check_confirm(channel, err);
}

int ckpt_channel_accept_step(struct ckpt_channel *channel, struct ckpt_err *err)
{
    int rc = 0;

    while (rc == 0) {
        ssize_t n = ckpt_channel_fill(channel, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0)
            rc = ckpt_err_sys(err, "receiving the handshake");
        else if (n == 0)
            rc = ckpt_err_set(err, ECONNRESET,
                              "the peer went away in the handshake");
        else
            rc = accept_advance(channel, err);
    }
    if (rc < 0) {
        int errnum = errno;
        ckpt_channel_wipe(channel);
        errno = errnum;
    }
    return rc;
}

int ckpt_channel_accept(struct ckpt_channel *channel, int fd,
                        const uint8_t *psk, const void *prologue,
                        size_t prologue_len, int timeout_ms,
                        struct ckpt_err *err)
{
    int64_t deadline = ckpt_channel_deadline(timeout_ms);
    int rc;

    if (ckpt_channel_accept_start(channel, fd, psk, prologue, prologue_len,
                                  err))
        return -1;
    while ((rc = ckpt_channel_accept_step(channel, err)) == 0) {
        if (ckpt_channel_wait(fd, POLLIN, deadline)) {
            ckpt_channel_wipe(channel);
            return ckpt_err_set(err, ETIMEDOUT, "the handshake took too long");
        }
    }
    return rc < 0 ? -1 : 0;
}

/* --- the initiator ------------------------------------------------------ */

static int send_first(struct ckpt_channel *channel, struct ckpt_err *err)
{
    uint8_t hello[HELLO_LEN];
    uint8_t payload[PAYLOAD_LEN] = {our_ciphers()};

    memcpy(hello, magic, MAGIC_LEN);
    if (ckpt_noise_write_first(&channel->noise, payload, sizeof payload,
                               hello + MAGIC_LEN))
        return peer_refused(err);
    return send_now(channel->fd, hello, sizeof hello, err);
}

static int receive_hello(struct ckpt_channel *channel, int64_t deadline,
                         struct ckpt_err *err)
{
    while (channel->in_end < HELLO_LEN) {
        ssize_t n = ckpt_channel_fill(channel, MSG_DONTWAIT);
        if (n == 0)
            return ckpt_err_set(err, ECONNRESET,
                                "the peer went away in the handshake");
        if (n < 0 && errno != EAGAIN)
            return ckpt_err_sys(err, "receiving the handshake");
        if (n < 0 && ckpt_channel_wait(channel->fd, POLLIN, deadline))
            return ckpt_err_set(err, ETIMEDOUT,
                                "the peer did not answer the handshake");
    }
    return 0;
}

static int read_second(struct ckpt_channel *channel, struct ckpt_err *err)
{
    const uint8_t *hello = channel->in;
    uint8_t payload[PAYLOAD_LEN];

    if (memcmp(hello, refusal, MAGIC_LEN) == 0)
        return peer_refused(err);
    if (memcmp(hello, magic, MAGIC_LEN) != 0)
        return ckpt_err_set(err, EPROTO,
                            "the peer does not speak this protocol");
    if (ckpt_noise_read_second(&channel->noise, hello + MAGIC_LEN, NOISE_LEN,
                               payload))
        return peer_refused(err);
    channel->in_at = HELLO_LEN;
    if (payload[0] != CIPHER_CHACHA &&
        !(payload[0] == CIPHER_AES && aes_here()))
        return ckpt_err_set(err, EPROTO, "the peer chose an unknown cipher");
    derive(channel, true, payload[0]);
    return 0;
}

static int send_confirm(struct ckpt_channel *channel, struct ckpt_err *err)
{
    uint8_t wire[CKPT_RECORD_OVERHEAD];
    size_t len =
        ckpt_record_seal(&channel->tx, CKPT_RECORD_CONFIRM, wire, 0, wire);

    return send_now(channel->fd, wire, len, err);
}

int ckpt_channel_connect(struct ckpt_channel *channel, int fd,
                         const uint8_t *psk, const void *prologue,
                         size_t prologue_len, int timeout_ms,
                         struct ckpt_err *err)
{
    int64_t deadline = ckpt_channel_deadline(timeout_ms);

    if (begin(channel, fd, psk, prologue, prologue_len, err))
        return -1;
    if (send_first(channel, err) || receive_hello(channel, deadline, err) ||
        read_second(channel, err) || send_confirm(channel, err)) {
        int errnum = errno;
        ckpt_channel_wipe(channel);
        errno = errnum;
        return -1;
    }
    channel->state = CHANNEL_OPEN;
    return 0;
}
