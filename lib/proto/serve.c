/* serve.c - see serve.h
 *
 *     struct ckpt_serve
 *       listening socket
 *       conns[]    pending (handshake) or open (an rpc server each)
 *       watches[]  descriptors of the daemon
 *
 * Connections and watches are removed only at the end of a step, so that no
 * callback pulls the ground from under the loop.
 */
#include "lib/proto/serve.h"

#include "lib/proto/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* When accept() fails for want of something, a readable listener would make
 * the loop spin. */
enum { ACCEPT_PAUSE_MS = 200 };

struct ckpt_serve_conn {
    struct ckpt_serve *serve;
    struct ckpt_channel *channel;
    struct ckpt_rpc_server *rpc; /* NULL while the handshake is pending */
    int64_t deadline;            /* of the handshake */
    int64_t patience;            /* when it gives way to others who wait */
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
    uint16_t port;
    struct ckpt_serve_conn **conns; /* room for config.conns */
    unsigned conn_count;
    struct watch *watches;
    unsigned watch_count, watch_size;
    struct pollfd *polls; /* listener, connections, watches */
    unsigned poll_size;
    int64_t accept_after; /* out of descriptors or memory: not before */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- connections ---------------------------------------------------------- */

static unsigned pending_count(const struct ckpt_serve *serve)
{
    unsigned n = 0;

    for (unsigned i = 0; i < serve->conn_count; i++)
        n += !serve->conns[i]->rpc && !serve->conns[i]->ended;
    return n;
}

/* All places for handshakes are taken: the first one that has had its time. */
static struct ckpt_serve_conn *who_gives_way(const struct ckpt_serve *serve)
{
    int64_t now = now_ms();

    for (unsigned i = 0; i < serve->conn_count; i++) {
        struct ckpt_serve_conn *conn = serve->conns[i];
        if (!conn->rpc && !conn->ended && now >= conn->patience)
            return conn;
    }
    return NULL;
}

static bool has_room(const struct ckpt_serve *serve)
{
    return now_ms() >= serve->accept_after &&
           serve->conn_count < serve->config.conns &&
           (pending_count(serve) < CKPT_SERVE_PENDING_MAX ||
            who_gives_way(serve));
}

static void end_conn(struct ckpt_serve_conn *conn, int errnum)
{
    conn->ended = true;
    conn->errnum = errnum;
}

static void free_conn(struct ckpt_serve_conn *conn)
{
    if (!conn)
        return;
    if (conn->channel)
        ckpt_channel_wipe(conn->channel);
    free(conn->channel);
    free(conn);
}

static struct ckpt_serve_conn *new_conn(struct ckpt_serve *serve, int fd)
{
    const struct ckpt_serve_key *key = &serve->config.key;
    struct ckpt_serve_conn *conn = calloc(1, sizeof *conn);

    if (!conn || !(conn->channel = calloc(1, ckpt_channel_size())) ||
        ckpt_channel_accept_start(conn->channel, fd, key->psk, key->prologue,
                                  key->prologue_len, NULL)) {
        free_conn(conn);
        return NULL;
    }
    conn->serve = serve;
    conn->deadline = now_ms() + CKPT_SERVE_HELLO_MS;
    conn->patience = now_ms() + CKPT_SERVE_SILENT_MS;
    ckpt_addr_of_peer(fd, conn->peer);
    return conn;
}

/* The descriptor is kept apart: a failed handshake forgets it. */
static void give_up(struct ckpt_serve_conn *conn, const char *why)
{
    int fd = ckpt_channel_fd(conn->channel);

    ckpt_err_set(&conn->why, ETIMEDOUT, "%s", why);
    end_conn(conn, ETIMEDOUT);
    ckpt_channel_wipe(conn->channel);
    close(fd);
}

static void make_room(struct ckpt_serve *serve)
{
    struct ckpt_serve_conn *conn = who_gives_way(serve);

    if (pending_count(serve) >= CKPT_SERVE_PENDING_MAX && conn)
        give_up(conn, "the handshake gave way to the next one");
}

static void accept_conns(struct ckpt_serve *serve)
{
    while (has_room(serve)) {
        int fd =
            accept4(serve->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct ckpt_serve_conn *conn = fd < 0 ? NULL : new_conn(serve, fd);
        if (!conn) {
            if (fd >= 0)
                close(fd);
            else if (errno == EAGAIN || errno == ECONNABORTED)
                return;
            serve->accept_after = now_ms() + ACCEPT_PAUSE_MS;
            return;
        }
        make_room(serve); /* only for one that is there */
        serve->conns[serve->conn_count++] = conn;
    }
}

static void open_conn(struct ckpt_serve_conn *conn)
{
    const struct ckpt_serve_config *config = &conn->serve->config;

    conn->rpc = ckpt_rpc_server(conn->channel, config->prog, config->vers,
                                config->dispatch, conn, &conn->why);
    if (!conn->rpc) {
        end_conn(conn, errno);
        return;
    }
    ckpt_rpc_server_set_admit(conn->rpc, config->admit);
    if (config->opened)
        conn->data = config->opened(conn, config->daemon);
}

static void serve_conn(struct ckpt_serve_conn *conn)
{
    int rc = ckpt_rpc_server_step(conn->rpc, &conn->why);

    if (rc <= 0)
        end_conn(conn, rc < 0 ? errno : 0);
}

static void shake_hands(struct ckpt_serve_conn *conn)
{
    int fd = ckpt_channel_fd(conn->channel);
    int rc = ckpt_channel_accept_step(conn->channel, &conn->why);

    if (rc == 1) {
        open_conn(conn);
    } else if (rc < 0) {
        end_conn(conn, errno);
        close(fd);
    } else if (now_ms() >= conn->deadline) {
        give_up(conn, "the handshake took too long");
    }
}

/* Out of the daemon's sight, then gone. */
static void bury_conn(struct ckpt_serve_conn *conn)
{
    const struct ckpt_serve_config *config = &conn->serve->config;

    ckpt_rpc_server_destroy(conn->rpc);
    errno = conn->errnum;
    if (conn->rpc && config->closed)
        config->closed(conn, config->daemon, conn->errnum ? &conn->why : NULL);
    else if (!conn->rpc && conn->errnum && config->refused)
        config->refused(config->daemon, conn->peer, &conn->why);
    ckpt_channel_close(conn->channel);
    free_conn(conn);
}

static void remove_ended(struct ckpt_serve *serve)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < serve->conn_count; i++) {
        struct ckpt_serve_conn *conn = serve->conns[i];
        if (!conn->ended)
            serve->conns[kept++] = conn;
        else
            bury_conn(conn);
    }
    serve->conn_count = kept;
}

