/* advert.c - see advert.h */
#include "scheduler/station/advert.h"

#include "lib/proto/channel.h"
#include "scheduler/pool/log.h"
#include "scheduler/pool/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS = 500, /* the only wait: nobody answers within a machine's
                         reach for that long but a stopped coordinator */
    ANSWER_MS = 10000,
    AGAIN_MS = 250,
    AGAIN_MAX_MS = 5000,
    STANDBY_MS = 2000, /* then the coordinator is tried again */
};

struct advert {
    struct ckpt_serve *serve;
    const struct pooldir *pool;
    struct peer *peer;
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

static bool connected(struct advert *a)
{
    struct ckpt_err err;
    uint64_t now = pool_now_ms();

    if (a->peer)
        return true;
    if (now < a->again_ms)
        return false;
    a->peer = peer_open(a->pool, "coordinator", COORD_PROGRAM, COORD_V1,
                        CONNECT_MS, &err);
    if (a->peer &&
        ckpt_serve_watch(a->serve, peer_fd(a->peer), POLLIN, answer, a) == 0) {
        a->complained = false;
        a->opened_ms = pool_now_ms();
        return true;
    }
    if (!a->peer && !a->complained)
        log_line("no coordinator: %s", err.text);
    a->complained = true;
    if (a->peer)
        disconnect(a);
    else
        a->again_ms = now + AGAIN_MS;
    return false;
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
