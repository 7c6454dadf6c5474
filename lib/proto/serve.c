/* serve.c - a daemon's loop: its steps and its own descriptors; see
 * serve_impl.h */
#include "lib/proto/serve_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* Connections served before the others are looked at. */
enum { EVENTS_PER_STEP = 256, OWN_POLLS = 2 };

int64_t ckpt_serve_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the step ------------------------------------------------------------- */

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

    if (grow_polls(serve, OWN_POLLS + serve->watch_count))
        return -1;
    p = serve->polls;
    *p++ = (struct pollfd){
        .fd = ckpt_serve_has_room(serve) ? serve->listener : -1,
        .events = POLLIN,
    };
    *p++ = (struct pollfd){.fd = serve->epoll, .events = POLLIN};
    for (unsigned i = 0; i < serve->watch_count; i++)
        *p++ = (struct pollfd){
            .fd = serve->watches[i].fd,
            .events = serve->watches[i].events,
        };
    return 0;
}

static void sooner(int64_t *wait, int64_t due, int64_t now)
{
    if (due - now < *wait)
        *wait = due > now ? due - now : 0;
}

/* Handshakes have deadlines. */
static int shorten(const struct ckpt_serve *serve, int timeout_ms)
{
    int64_t wait = timeout_ms < 0 ? INT32_MAX : timeout_ms;
    bool full = serve->pending_count >= CKPT_SERVE_PENDING_MAX;

    if (serve->accept_after == 0 && serve->pending_count == 0)
        return timeout_ms;
    int64_t now = ckpt_serve_now_ms();
    if (serve->accept_after > now)
        sooner(&wait, serve->accept_after, now);
    for (unsigned i = 0; i < serve->pending_count; i++) {
        const struct ckpt_serve_conn *conn = serve->pending[i];
        sooner(&wait, conn->deadline, now);
        /* Others may be waiting for its place. */
        if (full && conn->patience > now)
            sooner(&wait, conn->patience, now);
    }
    return timeout_ms < 0 && wait == INT32_MAX ? -1 : (int)wait;
}

static void step_conns(struct ckpt_serve *serve, bool ready)
{
    struct epoll_event events[EVENTS_PER_STEP];
    int n = ready ? epoll_wait(serve->epoll, events, EVENTS_PER_STEP, 0) : 0;

    for (int i = 0; i < n; i++)
        ckpt_serve_conn_step(events[i].data.ptr);
    ckpt_serve_pending_step(serve);
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
    bool buffered = ckpt_serve_conns_ready(serve);

    if (fill_polls(serve))
        return -1;
    unsigned watches = serve->watch_count;
    int n = poll(serve->polls, OWN_POLLS + watches,
                 buffered ? 0 : shorten(serve, timeout_ms));
    if (n < 0)
        return errno == EINTR ? 0 : -1;
    if (buffered)
        ckpt_serve_conns_buffered(serve);
    step_conns(serve, serve->polls[1].revents != 0);
    step_watches(serve, serve->polls + OWN_POLLS, watches);
    ckpt_serve_conns_bury(serve);
    if (serve->polls[0].revents)
        ckpt_serve_accept(serve);
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

static void release(struct ckpt_serve *serve)
{
    if (serve->epoll >= 0)
        close(serve->epoll);
    if (serve->listener >= 0)
        close(serve->listener);
    free(serve->conns);
    free(serve->polls);
    free(serve->watches);
    free(serve);
}

static int prepare(struct ckpt_serve *serve, struct ckpt_err *err)
{
    const struct ckpt_serve_config *config = &serve->config;

    serve->conns = calloc(config->conns, sizeof(*serve->conns));
    if (!serve->conns)
        return ckpt_err_set(err, ENOMEM, "no memory for the server");
    serve->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (serve->epoll < 0)
        return ckpt_err_sys(err, "epoll");
    serve->listener =
        ckpt_proto_listen(config->host, config->port, &serve->port, err);
    return serve->listener < 0 ? -1 : 0;
}

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
    serve->epoll = serve->listener = -1;
    if (prepare(serve, err) == 0)
        return serve;
    int saved = errno;
    release(serve);
    errno = saved;
    return NULL;
}

void ckpt_serve_destroy(struct ckpt_serve *serve)
{
    if (!serve)
        return;
    ckpt_serve_conns_end(serve);
    release(serve);
}

uint16_t ckpt_serve_port(const struct ckpt_serve *serve)
{
    return serve->port;
}

void ckpt_serve_set_key(struct ckpt_serve *serve,
                        const struct ckpt_serve_key *key)
{
    serve->config.key = *key;
}
