/* service.c - the RPC service of a daemon; see loop.h
 *
 *     accept -> handshake (few seconds, few at a time) -> calls -> close
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/loop.h"
#include "scheduler/pool/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    HANDSHAKE_MS = 5000,
    HANDSHAKES_MAX = 64, /* begun and not finished; more wait in the backlog */
    STEPS_MAX = 8,       /* of one connection before others have their turn */
};

struct connection {
    struct listener *listener;
    struct connection *next, **link; /* among those in the handshake */
    uint64_t since_ms;
    int fd;
    struct ckpt_channel *channel;
    struct ckpt_rpc_server *server; /* NULL: still in the handshake */
};

struct listener {
    struct loop *loop;
    const struct service *service;
    int fd;
    int timer; /* ends handshakes that take too long */
    struct connection *young;
    unsigned young_count;
    bool paused;
    char prologue[128];
    size_t prologue_len;
};

static void leave_young(struct connection *c)
{
    if (!c->link)
        return;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    c->link = NULL;
    c->listener->young_count--;
    if (c->listener->paused) {
        c->listener->paused = false;
        loop_change(c->listener->loop, c->listener->fd, EPOLLIN);
    }
}

static void connection_close(struct connection *c)
{
    leave_young(c);
    loop_unwatch(c->listener->loop, c->fd);
    if (c->server) {
        ckpt_rpc_server_destroy(c->server);
        ckpt_channel_close(c->channel);
    } else {
        ckpt_channel_wipe(c->channel);
        close(c->fd);
    }
    free(c->channel);
    free(c);
}

static uint32_t to_epoll(short events)
{
    return (events & POLLIN ? (uint32_t)EPOLLIN : 0) |
           (events & POLLOUT ? (uint32_t)EPOLLOUT : 0);
}

static void connection_serve(void *arg, uint32_t events)
{
    struct connection *c = arg;
    struct ckpt_err err;

    (void)events;
    for (int i = 0; i < STEPS_MAX; i++) {
        int rc = ckpt_rpc_server_step(c->server, &err);
        if (rc < 0 && errno != ECONNRESET)
            log_line("a connection is dropped: %s", err.text);
        if (rc <= 0) {
            connection_close(c);
            return;
        }
        if (!ckpt_rpc_server_pending(c->server))
            break;
    }
    uint32_t want = to_epoll(ckpt_rpc_server_events(c->server));
    if (ckpt_rpc_server_pending(c->server))
        want |= EPOLLOUT; /* come back at once */
    loop_change(c->listener->loop, c->fd, want);
}

static void connection_open(struct connection *c)
{
    const struct service *s = c->listener->service;
    struct ckpt_err err;

    leave_young(c);
    c->server = ckpt_rpc_server(c->channel, s->prog, s->vers, s->dispatch,
                                s->context, &err);
    loop_unwatch(c->listener->loop, c->fd);
    if (!c->server || loop_watch(c->listener->loop, c->fd, EPOLLIN,
                                 connection_serve, c) < 0) {
        connection_close(c);
        return;
    }
    connection_serve(c, 0);
}

static void connection_handshake(void *arg, uint32_t events)
{
    struct connection *c = arg;
    struct ckpt_err err;

    (void)events;
    int rc = ckpt_channel_accept_step(c->channel, &err);
    if (rc > 0)
        connection_open(c);
    if (rc < 0) {
        log_line("a stranger is refused: %s", err.text);
        connection_close(c);
    }
}

static void connection_begin(struct listener *l, int fd)
{
    const struct service *s = l->service;
    struct connection *c = calloc(1, sizeof *c);
    struct ckpt_err err;

    if (c)
        c->channel = aligned_alloc(16, (ckpt_channel_size() + 15) & ~15UL);
    if (!c || !c->channel ||
        ckpt_channel_accept_start(c->channel, fd, s->pool->key, l->prologue,
                                  l->prologue_len, &err) < 0) {
        if (c)
            free(c->channel);
        free(c);
        close(fd);
        return;
    }
    c->listener = l;
    c->fd = fd;
    c->since_ms = loop_now_ms();
    c->next = l->young;
    c->link = &l->young;
    if (c->next)
        c->next->link = &c->next;
    l->young = c;
    l->young_count++;
    if (loop_watch(l->loop, fd, EPOLLIN, connection_handshake, c) < 0)
        connection_close(c);
}

