/* channel_impl.h - the inside of a channel; only channel.c and handshake.c
 *
 *     in:   | plain of an opened record | sealed, complete or not |  free |
 *             plain_at        plain_end   in_at             in_end
 *     out:  | sent | sealed, to be sent | free |
 *                   out_at        out_end
 */
#ifndef CKPT_PROTO_CHANNEL_IMPL_H
#define CKPT_PROTO_CHANNEL_IMPL_H

#include "lib/proto/channel.h"
#include "lib/proto/noise.h"
#include "lib/proto/record.h"

enum {
    WIRE_MAX = CKPT_RECORD_PLAIN_MAX + CKPT_RECORD_OVERHEAD,
    IN_SIZE = 4 * WIRE_MAX,
    OUT_SIZE = 2 * WIRE_MAX,
};

_Static_assert((int)CKPT_CHANNEL_RECORD_MAX == (int)CKPT_RECORD_PLAIN_MAX,
               "record size");

enum channel_state {
    CHANNEL_CLOSED = 0, /* also what zeroed memory is */
    CHANNEL_WAIT_FIRST, /* responder: for the initiator's hello */
    CHANNEL_WAIT_CONFIRM,
    CHANNEL_OPEN,
    CHANNEL_ENDED,  /* the peer has sent its end; we may still write */
    CHANNEL_BROKEN, /* an error was returned; nothing more can be done */
};

struct channel_awake {
    unsigned looks;    /* that a wait begins with; 0: none */
    unsigned sleeps;   /* waits to come that do not look */
    unsigned penalty;  /* for the last one that looked in vain: so many */
    uint64_t look_tsc; /* the shortest look */
};

struct ckpt_channel {
    struct ckpt_record_key tx;
    struct ckpt_record_key rx;
    struct ckpt_noise noise; /* of the responder, until its answer is sent */
    enum channel_state state;
    int fd;
    int timeout_ms;
    struct channel_awake awake;
    bool plain; /* no records: [in_at, in_end) are the peer's bytes */
    size_t plain_at, plain_end;
    size_t in_at, in_end;
    size_t out_at, out_end;
    uint8_t in[IN_SIZE];
    uint8_t out[OUT_SIZE];
};

/* One recv() without waiting into the free end of `in`: >0, 0 at the end of
 * the stream, or -1 with errno (EAGAIN). */
ssize_t ckpt_channel_fill(struct ckpt_channel *channel, int flags);

/* channel_awake.c.  Before a wait goes to sleep: look for bytes by
 * look(channel, into), which does not sleep, as often as may pay.  What it
 * returned last; -1 with EAGAIN when there was nothing to see. */
ssize_t ckpt_channel_look(struct ckpt_channel *channel,
                          ssize_t (*look)(struct ckpt_channel *channel,
                                          const struct iovec *into),
                          const struct iovec *into);

/* Wait for `events` until `deadline` (monotonic ms, -1: for ever).  0, or -1
 * with ETIMEDOUT. */
int ckpt_channel_wait(int fd, short events, int64_t deadline);

/* The time `timeout_ms` from now; -1 for -1. */
int64_t ckpt_channel_deadline(int timeout_ms);

#endif
