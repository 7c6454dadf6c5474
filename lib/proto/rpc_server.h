/* rpc_server.h - the inside of one served connection; only rpc_server*.c
 *
 *     in:     one call, as far as it has come (record mark included)
 *     queue:  encoded replies that the socket did not take at once
 */
#ifndef CKPT_PROTO_RPC_SERVER_H
#define CKPT_PROTO_RPC_SERVER_H

#include "lib/proto/rpc.h"
#include "lib/proto/rpc_out.h"

struct reply_keep {
    void *buf;
    size_t size;
    size_t *len;
};

struct ckpt_rpc_deferred {
    struct ckpt_rpc_server *server; /* NULL: the connection is gone */
    struct ckpt_rpc_deferred *next;
    uint32_t xid;
    struct reply_keep keep;
};

struct ckpt_rpc_server {
    SVCXPRT xprt;
    struct ckpt_channel *channel;
    uint32_t prog, vers;
    ckpt_rpc_dispatch *dispatch;
    int (*admit)(struct svc_req *req);
    void (*touched)(void *context);
    void *context;
    struct ckpt_rpc_deferred *deferred;
    unsigned deferred_count;
    int errnum; /* why the connection cannot go on; 0: it can */
    bool stopped;
    bool more; /* the last step stopped before all was done */

    /* the call being served */
    uint32_t xid;
    const uint8_t *args;
    size_t args_len;
    bool answered; /* a reply was sent, or will be by somebody else */
    bool has_result;
    struct reply_keep keep;

    size_t in_have;
    size_t queue_at, queue_end, queue_size;
    uint8_t *queue;
    uint8_t *in;  /* RPC_SERVER_BUF */
    uint8_t *out; /* RPC_SERVER_BUF: small fields of a reply */
};

enum { RPC_SERVER_BUF = RPC_MARK_LEN + CKPT_RPC_RECORD_MAX };

/* Send an accepted reply: SUCCESS with a result (encoded by xres, or `raw`
 * bytes when xres is NULL), or another status.  0, or -1 with EMSGSIZE: nothing
 * was sent; a lost connection is recorded in server->errnum. */
struct rpc_reply {
    uint32_t xid;
    enum accept_stat status;
    xdrproc_t xres;
    const void *res;
    size_t raw_len;
    struct reply_keep keep;
};
int ckpt_rpc_server_reply(struct ckpt_rpc_server *server,
                          const struct rpc_reply *reply);
/* A denied one: why and its detail (auth_stat, or the RPC version). */
void ckpt_rpc_server_deny(struct ckpt_rpc_server *server, uint32_t xid,
                          enum reject_stat why, uint32_t detail);
/* Send what is queued: 0, or -1 (server->errnum). */
int ckpt_rpc_server_flush(struct ckpt_rpc_server *server);

#endif
