/* rpc_server.c - calls: received, dispatched; the server side of rpc.h */
#include "lib/proto/rpc_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_PER_STEP = 16 };

/* --- the operations of an SVCXPRT, as generated dispatchers use them ------ */

static struct ckpt_rpc_server *of(SVCXPRT *xprt)
{
    return xprt->xp_p1;
}

static bool_t xprt_recv(SVCXPRT *xprt, struct rpc_msg *msg)
{
    (void)xprt;
    (void)msg;
    return FALSE;
}

static enum xprt_stat xprt_stat(SVCXPRT *xprt)
{
    return of(xprt)->errnum ? XPRT_DIED : XPRT_IDLE;
}

/* What a failed decoding has allocated is freed here: the dispatcher does
 * not. */
static bool_t xprt_getargs(SVCXPRT *xprt, xdrproc_t xargs, void *args)
{
    struct ckpt_rpc_server *server = of(xprt);
    XDR xdr;

    xdrmem_create(&xdr, (char *)(uintptr_t)server->args,
                  (u_int)server->args_len, XDR_DECODE);
    if ((*xargs)(&xdr, args) && XDR_GETPOS(&xdr) == server->args_len)
        return TRUE;
    xdr_free(xargs, args);
    return FALSE;
}

static bool_t xprt_freeargs(SVCXPRT *xprt, xdrproc_t xargs, void *args)
{
    (void)xprt;
    xdr_free(xargs, args);
    return TRUE;
}

static bool_t xprt_reply(SVCXPRT *xprt, struct rpc_msg *msg)
{
    struct ckpt_rpc_server *server = of(xprt);
    struct rpc_reply reply = {.xid = server->xid, .keep = server->keep};

    if (msg->rm_reply.rp_stat != MSG_ACCEPTED) {
        ckpt_rpc_server_deny(server, server->xid, AUTH_ERROR,
                             msg->rjcted_rply.rj_why);
    } else {
        reply.status = msg->acpted_rply.ar_stat;
        reply.xres = msg->acpted_rply.ar_results.proc;
        reply.res = msg->acpted_rply.ar_results.where;
        if (ckpt_rpc_server_reply(server, &reply))
            return FALSE;
        server->has_result = reply.status == SUCCESS;
    }
    server->answered = true;
    return TRUE;
}

static void xprt_destroy(SVCXPRT *xprt)
{
    (void)xprt;
}

static bool_t xprt_control(SVCXPRT *xprt, const u_int request, void *info)
{
    (void)xprt;
    (void)request;
    (void)info;
    return FALSE;
}

int ckpt_rpc_free_result(SVCXPRT *xprt, xdrproc_t xres, void *res)
{
    if (of(xprt)->has_result)
        xdr_free(xres, res);
    return 1;
}

/* --- one call ------------------------------------------------------------ */

/* Takes words and opaque bodies off the head of a call. */
struct head {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static uint32_t head_u32(struct head *head)
{
    if (head->failed || head->left < 4) {
        head->failed = true;
        return 0;
    }
    head->at += 4;
    head->left -= 4;
    return ckpt_rpc_get_u32(head->at - 4);
}

static void head_auth(struct head *head, struct opaque_auth *auth)
{
    auth->oa_flavor = (enum_t)head_u32(head);
    auth->oa_length = head_u32(head);
    size_t padded = ((size_t)auth->oa_length + 3) & ~(size_t)3;
    if (head->failed || auth->oa_length > CKPT_RPC_CRED_MAX ||
        padded > head->left) {
        head->failed = true;
        return;
    }
    auth->oa_base = (caddr_t)(uintptr_t)head->at;
    head->at += padded;
    head->left -= padded;
}

static void answer_status(struct ckpt_rpc_server *server,
                          enum accept_stat status)
{
    struct rpc_reply reply = {.xid = server->xid, .status = status};

