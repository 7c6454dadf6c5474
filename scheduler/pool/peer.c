/* peer.c - see peer.h */
#include "scheduler/pool/peer.h"

#include "lib/proto/channel.h"
#include "lib/proto/dial.h"
#include "lib/proto/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct peer {
    char where[POOLDIR_NAME_MAX + 32];
    char addr[POOLDIR_ADDR_MAX + 1];
    struct ckpt_channel *channel;
    CLIENT *client;
};

size_t peer_prologue(const struct pooldir *pool, char *buf, size_t size)
{
    int n = snprintf(buf, size, "ckpt-pool 1 %s", pool->name);

    return n > 0 && (size_t)n < size ? (size_t)n : size - 1;
}

static int dial_addr(struct peer *peer, int timeout_ms, struct ckpt_err *err)
{
    char host[CKPT_ADDR_MAX];
    uint16_t port;

    if (ckpt_addr_parse(peer->addr, host, &port, err) < 0)
        return -1;
    int fd = ckpt_proto_connect(host, port, timeout_ms, err);
    if (fd < 0)
        ckpt_err_prefix(err, "%s", peer->where);
    return fd;
}

static int find_addr(const struct pooldir *pool, struct peer *peer,
                     struct ckpt_err *err)
{
    if (strchr(peer->where, ':')) {
        snprintf(peer->addr, sizeof peer->addr, "%.80s", peer->where);
        return 0;
    }
    if (pooldir_addr(pool, peer->where, peer->addr, err) == 0)
        return 0;
    if (errno == ENOENT)
        ckpt_err_set(err, ENOENT, "%s of pool %s does not run", peer->where,
                     pool->path);
    return -1;
}

static int shake_hands(const struct pooldir *pool, struct peer *peer, int fd,
                       int timeout_ms, struct ckpt_err *err)
{
    char prologue[128];
    size_t len = peer_prologue(pool, prologue, sizeof prologue);

    if (ckpt_channel_connect(peer->channel, fd, pool->key, prologue, len,
                             timeout_ms, err) == 0)
        return 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return ckpt_err_prefix(err, "%s at %s", peer->where, peer->addr);
}

static struct peer *give_up(struct peer *peer)
{
    int saved = errno;

    free(peer->channel);
    free(peer);
    errno = saved;
    return NULL;
}

static struct peer *open_one(const struct pooldir *pool, const char *where,
                             unsigned prog, unsigned vers, int timeout_ms,
                             struct ckpt_err *err)
{
    struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    struct peer *peer = calloc(1, sizeof *peer);

    if (peer)
        peer->channel = aligned_alloc(16, (ckpt_channel_size() + 15) & ~15UL);
    if (!peer || !peer->channel) {
        free(peer);
        ckpt_err_sys(err, "no memory");
        return NULL;
    }
    snprintf(peer->where, sizeof peer->where, "%s", where);
    if (find_addr(pool, peer, err) < 0)
        return give_up(peer);
    int fd = dial_addr(peer, timeout_ms, err);
    if (fd < 0 || shake_hands(pool, peer, fd, timeout_ms, err) < 0)
        return give_up(peer);
    peer->client = ckpt_rpc_client(peer->channel, prog, vers, err);
    if (!peer->client) {
        ckpt_channel_close(peer->channel);
        return give_up(peer);
    }
    ckpt_channel_set_timeout(peer->channel, timeout_ms);
    clnt_control(peer->client, CLSET_TIMEOUT, (char *)&limit);
    return peer;
}

/* Where the coordinator does not answer its stand-by may, if there is one. */
struct peer *peer_open(const struct pooldir *pool, const char *where,
                       unsigned prog, unsigned vers, int timeout_ms,
                       struct ckpt_err *err)
{
    struct peer *peer = open_one(pool, where, prog, vers, timeout_ms, err);
    char addr[POOLDIR_ADDR_MAX + 1];
    int saved = errno;

    if (peer || strcmp(where, POOLDIR_COORDINATOR) != 0)
        return peer;
    if (pooldir_addr(pool, POOLDIR_STANDBY, addr, NULL) == 0)
        peer = open_one(pool, POOLDIR_STANDBY, prog, vers, timeout_ms, NULL);
    errno = saved;
    return peer;
}

bool peer_on_standby(const struct peer *peer)
{
    return peer && strcmp(peer->where, POOLDIR_STANDBY) == 0;
}

CLIENT *peer_client(struct peer *peer)
{
    return peer->client;
}

int peer_fd(const struct peer *peer)
{
    return ckpt_channel_fd(peer->channel);
}

int peer_fail(struct peer *peer, struct ckpt_err *err)
{
    struct rpc_err why;

    clnt_geterr(peer->client, &why);
    switch (why.re_status) {
    case RPC_TIMEDOUT:
        return ckpt_err_set(err, ETIMEDOUT, "%s does not answer", peer->where);
    case RPC_CANTSEND:
    case RPC_CANTRECV:
        return ckpt_err_set(err, ECONNRESET, "%s closed the connection",
                            peer->where);
    default:
        return ckpt_err_set(err, EPROTO, "%s: the call failed (%d)",
                            peer->where, (int)why.re_status);
    }
}

void peer_close(struct peer *peer)
{
    if (!peer)
        return;
    clnt_destroy(peer->client);
    ckpt_channel_close(peer->channel);
    free(peer->channel);
    free(peer);
}
