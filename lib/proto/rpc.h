/* rpc.h - ONC RPC messages over a channel, with rpcgen's stubs
 *
 * A CLIENT and an SVCXPRT with operations of our own, so that the stubs and
 * dispatchers that rpcgen makes of the .x files are used unchanged, and of
 * libtirpc only the xdr_* routines.  (Why not clnt_vc and svc_vc:
 * doc/decisions/.)  Records are RFC 5531 record-marked, one fragment each,
 * at most CKPT_RPC_RECORD_MAX bytes, checked before anything is allocated.
 */
#ifndef CKPT_PROTO_RPC_H
#define CKPT_PROTO_RPC_H

#include "lib/common/err.h"
#include "lib/proto/channel.h"

#include <rpc/rpc.h>

enum { CKPT_RPC_RECORD_MAX = (1 << 20) + (16 << 10) };

/* --- client ------------------------------------------------------------- */

/* Make a CLIENT for `prog`/`vers` over an open channel.  One call at a time.
 * The caller keeps the channel; CLNT_DESTROY leaves it open.  A broken channel
 * makes calls fail with RPC_CANTSEND or RPC_CANTRECV; the client is then
 * useless. */
CLIENT *ckpt_rpc_client(struct ckpt_channel *channel, rpcprog_t prog,
                        rpcvers_t vers, struct ckpt_err *err);

/* Credential bytes sent with the next call (body of `flavor`). */
void ckpt_rpc_client_cred(CLIENT *client, unsigned flavor, const void *body,
                          size_t len);

/* --- server ------------------------------------------------------------- */

struct ckpt_rpc_server; /* one connection */

/* `dispatch` is what rpcgen made (NAME_PROG_1).  `context` is reachable from
 * the service procedures through ckpt_rpc_context(rqstp). */
struct ckpt_rpc_server *
ckpt_rpc_server(struct ckpt_channel *channel, rpcprog_t prog, rpcvers_t vers,
                void (*dispatch)(struct svc_req *, SVCXPRT *), void *context,
                struct ckpt_err *err);
void ckpt_rpc_server_destroy(struct ckpt_rpc_server *server);

/* Read what has come and answer every whole call in it.  1: go on; 0: the peer
 * is gone; -1: protocol error, drop the connection (errno, err). */
int ckpt_rpc_server_step(struct ckpt_rpc_server *server, struct ckpt_err *err);

void *ckpt_rpc_context(struct svc_req *req);
/* The caller's credential body; its length in *len. */
const void *ckpt_rpc_cred(struct svc_req *req, unsigned *flavor, size_t *len);

#endif