/* --- the step ------------------------------------------------------------- */

static bool conn_pending(const struct ckpt_serve_conn *conn)
{
    return conn->rpc && !conn->ended && ckpt_rpc_server_pending(conn->rpc);
}

static struct pollfd poll_conn(const struct ckpt_serve_conn *conn)
{
    return (struct pollfd){
        .fd = conn->ended ? -1 : ckpt_channel_fd(conn->channel),
        .events = conn->rpc ? ckpt_rpc_server_events(conn->rpc) : POLLIN,
    };
}

static int grow_polls(struct ckpt_serve *serve, unsigned count)
{
    if (count <= serve->poll_size)
        return 0;
    struct pollfd *polls = realloc(serve->polls, 2 * count * sizeof *polls);
    if (!polls)
        return -1;
    serve->polls = polls;
    serve->poll_size = 2 * count;
    return 0;
}

static int fill_polls(struct ckpt_serve *serve)
{
    struct pollfd *p;

    if (grow_polls(serve, 1 + serve->conn_count + serve->watch_count))
        return -1;
    p = serve->polls;
    *p++ = (struct pollfd){
        .fd = has_room(serve) ? serve->listener : -1,
        .events = POLLIN,
    };
    for (unsigned i = 0; i < serve->conn_count; i++)
        *p++ = poll_conn(serve->conns[i]);
    for (unsigned i = 0; i < serve->watch_count; i++)
        *p++ = (struct pollfd){
            .fd = serve->watches[i].fd,
            .events = serve->watches[i].events,
        };
    return 0;
}

/* Handshakes have deadlines; buffered calls do not wait at all. */
static int shorten(const struct ckpt_serve *serve, int timeout_ms)
{
    int64_t now = now_ms();
    int64_t wait = timeout_ms < 0 ? INT32_MAX : timeout_ms;
    bool full = pending_count(serve) >= CKPT_SERVE_PENDING_MAX;

    if (serve->accept_after > now && serve->accept_after - now < wait)
        wait = serve->accept_after - now;
    for (unsigned i = 0; i < serve->conn_count; i++) {
        const struct ckpt_serve_conn *conn = serve->conns[i];
        if (conn->ended || conn_pending(conn))
            return 0;
        if (!conn->rpc && conn->deadline - now < wait)
            wait = conn->deadline > now ? conn->deadline - now : 0;
        /* Others may be waiting for its place. */
        if (!conn->rpc && full && conn->patience > now &&
            conn->patience - now < wait)
            wait = conn->patience - now;
    }
    return timeout_ms < 0 && wait == INT32_MAX ? -1 : (int)wait;
}

static void step_conns(struct ckpt_serve *serve, const struct pollfd *polls,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct ckpt_serve_conn *conn = serve->conns[i];
        if (conn->ended)
            continue;
        if (!conn->rpc && (polls[i].revents || now_ms() >= conn->deadline)) {
            if (polls[i].revents) /* it speaks */
                conn->patience =
                    conn->deadline - CKPT_SERVE_HELLO_MS + CKPT_SERVE_SLOW_MS;
            shake_hands(conn);
        } else if (conn->rpc && (polls[i].revents || conn_pending(conn)))
            serve_conn(conn);
    }
}