    ckpt_rpc_server_reply(server, &reply);
    server->answered = true;
}

static int serve_call(struct ckpt_rpc_server *server, struct svc_req *req)
{
    if (req->rq_prog != server->prog) {
        answer_status(server, PROG_UNAVAIL);
    } else if (req->rq_vers != server->vers) {
        answer_status(server, PROG_MISMATCH);
    } else {
        int admitted = server->admit ? server->admit(req) : 0;
        if (admitted < 0) {
            errno = EACCES;
            return -1;
        }
        if (admitted == 0)
            server->dispatch(req, &server->xprt);
    }
    if (!server->answered)
        answer_status(server, SYSTEM_ERR);
    return 0;
}

static int malformed(void)
{
    errno = EPROTO;
    return -1;
}

/* The call in server->in is whole. */
static int handle_call(struct ckpt_rpc_server *server)
{
    struct svc_req req = {.rq_xprt = &server->xprt};
    struct opaque_auth verifier;
    struct head head = {server->in + RPC_MARK_LEN,
                        server->in_have - RPC_MARK_LEN, false};

    server->xid = head_u32(&head);
    uint32_t direction = head_u32(&head);
    uint32_t rpcvers = head_u32(&head);
    req.rq_prog = head_u32(&head);
    req.rq_vers = head_u32(&head);
    req.rq_proc = head_u32(&head);
    if (head.failed || direction != CALL)
        return malformed();
    if (rpcvers != RPC_MSG_VERSION) {
        ckpt_rpc_server_deny(server, server->xid, RPC_MISMATCH,
                             RPC_MSG_VERSION);
        return 0;
    }
    head_auth(&head, &req.rq_cred);
    head_auth(&head, &verifier);
    if (head.failed)
        return malformed();
    server->args = head.at;
    server->args_len = head.left;
    server->answered = server->has_result = false;
    server->keep = (struct reply_keep){0};
    return serve_call(server, &req);
}

/* --- receiving ------------------------------------------------------------ */

/* Bytes the record in `in` has with its mark, as far as is known; 0 for a mark
 * that no client of ours sends. */
static size_t record_size(const struct ckpt_rpc_server *server)
{
    if (server->in_have < RPC_MARK_LEN)
        return RPC_MARK_LEN;
    uint32_t mark = ckpt_rpc_get_u32(server->in);
    size_t len = mark & ~(uint32_t)RPC_LAST_FRAGMENT;
    if (!(mark & (uint32_t)RPC_LAST_FRAGMENT) || len > CKPT_RPC_RECORD_MAX)
        return 0;
    return RPC_MARK_LEN + len;
}

/* 1: a call is whole; 0: wait for more; -1: errno, 0 for the peer's end. */
static int receive_call(struct ckpt_rpc_server *server)
{
    size_t size = record_size(server);

    while (size > server->in_have || size == RPC_MARK_LEN) {
        if (size == server->in_have)
            return malformed(); /* an empty record */
        ssize_t n =
            ckpt_channel_read(server->channel, server->in + server->in_have,
                              size - server->in_have);
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        if (n == 0) {
            errno = server->in_have > 0 ? ECONNRESET : 0;
            return -1;
        }
        server->in_have += (size_t)n;
        if (server->in_have >= RPC_MARK_LEN)
            size = record_size(server);
    }
    return size == 0 ? malformed() : 1;
}

static bool backlogged(const struct ckpt_rpc_server *server)
{
    return server->queue_end - server->queue_at >= CKPT_RPC_QUEUE_MAX;
}

static int drop(struct ckpt_rpc_server *server, struct ckpt_err *err)
{
    if (server->errnum == 0)
        server->errnum = errno ? errno : ENOTCONN;
    errno = server->errnum;
    return ckpt_err_sys(err, "connection dropped");
}

int ckpt_rpc_server_step(struct ckpt_rpc_server *server, struct ckpt_err *err)
{
    server->more = false;
    if (server->stopped)
        return 0;
    if (ckpt_rpc_server_flush(server))
        return drop(server, err);
    for (int i = 0; i < CALLS_PER_STEP && !backlogged(server); i++) {
        int got = receive_call(server);
        if (got < 0 && errno == 0) {
            server->errnum = ENOTCONN;
            return 0;
        }
        if (got == 0)
            return 1;
        if (got < 0 || handle_call(server) || server->errnum)
            return drop(server, err);
        server->in_have = 0;
        if (server->stopped)
            return 0;
        if (!ckpt_channel_pending(server->channel) &&
            !ckpt_channel_awake(server->channel))
            return 1; /* the socket tells when there is more */
    }
    server->more = !backlogged(server);
    return 1;
}

void ckpt_rpc_server_stop(struct ckpt_rpc_server *server)
{
    server->stopped = true;
}

short ckpt_rpc_server_events(const struct ckpt_rpc_server *server)
{
    bool sending = server->queue_end > server->queue_at ||
                   ckpt_channel_unsent(server->channel);

    return (short)((backlogged(server) ? 0 : POLLIN) | (sending ? POLLOUT : 0));
}

bool ckpt_rpc_server_pending(const struct ckpt_rpc_server *server)
{
    if (server->errnum)
        return true;
    return server->more && !backlogged(server) &&
           (ckpt_channel_pending(server->channel) ||
            ckpt_channel_awake(server->channel));
}

/* --- life ----------------------------------------------------------------- */

static void init_xprt(struct ckpt_rpc_server *server)
{
    static const struct xp_ops ops = {
        .xp_recv = xprt_recv,
        .xp_stat = xprt_stat,
        .xp_getargs = xprt_getargs,
        .xp_reply = xprt_reply,
        .xp_freeargs = xprt_freeargs,
        .xp_destroy = xprt_destroy,
    };
    static const struct xp_ops2 ops2 = {.xp_control = xprt_control};

    server->xprt.xp_fd = ckpt_channel_fd(server->channel);
    server->xprt.xp_ops = &ops;
    server->xprt.xp_ops2 = &ops2;
    server->xprt.xp_p1 = server;
}

struct ckpt_rpc_server *ckpt_rpc_server(struct ckpt_channel *channel,
                                        rpcprog_t prog, rpcvers_t vers,
                                        ckpt_rpc_dispatch *dispatch,
                                        void *context, struct ckpt_err *err)
{
    struct ckpt_rpc_server *server = calloc(1, sizeof *server);
    int fd = ckpt_channel_fd(channel);

    if (!server || !(server->in = malloc(RPC_SERVER_BUF)) ||
        !(server->out = malloc(RPC_SERVER_BUF))) {
        ckpt_err_set(err, ENOMEM, "no memory for a connection");
        goto fail;
    }
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)) {
        ckpt_err_sys(err, "making a socket non-blocking");
        goto fail;
    }
    server->channel = channel;
    server->prog = (uint32_t)prog;
    server->vers = (uint32_t)vers;
    server->dispatch = dispatch;
    server->context = context;
    server->more = true;
    init_xprt(server);
    return server;
fail:
    if (server) {
        free(server->out);
        free(server->in);
    }
    free(server);
    return NULL;
}

void ckpt_rpc_server_destroy(struct ckpt_rpc_server *server)
{
    if (!server)
        return;
    for (struct ckpt_rpc_deferred *d = server->deferred; d; d = d->next)
        d->server = NULL;
    free(server->queue);
    free(server->out);
    free(server->in);
    free(server);
}

void ckpt_rpc_server_set_admit(struct ckpt_rpc_server *server,
                               int (*admit)(struct svc_req *req))
{
    server->admit = admit;
}

void ckpt_rpc_server_set_touched(struct ckpt_rpc_server *server,
                                 void (*touched)(void *context))
{
    server->touched = touched;
}

void *ckpt_rpc_context(struct svc_req *req)
{
    return of(req->rq_xprt)->context;
}

const void *ckpt_rpc_cred(struct svc_req *req, unsigned *flavor, size_t *len)
{
    *flavor = (unsigned)req->rq_cred.oa_flavor;
    *len = req->rq_cred.oa_length;
    return req->rq_cred.oa_base;
}
