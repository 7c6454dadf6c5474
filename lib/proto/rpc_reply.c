/* rpc_reply.c - replies: encoded, sent at once or queued; see rpc_server.h */
#include "lib/proto/rpc_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- sending ------------------------------------------------------------ */

static void lose(struct ckpt_rpc_server *server, int errnum)
{
    if (server->errnum == 0)
        server->errnum = errnum;
}

static size_t queued(const struct ckpt_rpc_server *server)
{
    return server->queue_end - server->queue_at;
}

static int grow_queue(struct ckpt_rpc_server *server, size_t more)
{
    size_t have = queued(server);
    size_t size = server->queue_size ? server->queue_size : 64 << 10;

    if (have > 0 && server->queue_at > 0)
        memmove(server->queue, server->queue + server->queue_at, have);
    server->queue_at = 0;
    server->queue_end = have;
    while (size < have + more)
        size *= 2;
    if (size == server->queue_size)
        return 0;
    uint8_t *queue = realloc(server->queue, size);
    if (!queue) {
        lose(server, ENOMEM);
        return -1;
    }
    server->queue = queue;
    server->queue_size = size;
    return 0;
}

/* Queue what comes after the first `skip` bytes. */
static void enqueue(struct ckpt_rpc_server *server, const struct iovec *iov,
                    int count, size_t skip)
{
    for (int i = 0; i < count; i++) {
        size_t from = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        size_t len = iov[i].iov_len - from;
        skip -= from;
        if (len == 0)
            continue;
        if (len > server->queue_size - server->queue_end &&
            grow_queue(server, len))
            return;
        memcpy(server->queue + server->queue_end,
               (const uint8_t *)iov[i].iov_base + from, len);
        server->queue_end += len;
    }
}

int ckpt_rpc_server_flush(struct ckpt_rpc_server *server)
{
    struct iovec iov = {NULL, queued(server)};
    ssize_t n = 0;
    int rc = 0;

    if (server->errnum)
        return -1;
    if (iov.iov_len > 0) {
        iov.iov_base = server->queue + server->queue_at;
        n = ckpt_channel_try_writev(server->channel, &iov, 1);
    } else {
        rc = ckpt_channel_flush(server->channel);
    }
    if (n < 0 || rc < 0) {
        lose(server, errno);
        return -1;
    }
    server->queue_at += (size_t)n;
    if (queued(server) == 0)
        server->queue_at = server->queue_end = 0;
    return 0;
}

static void send_out(struct ckpt_rpc_server *server, struct rpc_out *out)
{
    struct iovec iov[RPC_OUT_PIECES];
    int count = ckpt_rpc_out_finish(out, iov);
    ssize_t sent = 0;

    if (server->errnum)
        return;
    if (queued(server) == 0)
        sent = ckpt_channel_try_writev(server->channel, iov, count);
    if (sent < 0)
        lose(server, errno);
    else if ((size_t)sent < out->total)
        enqueue(server, iov, count, (size_t)sent);
}

/* --- encoding ----------------------------------------------------------- */

static bool_t put_accepted(struct rpc_out *out, uint32_t xid,
                           enum accept_stat status)
{
    return ckpt_rpc_out_u32(out, xid) && ckpt_rpc_out_u32(out, REPLY) &&
           ckpt_rpc_out_u32(out, MSG_ACCEPTED) &&
           ckpt_rpc_out_u32(out, AUTH_NONE) && ckpt_rpc_out_u32(out, 0) &&
           ckpt_rpc_out_u32(out, status);
}

static bool_t put_result(struct rpc_out *out, const struct rpc_reply *reply)
{
    if (reply->status != SUCCESS)
        return TRUE;
    if (reply->xres)
        return (*reply->xres)(&out->xdr, reply->res);
    return XDR_PUTBYTES(&out->xdr, reply->res, (u_int)reply->raw_len);
}

/* Copy the encoded result, which begins `head` bytes into the message. */
static void keep_result(const struct reply_keep *keep, struct rpc_out *out,
                        size_t head)
{
    struct iovec iov[RPC_OUT_PIECES];
    size_t done = 0;
    size_t len = out->total - head;

    if (len > keep->size) {
        *keep->len = SIZE_MAX;
        return;
    }
    int count = ckpt_rpc_out_finish(out, iov);
    for (int i = 0; i < count; i++) {
        size_t from = head < iov[i].iov_len ? head : iov[i].iov_len;
        size_t n = iov[i].iov_len - from;
        head -= from;
        memcpy((uint8_t *)keep->buf + done,
               (const uint8_t *)iov[i].iov_base + from, n);
        done += n;
    }
    *keep->len = len;
}

