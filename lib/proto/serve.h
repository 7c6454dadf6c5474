/* serve.h - the loop of a daemon: listen, let peers in, serve their calls
 *
 * One thread.  A connection that is silent costs no time (epoll), and some 20
 * kB.  A daemon gives the key, the dispatcher that rpcgen
 * made and a few functions, adds descriptors of its own, and calls
 * ckpt_serve_step() for ever:
 *
 *     struct ckpt_serve_config config = {
 *         .host = "127.0.0.1", .prog = NAME_PROG, .vers = NAME_V1,
 *         .dispatch = name_prog_1, .key = name_key, .closed = name_closed,
 *         .daemon = &state,
 *     };
 *     struct ckpt_serve *serve = ckpt_serve_create(&config, &err);
 *     announce(ckpt_serve_port(serve));
 *     ckpt_serve_watch(serve, signal_fd, POLLIN, on_signal, &state);
 *     while (!state.stop && ckpt_serve_step(serve, next_timer_ms(&state)) == 0)
 *         run_timers(&state);
 *     ckpt_serve_destroy(serve);
 *
 * No peer can hold up the others: handshakes go in steps, at most
 * CKPT_SERVE_PENDING_MAX at a time and CKPT_SERVE_HELLO_MS each (further
 * connections wait in the kernel's queue); replies that a peer does not read
 * are queued up to a limit, then its calls are not read.  Service procedures
 * themselves must not wait: what takes long is deferred (rpc.h).
 *
 * All functions are called from the loop's thread; callbacks may call any of
 * them but ckpt_serve_step() and ckpt_serve_destroy().
 */
#ifndef CKPT_PROTO_SERVE_H
#define CKPT_PROTO_SERVE_H

#include "lib/common/err.h"
#include "lib/proto/rpc.h"

#include <stdint.h>

enum {
    CKPT_SERVE_PENDING_MAX = 8,
    CKPT_SERVE_HELLO_MS = 5000,
    /* While others wait for a place: how long one keeps it that has said
     * nothing, and one that has. */
    CKPT_SERVE_SILENT_MS = 20,
    CKPT_SERVE_SLOW_MS = 1000,
    CKPT_SERVE_CONNS_MAX = 256, /* unless the daemon asks for more; the rest
                                   waits in the kernel's queue */
};

struct ckpt_serve;
struct ckpt_serve_conn; /* one peer that was let in */

/* What a peer must know: `psk` has CKPT_CHANNEL_KEY_LEN bytes; both pointers
 * must live as long as the daemon. */
struct ckpt_serve_key {
    const uint8_t *psk;
    const void *prologue;
    size_t prologue_len;
    bool plain; /* the channel goes plain when it is open */
};

struct ckpt_serve_config {
    const char *host; /* numeric address to listen on */
    uint16_t port;    /* 0: any */
    unsigned conns;   /* peers at a time; 0: CKPT_SERVE_CONNS_MAX */
    rpcprog_t prog;
    rpcvers_t vers;
    ckpt_rpc_dispatch *dispatch;
    void *daemon; /* handed to every function below */

    struct ckpt_serve_key key;
    unsigned looks; /* ckpt_channel_stay_awake() of every connection */

    /* All may be NULL.  `opened`: a peer was let in; what it returns is
     * ckpt_serve_data() of the connection from then on. */
    void *(*opened)(struct ckpt_serve_conn *conn, void *daemon);
    /* Before each call of an admitted peer, as in rpc.h. */
    int (*admit)(struct svc_req *req);
    /* A connection ends; `why` is NULL when the peer said good-bye or we did,
     * else errno tells too (ECONNRESET: it was cut).  Deferred requests of it
     * are no longer alive. */
    void (*closed)(struct ckpt_serve_conn *conn, void *daemon,
                   const struct ckpt_err *why);
    /* A peer was not let in (log it): errno is EACCES for one that does not
     * know the key, else see channel.h. */
    void (*refused)(void *daemon, const char *peer, const struct ckpt_err *why);
};

/* NULL with errno and err.  SIGPIPE need not be ignored. */
struct ckpt_serve *ckpt_serve_create(const struct ckpt_serve_config *config,
                                     struct ckpt_err *err);
/* Closes every connection (with an authenticated end), calling `closed`. */
void ckpt_serve_destroy(struct ckpt_serve *serve);

uint16_t ckpt_serve_port(const struct ckpt_serve *serve);
/* The number of peers that are in. */
unsigned ckpt_serve_conns(const struct ckpt_serve *serve);

/* Take another key from now on (a new epoch); connections that are open stay,
 * unless they are dropped. */
void ckpt_serve_set_key(struct ckpt_serve *serve,
                        const struct ckpt_serve_key *key);

/* Wait for something to do, no longer than timeout_ms (-1: for ever), and do
 * it.  0, or -1 with errno when poll fails. Signals end the wait. */
int ckpt_serve_step(struct ckpt_serve *serve, int timeout_ms);

/* Call fn(fd, revents, arg) when `fd` has one of `events`.  Watching a watched
 * descriptor changes it.  -1 with ENOMEM.  Unwatch before closing it. */
typedef void ckpt_serve_fn(int fd, short revents, void *arg);
int ckpt_serve_watch(struct ckpt_serve *serve, int fd, short events,
                     ckpt_serve_fn *fn, void *arg);
void ckpt_serve_unwatch(struct ckpt_serve *serve, int fd);

/* The connection a request came on; its data; its peer's address. */
struct ckpt_serve_conn *ckpt_serve_conn_of(struct svc_req *req);
void *ckpt_serve_data(const struct ckpt_serve_conn *conn);
void ckpt_serve_set_data(struct ckpt_serve_conn *conn, void *data);
const char *ckpt_serve_peer(const struct ckpt_serve_conn *conn);
/* Bytes that came from the peer, and that it has got, on the wire.  0, or -1
 * with errno. */
int ckpt_serve_traffic(const struct ckpt_serve_conn *conn, uint64_t *came,
                       uint64_t *went);
void *ckpt_serve_daemon(const struct ckpt_serve_conn *conn);

/* End a connection once the current callback is over and its replies are sent
 * as far as the socket takes them. */
void ckpt_serve_drop(struct ckpt_serve_conn *conn);

/* The n-th connection, for going through all of them; NULL after the last. */
struct ckpt_serve_conn *ckpt_serve_conn_at(const struct ckpt_serve *serve,
                                           unsigned n);

#endif
