/* rpc.h - ONC RPC messages over a channel, with rpcgen's stubs
 *
 * A CLIENT and an SVCXPRT with operations of our own, so that the stubs and
 * dispatchers that `rpcgen -M` makes of the .x files are used unchanged, and
 * of libtirpc only the xdr_* routines (and, in daemons, svc_sendreply and
 * svcerr_*).  Why not clnt_vc and svc_vc: doc/decisions/.  Records are RFC
 * 5531 record-marked, one fragment each, at most CKPT_RPC_RECORD_MAX bytes,
 * checked before anything is allocated.
 */
#ifndef CKPT_PROTO_RPC_H
#define CKPT_PROTO_RPC_H

#include "lib/common/err.h"
#include "lib/proto/channel.h"

#include <rpc/rpc.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CKPT_RPC_RECORD_MAX = (1 << 20) + (16 << 10),
    CKPT_RPC_CRED_MAX = 400, /* RFC 5531 */
    /* Replies that wait for a slow reader before the server reads no more of
     * its calls.  A client may have 16 calls of any size in flight. */
    CKPT_RPC_QUEUE_MAX = 16 * CKPT_RPC_RECORD_MAX,
    CKPT_RPC_DEFERRED_MAX = 64, /* of one connection */
};

/* --- client -------------------------------------------------------------
 *
 * Safe in a signal handler: nothing is allocated (results excepted, see
 * below), no lock is taken, no signal mask is touched.  One thread at a time.
 *
 * Results.  The xdr_* routines allocate (calloc) for every string, opaque<>
 * and array of a result whose pointer is NULL, and decode in place where it
 * is not.  So, to receive without allocation, set the pointers first:
 *
 *     shadow_read_res res = {0};
 *     res.shadow_read_res_u.ok.data.shadow_data_val = buf;
 *     ckpt_rpc_client_into(client, buf, count);      <- the limit of the peer
 *     if (shadow_read_1(&args, &res, client) != RPC_SUCCESS) ...
 *     n = res.shadow_read_res_u.ok.data.shadow_data_len;
 *
 * opaque<> goes from the socket to its place without a copy when it is 4 KiB
 * or longer.  Without ckpt_rpc_client_into() a peer may fill such a pointer up
 * to the bound of its type.  A preset string must have room for the bound of
 * its type and a terminator (xdr_string writes the terminator first); in
 * preset arrays the elements' pointers may be preset as well.  After a failed
 * call the contents of the result are undefined, and preset pointers must not
 * be freed: use xdr_free() only on results that were all zero before.
 *
 * The generated stubs' 25 s time limit is not used: calls wait for ever, or as
 * long as clnt_control(client, CLSET_TIMEOUT, &timeval) says.
 */

/* Make a CLIENT for `prog`/`vers` over an open channel.  One call at a time.
 * The caller keeps the channel; CLNT_DESTROY leaves it open.  A broken channel
 * makes calls fail with RPC_CANTSEND, RPC_CANTRECV or RPC_TIMEDOUT; the client
 * is then useless.  Allocates. */
CLIENT *ckpt_rpc_client(struct ckpt_channel *channel, rpcprog_t prog,
                        rpcvers_t vers, struct ckpt_err *err);

/* The same in memory of the caller, ckpt_rpc_client_size() bytes aligned to
 * 16.  Data of calls passes through it. */
size_t ckpt_rpc_client_size(void);
CLIENT *ckpt_rpc_client_init(void *memory, struct ckpt_channel *channel,
                             rpcprog_t prog, rpcvers_t vers);

/* Credential bytes sent with the next call, and that one only (body of
 * `flavor`, up to CKPT_RPC_CRED_MAX bytes). */
void ckpt_rpc_client_cred(CLIENT *client, unsigned flavor, const void *body,
                          size_t len);

/* In the next reply at most `size` bytes may be decoded to `into`. */
void ckpt_rpc_client_into(CLIENT *client, void *into, size_t size);

/* Calls in flight.  _send() sends a call and returns its xid without waiting
 * for the reply; the argument memory is free again.  _next() waits for any
 * reply and says which call it answers and how that went; for RPC_SUCCESS,
 * _result() must be called (xdr_void to drop the result) before the next
 * _send(), _next() or generated stub.  Replies come in any order.  All return
 * what CLNT_CALL would. */
enum clnt_stat ckpt_rpc_client_send(CLIENT *client, rpcproc_t proc,
                                    xdrproc_t xargs, void *args, uint32_t *xid);
enum clnt_stat ckpt_rpc_client_next(CLIENT *client, uint32_t *xid);
enum clnt_stat ckpt_rpc_client_result(CLIENT *client, xdrproc_t xres,
                                      void *res);

/* What a generated stub does with replies that are not its own (they answer
 * calls of _send()): it hands over the xid and the status; for RPC_SUCCESS
 * the function calls _result().  Without a function they are dropped. */
void ckpt_rpc_client_on_other(CLIENT *client,
                              void (*other)(CLIENT *client, uint32_t xid,
                                            enum clnt_stat status, void *arg),
                              void *arg);

