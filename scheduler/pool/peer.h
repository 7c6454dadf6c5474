/* peer.h - a connection to a daemon of the pool
 *
 * Connect, handshake with the pool's key, make an RPC client.  Blocks, at most
 * about timeout_ms for the connection and for each call.  A peer is used for
 * one call at a time; after a failed call it is useless: close it.
 *
 *     struct peer *p = peer_open(&pool, "home", HOME_PROGRAM, HOME_V1, 3000,
 *                                &err);
 *     if (home_query_1(&args, &res, peer_client(p)) != RPC_SUCCESS)
 *         return peer_fail(p, &err);
 *     ...xdr_free() the result...
 *     peer_close(p);
 */
#ifndef CKPT_SCHEDULER_PEER_H
#define CKPT_SCHEDULER_PEER_H

#include "lib/common/err.h"
#include "scheduler/pool/pooldir.h"

#include <rpc/rpc.h>
#include <stdbool.h>

struct peer;

/* `where` is the name of a daemon of this pool directory ("home",
 * "coordinator", "station.s1") or an address "host:port" with numeric host.
 * When the coordinator does not answer and the pool has a stand-by, that one is
 * tried.  NULL with errno (ECONNREFUSED: nobody listens; ENOENT: never started;
 * EACCES: another pool's daemon; ETIMEDOUT) and err. */
struct peer *peer_open(const struct pooldir *pool, const char *where,
                       unsigned prog, unsigned vers, int timeout_ms,
                       struct ckpt_err *err);
/* Is it the stand-by instead of the coordinator?  Then the coordinator should
 * be tried again before long. */
bool peer_on_standby(const struct peer *peer);
CLIENT *peer_client(struct peer *peer);
/* The socket, to be watched for answers of ckpt_rpc_client_send(). */
int peer_fd(const struct peer *peer);
/* Put into err why the last call failed.  Returns -1. */
int peer_fail(struct peer *peer, struct ckpt_err *err);
void peer_close(struct peer *peer);

/* The channel's prologue of a pool; returns its length. */
size_t peer_prologue(const struct pooldir *pool, char *buf, size_t size);

#endif
