/* serve_impl.h - the inside of a daemon's loop; only serve.c and serve_conn.c
 *
 *     struct ckpt_serve
 *       listening socket, watches[]      asked with poll(): a few
 *       epoll       of all connections:  many, most of them silent
 *       conns[]     pending (handshake) or open (an rpc server each)
 *       pending[]   those of them that shake hands, oldest first
 *       touched     list of those to look at before the next wait: they have
 *                   ended, have calls in their buffers, or wait for others
 *                   events than before
 *
 * A step costs what the connections that have something to say cost.
 *
 * Connections and watches are removed only at the end of a step, so that no
 * callback pulls the ground from under the loop.
 */
#ifndef CKPT_PROTO_SERVE_IMPL_H
#define CKPT_PROTO_SERVE_IMPL_H

#include "lib/proto/dial.h"
#include "lib/proto/serve.h"

#include <stdbool.h>
#include <stdint.h>

struct ckpt_serve_conn {
    struct ckpt_serve *serve;
    struct ckpt_channel *channel;
    struct ckpt_rpc_server *rpc; /* NULL while the handshake is pending */
    unsigned at;                 /* in conns[] */
    short events;                /* what epoll was told to wait for */
    bool watched;                /* by epoll */
    bool touched;                /* in the list */
    struct ckpt_serve_conn *next_touched;
    int64_t deadline; /* of the handshake */
    int64_t patience; /* when it gives way to others who wait */
    void *data;
    bool ended;
    int errnum; /* why it ended; 0: the peer or we said good-bye */
    struct ckpt_err why;
    char peer[CKPT_ADDR_MAX];
};

struct watch {
    int fd; /* -1: to be removed */
    short events;
    ckpt_serve_fn *fn;
    void *arg;
};

struct ckpt_serve {
    struct ckpt_serve_config config;
    int listener;
    int epoll;
    uint16_t port;
    struct ckpt_serve_conn **conns; /* room for config.conns */
    unsigned conn_count;
    struct ckpt_serve_conn *pending[CKPT_SERVE_PENDING_MAX + 1];
    unsigned pending_count;
    struct ckpt_serve_conn *touched;
    struct watch *watches;
    unsigned watch_count, watch_size;
    struct pollfd *polls; /* listener, epoll, watches */
    unsigned poll_size;
    int64_t accept_after; /* out of descriptors or memory: not before */
};

/* Milliseconds on the monotonic clock. */
int64_t ckpt_serve_now_ms(void);

/* Is there a place for another connection? */
bool ckpt_serve_has_room(const struct ckpt_serve *serve);
void ckpt_serve_accept(struct ckpt_serve *serve);

/* The socket has something for us, or there is more in the buffers. */
void ckpt_serve_conn_step(struct ckpt_serve_conn *conn);
/* Handshakes that have taken too long. */
void ckpt_serve_pending_step(struct ckpt_serve *serve);
/* Before a wait: tell epoll what is new.  True when a connection has calls
 * left in its buffers, and there is nothing to wait for. */
bool ckpt_serve_conns_ready(struct ckpt_serve *serve);
/* Serve those that have calls left in their buffers. */
void ckpt_serve_conns_buffered(struct ckpt_serve *serve);
/* At the end of a step: remove those that have ended. */
void ckpt_serve_conns_bury(struct ckpt_serve *serve);
void ckpt_serve_conns_end(struct ckpt_serve *serve);

#endif