int ckpt_rpc_server_reply(struct ckpt_rpc_server *server,
                          const struct rpc_reply *reply)
{
    struct rpc_out out;

    ckpt_rpc_out_start(&out, server->out, RPC_SERVER_BUF);
    put_accepted(&out, reply->xid, reply->status);
    size_t head = out.total;
    bool_t ok = put_result(&out, reply);
    if (ok && reply->status == PROG_MISMATCH)
        ok = ckpt_rpc_out_u32(&out, server->vers) &&
             ckpt_rpc_out_u32(&out, server->vers);
    if (!ok) {
        errno = EMSGSIZE;
        return -1;
    }
    if (reply->keep.len && reply->status == SUCCESS)
        keep_result(&reply->keep, &out, head);
    send_out(server, &out);
    return 0;
}

void ckpt_rpc_server_deny(struct ckpt_rpc_server *server, uint32_t xid,
                          enum reject_stat why, uint32_t detail)
{
    struct rpc_out out;

    ckpt_rpc_out_start(&out, server->out, RPC_SERVER_BUF);
    ckpt_rpc_out_u32(&out, xid);
    ckpt_rpc_out_u32(&out, REPLY);
    ckpt_rpc_out_u32(&out, MSG_DENIED);
    ckpt_rpc_out_u32(&out, why);
    ckpt_rpc_out_u32(&out, detail);
    if (why == RPC_MISMATCH)
        ckpt_rpc_out_u32(&out, detail);
    send_out(server, &out);
}

/* --- later replies ------------------------------------------------------ */

static struct ckpt_rpc_server *server_of(struct svc_req *req)
{
    return req->rq_xprt->xp_p1;
}

struct ckpt_rpc_deferred *ckpt_rpc_defer(struct svc_req *req)
{
    struct ckpt_rpc_server *server = server_of(req);
    struct ckpt_rpc_deferred *deferred;

    if (server->deferred_count >= CKPT_RPC_DEFERRED_MAX) {
        errno = EAGAIN;
        return NULL;
    }
    deferred = calloc(1, sizeof *deferred);
    if (!deferred)
        return NULL;
    deferred->server = server;
    deferred->xid = server->xid;
    deferred->next = server->deferred;
    server->deferred = deferred;
    server->deferred_count++;
    server->answered = true;
    return deferred;
}

bool ckpt_rpc_defer_alive(const struct ckpt_rpc_deferred *deferred)
{
    return deferred->server && deferred->server->errnum == 0;
}

void ckpt_rpc_defer_keep(struct ckpt_rpc_deferred *deferred, void *buf,
                         size_t size, size_t *len)
{
    deferred->keep = (struct reply_keep){buf, size, len};
}

static void unlink_and_free(struct ckpt_rpc_deferred *deferred)
{
    struct ckpt_rpc_server *server = deferred->server;

    if (server) {
        struct ckpt_rpc_deferred **at = &server->deferred;
        while (*at != deferred)
            at = &(*at)->next;
        *at = deferred->next;
        server->deferred_count--;
        if (server->touched)
            server->touched(server->context);
    }
    free(deferred);
}

int ckpt_rpc_defer_reply(struct ckpt_rpc_deferred *deferred, xdrproc_t xres,
                         const void *res)
{
    struct rpc_reply reply = {
        .xid = deferred->xid,
        .status = SUCCESS,
        .xres = xres,
        .res = res,
        .keep = deferred->keep,
    };
    int errnum = 0;

    if (!ckpt_rpc_defer_alive(deferred)) {
        errnum = ENOTCONN;
    } else if (ckpt_rpc_server_reply(deferred->server, &reply)) {
        errnum = errno;
        ckpt_rpc_defer_drop(deferred);
        errno = errnum;
        return -1;
    }
    unlink_and_free(deferred);
    errno = errnum;
    return errnum ? -1 : 0;
}

void ckpt_rpc_defer_drop(struct ckpt_rpc_deferred *deferred)
{
    struct rpc_reply reply = {.xid = deferred->xid, .status = SYSTEM_ERR};

    if (ckpt_rpc_defer_alive(deferred))
        ckpt_rpc_server_reply(deferred->server, &reply);
    unlink_and_free(deferred);
}

void ckpt_rpc_keep(struct svc_req *req, void *buf, size_t size, size_t *len)
{
    server_of(req)->keep = (struct reply_keep){buf, size, len};
}

int ckpt_rpc_replay(struct svc_req *req, const void *result, size_t len)
{
    struct ckpt_rpc_server *server = server_of(req);
    struct rpc_reply reply = {
        .xid = server->xid,
        .status = SUCCESS,
        .res = result,
        .raw_len = len,
    };

    if (ckpt_rpc_server_reply(server, &reply))
        return -1;
    server->answered = true;
    return 0;
}
