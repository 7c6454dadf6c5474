/* serve_conn.c - the connections of a daemon's loop; see serve_impl.h */
#include "lib/proto/serve_impl.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* When accept() fails for want of something, a readable listener would make
 * the loop spin. */
enum { ACCEPT_PAUSE_MS = 200 };

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT,
               "poll's events are those of epoll");

/* --- the list of those to look at ------------------------------------------
 */

static void touch(struct ckpt_serve_conn *conn)
{
    if (conn->touched)
        return;
    conn->touched = true;
    conn->next_touched = conn->serve->touched;
    conn->serve->touched = conn;
}

static void rpc_touched(void *context)
{
    touch(context);
}

static void end_conn(struct ckpt_serve_conn *conn, int errnum)
{
    conn->ended = true;
    conn->errnum = errnum;
    touch(conn);
}

/* --- what epoll waits for --------------------------------------------------
 */

static int wait_for(struct ckpt_serve_conn *conn, short events)
{
    struct epoll_event ev = {.events = (uint32_t)events, .data.ptr = conn};
    int op = conn->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (conn->watched && conn->events == events)
        return 0;
    if (epoll_ctl(conn->serve->epoll, op, ckpt_channel_fd(conn->channel), &ev) <
        0)
        return -1;
    conn->watched = true;
    conn->events = events;
    return 0;
}

/* Before its descriptor is closed: a child that was just forked may still
 * hold it, and epoll would go on watching. */
static void wait_no_more(struct ckpt_serve_conn *conn, int fd)
{
    if (conn->watched)
        epoll_ctl(conn->serve->epoll, EPOLL_CTL_DEL, fd, NULL);
    conn->watched = false;
}

/* --- handshakes ------------------------------------------------------------
 */

static void pending_remove(struct ckpt_serve_conn *conn)
{
    struct ckpt_serve *serve = conn->serve;
    unsigned kept = 0;

    for (unsigned i = 0; i < serve->pending_count; i++)
        if (serve->pending[i] != conn)
            serve->pending[kept++] = serve->pending[i];
    serve->pending_count = kept;
}

/* All places for handshakes are taken: the first one that has had its time. */
static struct ckpt_serve_conn *who_gives_way(const struct ckpt_serve *serve)
{
    int64_t now = ckpt_serve_now_ms();

    for (unsigned i = 0; i < serve->pending_count; i++)
        if (now >= serve->pending[i]->patience)
            return serve->pending[i];
    return NULL;
}

bool ckpt_serve_has_room(const struct ckpt_serve *serve)
{
    return serve->conn_count < serve->config.conns &&
           (serve->accept_after == 0 ||
            ckpt_serve_now_ms() >= serve->accept_after) &&
           (serve->pending_count < CKPT_SERVE_PENDING_MAX ||
            who_gives_way(serve));
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
    if (wait_for(conn, POLLIN) < 0) {
        free_conn(conn);
        return NULL;
    }
    conn->deadline = ckpt_serve_now_ms() + CKPT_SERVE_HELLO_MS;
    conn->patience = ckpt_serve_now_ms() + CKPT_SERVE_SILENT_MS;
    ckpt_addr_of_peer(fd, conn->peer);
    return conn;
}

/* A handshake that came to nothing. */
static void refuse(struct ckpt_serve_conn *conn, int fd, int errnum)
{
    pending_remove(conn);
    end_conn(conn, errnum);
    wait_no_more(conn, fd);
    ckpt_channel_wipe(conn->channel);
    close(fd);
}

static void give_up(struct ckpt_serve_conn *conn, const char *why)
{
    ckpt_err_set(&conn->why, ETIMEDOUT, "%s", why);
    refuse(conn, ckpt_channel_fd(conn->channel), ETIMEDOUT);
}