static void step_watches(struct ckpt_serve *serve, const struct pollfd *polls,
                         unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct watch watch = serve->watches[i];
        if (polls[i].revents && watch.fd == polls[i].fd && watch.fd >= 0)
            watch.fn(watch.fd, polls[i].revents, watch.arg);
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < serve->watch_count; i++)
        if (serve->watches[i].fd >= 0)
            serve->watches[kept++] = serve->watches[i];
    serve->watch_count = kept;
}

int ckpt_serve_step(struct ckpt_serve *serve, int timeout_ms)
{
    if (fill_polls(serve))
        return -1;
    unsigned conns = serve->conn_count;
    unsigned watches = serve->watch_count;
    int n = poll(serve->polls, 1 + conns + watches, shorten(serve, timeout_ms));
    if (n < 0)
        return errno == EINTR ? 0 : -1;
    step_conns(serve, serve->polls + 1, conns);
    step_watches(serve, serve->polls + 1 + conns, watches);
    remove_ended(serve);
    if (serve->polls[0].revents)
        accept_conns(serve);
    return 0;
}

/* --- watches -------------------------------------------------------------- */

int ckpt_serve_watch(struct ckpt_serve *serve, int fd, short events,
                     ckpt_serve_fn *fn, void *arg)
{
    struct watch watch = {fd, events, fn, arg};

    for (unsigned i = 0; i < serve->watch_count; i++) {
        if (serve->watches[i].fd == fd) {
            serve->watches[i] = watch;
            return 0;
        }
    }
    if (serve->watch_count == serve->watch_size) {
        unsigned size = serve->watch_size ? 2 * serve->watch_size : 8;
        struct watch *watches = realloc(serve->watches, size * sizeof *watches);
        if (!watches)
            return -1;
        serve->watches = watches;
        serve->watch_size = size;
    }
    serve->watches[serve->watch_count++] = watch;
    return 0;
}

void ckpt_serve_unwatch(struct ckpt_serve *serve, int fd)
{
    for (unsigned i = 0; i < serve->watch_count; i++)
        if (serve->watches[i].fd == fd)
            serve->watches[i].fd = -1;
}

/* --- life ------------------------------------------------------------------
 */

struct ckpt_serve *ckpt_serve_create(const struct ckpt_serve_config *config,
                                     struct ckpt_err *err)
{
    struct ckpt_serve *serve = calloc(1, sizeof *serve);

    if (!serve) {
        ckpt_err_set(err, ENOMEM, "no memory for the server");
        return NULL;
    }
    serve->config = *config;
    if (serve->config.conns == 0)
        serve->config.conns = CKPT_SERVE_CONNS_MAX;
    serve->conns = calloc(serve->config.conns, sizeof(*serve->conns));
    if (!serve->conns) {
        free(serve);
        ckpt_err_set(err, ENOMEM, "no memory for the server");
        return NULL;
    }
    serve->listener =
        ckpt_proto_listen(config->host, config->port, &serve->port, err);
    if (serve->listener < 0) {
        free(serve->conns);
        free(serve);
        return NULL;
    }
    return serve;
}

void ckpt_serve_destroy(struct ckpt_serve *serve)
{
    if (!serve)
        return;
    close(serve->listener);
    for (unsigned i = 0; i < serve->conn_count; i++)
        end_conn(serve->conns[i], 0);
    remove_ended(serve);
    free(serve->conns);
    free(serve->polls);
    free(serve->watches);
    free(serve);
}

uint16_t ckpt_serve_port(const struct ckpt_serve *serve)
{
    return serve->port;
}

unsigned ckpt_serve_conns(const struct ckpt_serve *serve)
{
    unsigned n = 0;

    while (ckpt_serve_conn_at(serve, n))
        n++;
    return n;
}

void ckpt_serve_set_key(struct ckpt_serve *serve,
                        const struct ckpt_serve_key *key)
{
    serve->config.key = *key;
}

struct ckpt_serve_conn *ckpt_serve_conn_at(const struct ckpt_serve *serve,
                                           unsigned n)
{
    for (unsigned i = 0; i < serve->conn_count; i++) {
        struct ckpt_serve_conn *conn = serve->conns[i];
        if (conn->rpc && !conn->ended && n-- == 0)
            return conn;
    }
    return NULL;
}

struct ckpt_serve_conn *ckpt_serve_conn_of(struct svc_req *req)
{
    return ckpt_rpc_context(req);
}

void *ckpt_serve_data(const struct ckpt_serve_conn *conn)
{
    return conn->data;
}

void ckpt_serve_set_data(struct ckpt_serve_conn *conn, void *data)
{
    conn->data = data;
}

const char *ckpt_serve_peer(const struct ckpt_serve_conn *conn)
{
    return conn->peer;
}

void *ckpt_serve_daemon(const struct ckpt_serve_conn *conn)
{
    return conn->serve->config.daemon;
}

void ckpt_serve_drop(struct ckpt_serve_conn *conn)
{
    if (conn->ended)
        return;
    if (conn->rpc)
        ckpt_rpc_server_stop(conn->rpc);
    end_conn(conn, 0);
}
