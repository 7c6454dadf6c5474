/* advert.c - see advert.h */
#include "scheduler/station/advert.h"

#include "lib/proto/channel.h"
#include "scheduler/pool/log.h"
#include "scheduler/pool/peer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    CONNECT_MS = 1000,
    ANSWER_MS = 10000,
    AGAIN_MS = 250,
    AGAIN_MAX_MS = 5000,
    STANDBY_MS = 2000, /* then the coordinator is tried again */
};

/* Nobody may answer for a while, and a station that waited would not see its
 * owner: the connection is made by a thread, which writes to `done` then. */
struct opening {
    const struct pooldir *pool;
    int done;
    struct peer *peer; /* NULL: failed */
    struct ckpt_err err;
};

struct advert {
    struct ckpt_serve *serve;
    const struct pooldir *pool;
    struct peer *peer;
    struct opening *opening;
    bool waiting; /* for an answer */
    uint64_t sent_ms;
    uint64_t opened_ms;
    uint64_t again_ms; /* no attempt before */
    unsigned backoff_ms;
    bool complained;
};

struct advert *advert_create(struct ckpt_serve *serve,
                             const struct pooldir *pool)
{
    struct advert *advert = calloc(1, sizeof *advert);

    if (advert) {
        advert->serve = serve;
        advert->pool = pool;
    }
    return advert;
}

static void disconnect(struct advert *a)
{
    if (!a->peer)
        return;
    ckpt_serve_unwatch(a->serve, peer_fd(a->peer));
    peer_close(a->peer);
    a->peer = NULL;
    a->waiting = false;
    a->backoff_ms = a->backoff_ms ? a->backoff_ms * 2 : AGAIN_MS;
    if (a->backoff_ms > AGAIN_MAX_MS)
        a->backoff_ms = AGAIN_MAX_MS;
    a->again_ms = pool_now_ms() + a->backoff_ms;
}

void advert_destroy(struct advert *advert)
{
    if (!advert)
        return;
    disconnect(advert);
    if (advert->opening) /* the thread ends with the process */
        ckpt_serve_unwatch(advert->serve, advert->opening->done);
    free(advert);
}

static void answer(int fd, short events, void *arg)
{
    struct advert *a = arg;
    coord_ad_res res = {0};
    uint32_t xid;

    (void)fd, (void)events;
    if (!a->waiting ||
        ckpt_rpc_client_next(peer_client(a->peer), &xid) != RPC_SUCCESS ||
        ckpt_rpc_client_result(peer_client(a->peer),
                               (xdrproc_t)xdr_coord_ad_res,
                               &res) != RPC_SUCCESS) {
        disconnect(a);
        return;
    }
    a->waiting = false;
    a->backoff_ms = 0;
    if (peer_on_standby(a->peer) && pool_now_ms() - a->opened_ms > STANDBY_MS) {
        disconnect(a);
        a->again_ms = a->backoff_ms = 0;
    }
}

static void *open_it(void *arg)
{
    struct opening *o = arg;

    o->peer = peer_open(o->pool, "coordinator", COORD_PROGRAM, COORD_V1,
                        CONNECT_MS, &o->err);
    eventfd_write(o->done, 1);
    return NULL;
}

static void opened(int fd, short events, void *arg)
{
    struct advert *a = arg;
    struct opening *o = a->opening;
    eventfd_t one;

    (void)events;
    eventfd_read(fd, &one); /* after it has written it touches nothing */
    ckpt_serve_unwatch(a->serve, fd);
    a->opening = NULL;
    a->peer = o->peer;
    a->opened_ms = pool_now_ms();
    a->again_ms = a->opened_ms + AGAIN_MS;
    if (!a->peer && !a->complained)
        log_line("no coordinator: %s", o->err.text);
    a->complained = !a->peer;
    if (a->peer &&
        ckpt_serve_watch(a->serve, peer_fd(a->peer), POLLIN, answer, a) < 0)
        disconnect(a);
    close(fd);
    free(o);
}

static bool begin_opening(struct advert *a)
{
    struct opening *o = calloc(1, sizeof *o);
    pthread_t thread;

    if (!o)
        return false;
    o->pool = a->pool;
    o->done = eventfd(0, EFD_CLOEXEC);
    a->opening = o;
    if (o->done >= 0 &&
        ckpt_serve_watch(a->serve, o->done, POLLIN, opened, a) == 0) {
        if (pthread_create(&thread, NULL, open_it, o) == 0) {
            pthread_detach(thread);
            return true;
        }
        ckpt_serve_unwatch(a->serve, o->done);
    }
    if (o->done >= 0)
        close(o->done);
    free(o);
    a->opening = NULL;
    return false;
}

static bool connected(struct advert *a)
{
    if (!a->peer && !a->opening && pool_now_ms() >= a->again_ms &&
        !begin_opening(a)) {
        log_line("no coordinator: %s", strerror(errno));
        a->again_ms = pool_now_ms() + AGAIN_MAX_MS;
    }
    return a->peer != NULL;
}

bool advert_send(struct advert *a, pool_station *ad)
{
    uint32_t xid;

    if (a->waiting && pool_now_ms() - a->sent_ms > ANSWER_MS)
        disconnect(a);
    if (a->waiting || !connected(a))
        return false;
    if (ckpt_rpc_client_send(peer_client(a->peer), COORD_STATION,
                             (xdrproc_t)xdr_pool_station, ad,
                             &xid) != RPC_SUCCESS) {
        disconnect(a);
        return false;
    }
    a->waiting = true;
    a->sent_ms = pool_now_ms();
    return true;
}

void advert_withdraw(struct advert *a, const char *station, uint64_t boot_id)
{
    coord_withdraw_args args = {.station = (char *)(uintptr_t)station,
                                .boot_id = boot_id};
    uint32_t xid;

    if (a->peer)
        ckpt_rpc_client_send(peer_client(a->peer), COORD_WITHDRAW,
                             (xdrproc_t)xdr_coord_withdraw_args, &args, &xid);
}