static void accept_one(void *arg, uint32_t events)
{
    struct listener *l = arg;

    (void)events;
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    connection_begin(l, fd);
    if (l->young_count >= HANDSHAKES_MAX && !l->paused) {
        l->paused = true;
        loop_change(l->loop, l->fd, 0);
    }
}

static void end_late_handshakes(void *arg, uint32_t events)
{
    struct listener *l = arg;
    uint64_t count, now = loop_now_ms();

    (void)events;
    if (read(l->timer, &count, sizeof count) < 0)
        return;
    for (struct connection *c = l->young, *next; c; c = next) {
        next = c->next;
        if (now - c->since_ms > HANDSHAKE_MS)
            connection_close(c);
    }
}

static int bind_to(struct addrinfo *at, unsigned port)
{
    int one = 1;
    int fd =
        socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (at->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)at->ai_addr)->sin6_port =
            htons((uint16_t)port);
    else
        ((struct sockaddr_in *)(void *)at->ai_addr)->sin_port =
            htons((uint16_t)port);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 512) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int open_listener(const char *host, unsigned port, struct ckpt_err *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *at;

    if (getaddrinfo(host, NULL, &hints, &at) != 0)
        return ckpt_err_set(err, EINVAL, "%s: not a numeric address", host);
    int fd = bind_to(at, port);
    if (fd < 0 && port != 0)
        fd = bind_to(at, 0);
    if (fd < 0)
        ckpt_err_sys(err, "listening on %s", host);
    freeaddrinfo(at);
    return fd;
}

static int name_listener(int fd, const char *host, char *addr,
                         struct ckpt_err *err)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char port[8];

    if (getsockname(fd, (struct sockaddr *)&at, &len) < 0 ||
        getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
        return ckpt_err_sys(err, "the address on %s", host);
    const char *form = at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s";
    snprintf(addr, POOLDIR_ADDR_MAX + 1, form, host, port);
    return 0;
}

static void listener_destroy(struct listener *l)
{
    if (l->fd >= 0) {
        loop_unwatch(l->loop, l->fd);
        close(l->fd);
    }
    if (l->timer >= 0)
        close(l->timer);
    free(l);
}

int loop_serve(struct loop *loop, const struct service *service,
               const char *host, unsigned port, char *addr,
               struct ckpt_err *err)
{
    struct itimerspec second = {{1, 0}, {1, 0}};
    struct listener *l = calloc(1, sizeof *l);

    if (!l)
        return ckpt_err_sys(err, "no memory");
    l->loop = loop;
    l->service = service;
    l->prologue_len =
        peer_prologue(service->pool, l->prologue, sizeof l->prologue);
    l->fd = open_listener(host, port, err);
    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (l->fd < 0 || name_listener(l->fd, host, addr, err) < 0) {
        listener_destroy(l);
        return -1;
    }
    if (l->timer < 0 || timerfd_settime(l->timer, 0, &second, NULL) < 0 ||
        loop_watch(loop, l->fd, EPOLLIN, accept_one, l) < 0 ||
        loop_watch(loop, l->timer, EPOLLIN, end_late_handshakes, l) < 0) {
        ckpt_err_sys(err, "serving on %s", addr);
        listener_destroy(l);
        return -1;
    }
    return 0;
}

int loop_serve_daemon(struct loop *loop, const struct service *service,
                      const char *name, const char *host,
                      char addr[POOLDIR_ADDR_MAX + 1], struct ckpt_err *err)
{
    char before[POOLDIR_ADDR_MAX + 1];
    unsigned port = 0;

    if (pooldir_addr(service->pool, name, before, NULL) == 0) {
        const char *colon = strrchr(before, ':');
        port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) & 0xffff : 0;
    }
    if (loop_serve(loop, service, host, port, addr, err) < 0)
        return -1;
    return pooldir_write_addr(service->pool, name, addr, err);
}