/* --- server -------------------------------------------------------------
 *
 * Service procedures are those `rpcgen -M` declares:
 *
 *     bool_t name_1_svc(args *, result *, struct svc_req *)
 *
 * The result is not initialised.  TRUE: reply with the result, which is freed
 * with xdr_free() after it was sent.  FALSE: no result; the procedure has
 * called ckpt_rpc_defer() or ckpt_rpc_replay(), otherwise the caller is told
 * SYSTEM_ERR; the result is not freed.  Arguments live until the procedure
 * returns.  Each program's PROG_N_freeresult() is one line:
 *
 *     int name_prog_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
 *     {
 *         return ckpt_rpc_free_result(xprt, xdr, res);
 *     }
 */

struct ckpt_rpc_server; /* one connection */

typedef void ckpt_rpc_dispatch(struct svc_req *req, SVCXPRT *xprt);

/* `dispatch` is what rpcgen made (name_prog_1).  `context` is reachable from
 * the service procedures through ckpt_rpc_context(rqstp).  The socket becomes
 * non-blocking.  The caller keeps the channel, and closes it after
 * ckpt_rpc_server_destroy(). */
struct ckpt_rpc_server *ckpt_rpc_server(struct ckpt_channel *channel,
                                        rpcprog_t prog, rpcvers_t vers,
                                        ckpt_rpc_dispatch *dispatch,
                                        void *context, struct ckpt_err *err);
void ckpt_rpc_server_destroy(struct ckpt_rpc_server *server);

/* Look at every call before it is decoded and dispatched: `admit` returns 0 to
 * go on, 1 when it has answered (ckpt_rpc_replay) or deferred it, -1 to drop
 * the connection (EACCES). */
void ckpt_rpc_server_set_admit(struct ckpt_rpc_server *server,
                               int (*admit)(struct svc_req *req));

/* Call touched(context) when a deferred reply was sent or dropped: what
 * _events() and _pending() say may be another thing then, outside of a step. */
void ckpt_rpc_server_set_touched(struct ckpt_rpc_server *server,
                                 void (*touched)(void *context));

/* Send what waits, read what has come, answer the whole calls in it; never
 * waits.  1: go on; 0: the peer is gone; -1: error, drop the connection (errno,
 * err).  Call it when the socket has one of _events() (POLLIN, POLLOUT), and
 * again at once while _pending(): a step answers a limited number of calls, so
 * that one client cannot hold up the others. */
int ckpt_rpc_server_step(struct ckpt_rpc_server *server, struct ckpt_err *err);
/* Serve no further call, not even one that has come already; _step() then
 * returns 0.  For a service procedure, too. */
void ckpt_rpc_server_stop(struct ckpt_rpc_server *server);
short ckpt_rpc_server_events(const struct ckpt_rpc_server *server);
bool ckpt_rpc_server_pending(const struct ckpt_rpc_server *server);

void *ckpt_rpc_context(struct svc_req *req);
/* The caller's credential body; its length in *len. */
const void *ckpt_rpc_cred(struct svc_req *req, unsigned *flavor, size_t *len);

/* Answer later.  In a service procedure (which then returns FALSE) or in
 * `admit`: take the request out of the normal course.  The arguments are gone
 * when the procedure returns.  NULL with ENOMEM, or EAGAIN when this connection
 * has CKPT_RPC_DEFERRED_MAX already (the caller is then told SYSTEM_ERR). */
struct ckpt_rpc_deferred *ckpt_rpc_defer(struct svc_req *req);

/* Send the result (encoded at once; the caller keeps it) and end `deferred`.
 * 0, or -1 with errno: ENOTCONN when the connection is gone by now (the
 * reply is dropped), EMSGSIZE when it does not fit a record (SYSTEM_ERR is
 * sent).  Then the connection has _events() to wait for. */
int ckpt_rpc_defer_reply(struct ckpt_rpc_deferred *deferred, xdrproc_t xres,
                         const void *res);
/* End it with SYSTEM_ERR. */
void ckpt_rpc_defer_drop(struct ckpt_rpc_deferred *deferred);
/* The connection it came on is still there. */
bool ckpt_rpc_defer_alive(const struct ckpt_rpc_deferred *deferred);

/* Keep a reply: the encoded result of this request is also copied to `buf`
 * (at most `size` bytes) and its length to *len when it is sent; *len is
 * SIZE_MAX if it was longer, and untouched if no result was sent.  Both must
 * live until then.  ckpt_rpc_replay() answers a request with such bytes. */
void ckpt_rpc_keep(struct svc_req *req, void *buf, size_t size, size_t *len);
/* The same for a deferred request. */
void ckpt_rpc_defer_keep(struct ckpt_rpc_deferred *deferred, void *buf,
                         size_t size, size_t *len);
int ckpt_rpc_replay(struct svc_req *req, const void *result, size_t len);

/* For PROG_N_freeresult(), see above.  Returns 1. */
int ckpt_rpc_free_result(SVCXPRT *xprt, xdrproc_t xres, void *res);

#endif