static void make_room(struct ckpt_serve *serve)
{
    struct ckpt_serve_conn *conn = who_gives_way(serve);

    if (serve->pending_count >= CKPT_SERVE_PENDING_MAX && conn)
        give_up(conn, "the handshake gave way to the next one");
}

static void keep_conn(struct ckpt_serve *serve, struct ckpt_serve_conn *conn)
{
    serve->pending[serve->pending_count++] = conn;
    conn->at = serve->conn_count;
    serve->conns[serve->conn_count++] = conn;
}

void ckpt_serve_accept(struct ckpt_serve *serve)
{
    serve->accept_after = 0;
    while (ckpt_serve_has_room(serve)) {
        int fd =
            accept4(serve->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct ckpt_serve_conn *conn = fd < 0 ? NULL : new_conn(serve, fd);
        if (!conn) {
            if (fd >= 0)
                close(fd);
            else if (errno == EAGAIN || errno == ECONNABORTED)
                return;
            serve->accept_after = ckpt_serve_now_ms() + ACCEPT_PAUSE_MS;
            return;
        }
        make_room(serve); /* only for one that is there */
        keep_conn(serve, conn);
    }
}

static void open_conn(struct ckpt_serve_conn *conn)
{
    const struct ckpt_serve_config *config = &conn->serve->config;

    pending_remove(conn);
    touch(conn); /* its first calls may have come with the handshake */
    conn->rpc = ckpt_rpc_server(conn->channel, config->prog, config->vers,
                                config->dispatch, conn, &conn->why);
    if (!conn->rpc) {
        end_conn(conn, errno);
        return;
    }
    ckpt_rpc_server_set_admit(conn->rpc, config->admit);
    ckpt_rpc_server_set_touched(conn->rpc, rpc_touched);
    if (config->opened)
        conn->data = config->opened(conn, config->daemon);
}

static void shake_hands(struct ckpt_serve_conn *conn)
{
    int fd = ckpt_channel_fd(conn->channel);
    int rc = ckpt_channel_accept_step(conn->channel, &conn->why);

    if (rc == 1 && conn->serve->config.key.plain)
        ckpt_channel_go_plain(conn->channel);
    if (rc == 1)
        ckpt_channel_stay_awake(conn->channel, conn->serve->config.looks);
    if (rc == 1)
        open_conn(conn);
    else if (rc < 0)
        refuse(conn, fd, errno);
    else if (ckpt_serve_now_ms() >= conn->deadline)
        give_up(conn, "the handshake took too long");
}

/* Those that are over time are taken out of the array by it. */
void ckpt_serve_pending_step(struct ckpt_serve *serve)
{
    int64_t now = serve->pending_count ? ckpt_serve_now_ms() : 0;

    for (unsigned i = serve->pending_count; i > 0; i--)
        if (now >= serve->pending[i - 1]->deadline)
            shake_hands(serve->pending[i - 1]);
}

/* --- open connections ------------------------------------------------------
 */

static void serve_conn(struct ckpt_serve_conn *conn)
{
    int rc = ckpt_rpc_server_step(conn->rpc, &conn->why);

    touch(conn);
    if (rc <= 0 && !conn->ended)
        end_conn(conn, rc < 0 ? errno : 0);
}

void ckpt_serve_conn_step(struct ckpt_serve_conn *conn)
{
    if (conn->ended)
        return;
    if (conn->rpc) {
        serve_conn(conn);
        return;
    }
    /* it speaks */
    conn->patience = conn->deadline - CKPT_SERVE_HELLO_MS + CKPT_SERVE_SLOW_MS;
    shake_hands(conn);
}

/* What has ended stays in the list until it is buried. */
bool ckpt_serve_conns_ready(struct ckpt_serve *serve)
{
    struct ckpt_serve_conn *list = serve->touched;
    bool buffered = false;

    serve->touched = NULL;
    for (struct ckpt_serve_conn *conn = list, *next; conn; conn = next) {
        next = conn->next_touched;
        conn->touched = false;
        if (!conn->ended && conn->rpc &&
            wait_for(conn, ckpt_rpc_server_events(conn->rpc)) < 0) {
            ckpt_err_sys(&conn->why, "waiting for a connection");
            end_conn(conn, errno);
        }
        if (conn->ended || (conn->rpc && ckpt_rpc_server_pending(conn->rpc))) {
            touch(conn);
            buffered = true;
        }
    }
    return buffered;
}

void ckpt_serve_conns_buffered(struct ckpt_serve *serve)
{
    struct ckpt_serve_conn *list = serve->touched;

    /* those that were served are put into a new list */
    serve->touched = NULL;
    for (struct ckpt_serve_conn *conn = list, *next; conn; conn = next) {
        next = conn->next_touched;
        conn->touched = false;
        touch(conn);
        if (!conn->ended && conn->rpc && ckpt_rpc_server_pending(conn->rpc))
            serve_conn(conn);
    }
}

/* --- the end ---------------------------------------------------------------
 */

/* Out of the daemon's sight, then gone. */
static void bury_conn(struct ckpt_serve_conn *conn)
{
    struct ckpt_serve *serve = conn->serve;
    const struct ckpt_serve_config *config = &serve->config;

    serve->conns[conn->at] = serve->conns[--serve->conn_count];
    serve->conns[conn->at]->at = conn->at;
    ckpt_rpc_server_destroy(conn->rpc);
    errno = conn->errnum;
    if (conn->rpc && config->closed)
        config->closed(conn, config->daemon, conn->errnum ? &conn->why : NULL);
    else if (!conn->rpc && conn->errnum && config->refused)
        config->refused(config->daemon, conn->peer, &conn->why);
    wait_no_more(conn, ckpt_channel_fd(conn->channel));
    ckpt_channel_close(conn->channel);
    free_conn(conn);
}

static struct ckpt_serve_conn *take_ended(struct ckpt_serve *serve)
{
    struct ckpt_serve_conn **link = &serve->touched;

    while (*link && !(*link)->ended)
        link = &(*link)->next_touched;
    struct ckpt_serve_conn *conn = *link;
    if (conn)
        *link = conn->next_touched;
    return conn;
}

/* One at a time: a callback may end others. */
void ckpt_serve_conns_bury(struct ckpt_serve *serve)
{
    struct ckpt_serve_conn *conn;

    while ((conn = take_ended(serve)))
        bury_conn(conn);
}

void ckpt_serve_conns_end(struct ckpt_serve *serve)
{
    serve->pending_count = 0;
    for (unsigned i = 0; i < serve->conn_count; i++)
        end_conn(serve->conns[i], 0);
    ckpt_serve_conns_bury(serve);
}

/* --- what daemons ask ------------------------------------------------------
 */

static bool is_open(const struct ckpt_serve_conn *conn)
{
    return conn->rpc && !conn->ended;
}

unsigned ckpt_serve_conns(const struct ckpt_serve *serve)
{
    unsigned n = 0;

    for (unsigned i = 0; i < serve->conn_count; i++)
        n += is_open(serve->conns[i]);
    return n;
}

struct ckpt_serve_conn *ckpt_serve_conn_at(const struct ckpt_serve *serve,
                                           unsigned n)
{
    for (unsigned i = 0; i < serve->conn_count; i++)
        if (is_open(serve->conns[i]) && n-- == 0)
            return serve->conns[i];
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
    else
        pending_remove(conn);
    end_conn(conn, 0);
}

/* The kernel counts. */
int ckpt_serve_traffic(const struct ckpt_serve_conn *conn, uint64_t *came,
                       uint64_t *went)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;

    if (getsockopt(ckpt_channel_fd(conn->channel), IPPROTO_TCP, TCP_INFO, &info,
                   &len))
        return -1;
    *came = info.tcpi_bytes_received;
    *went = info.tcpi_bytes_acked;
    return 0;
}
