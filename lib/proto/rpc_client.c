/* rpc_client.c - the client side of rpc.h */
#include "lib/proto/rpc_client.h"
#include "lib/proto/rpc.h"

#include <errno.h>
#include <string.h>

_Static_assert(CKPT_RPC_CRED_MAX == MAX_AUTH_BYTES, "RFC 5531");

static struct rpc_client *of(CLIENT *client)
{
    return client->cl_private;
}

static enum clnt_stat failed(struct rpc_client *c, enum clnt_stat status,
                             int errnum)
{
    c->error.re_status = status;
    c->error.re_errno = errnum;
    return status;
}

static enum clnt_stat lost(struct rpc_client *c, enum clnt_stat status,
                           int errnum)
{
    return failed(c, errnum == ETIMEDOUT ? RPC_TIMEDOUT : status, errnum);
}

/* --- the call ----------------------------------------------------------- */

static bool_t put_cred(struct rpc_client *c, struct rpc_out *out)
{
    bool_t ok = ckpt_rpc_out_u32(out, c->cred_flavor) &&
                xdr_bytes(&out->xdr, &(char *){(char *)c->cred},
                          &(u_int){c->cred_len}, CKPT_RPC_CRED_MAX);

    c->cred_flavor = AUTH_NONE;
    c->cred_len = 0;
    return ok;
}

static bool_t put_call_head(struct rpc_client *c, struct rpc_out *out,
                            uint32_t proc)
{
    return ckpt_rpc_out_u32(out, c->xid) && ckpt_rpc_out_u32(out, CALL) &&
           ckpt_rpc_out_u32(out, RPC_MSG_VERSION) &&
           ckpt_rpc_out_u32(out, c->prog) && ckpt_rpc_out_u32(out, c->vers) &&
           ckpt_rpc_out_u32(out, proc) && put_cred(c, out) &&
           ckpt_rpc_out_u32(out, AUTH_NONE) && ckpt_rpc_out_u32(out, 0);
}

enum clnt_stat ckpt_rpc_client_send(CLIENT *client, rpcproc_t proc,
                                    xdrproc_t xargs, void *args, uint32_t *xid)
{
    struct rpc_client *c = of(client);
    struct iovec iov[RPC_OUT_PIECES];
    struct rpc_out out;

    ckpt_rpc_out_start(&out, c->out, c->out_size);
    c->xid++;
    if (!put_call_head(c, &out, proc) || !(*xargs)(&out.xdr, args))
        return failed(c, RPC_CANTENCODEARGS, EMSGSIZE);
    int count = ckpt_rpc_out_finish(&out, iov);
    if (ckpt_channel_writev(c->channel, iov, count))
        return lost(c, RPC_CANTSEND, errno);
    *xid = c->xid;
    return RPC_SUCCESS;
}

/* --- the reply ---------------------------------------------------------- */

static enum clnt_stat malformed(struct rpc_client *c)
{
    if (c->in.errnum)
        return lost(c, RPC_CANTRECV, c->in.errnum);
    return failed(c, RPC_CANTDECODERES, EPROTO);
}

static enum clnt_stat rejected(struct rpc_client *c)
{
    uint32_t why, detail;

    if (!ckpt_rpc_in_u32(&c->in, &why) || !ckpt_rpc_in_u32(&c->in, &detail))
        return malformed(c);
    if (why == RPC_MISMATCH)
        return failed(c, RPC_VERSMISMATCH, EPROTONOSUPPORT);
    failed(c, RPC_AUTHERROR, 0);
    c->error.re_why = (enum auth_stat)detail;
    return RPC_AUTHERROR;
}

static enum clnt_stat accepted(struct rpc_client *c)
{
    uint32_t flavor, len, status;

    if (!ckpt_rpc_in_u32(&c->in, &flavor) || !ckpt_rpc_in_u32(&c->in, &len) ||
        len > CKPT_RPC_CRED_MAX ||
        !ckpt_rpc_in_skip(&c->in, (len + 3) & ~(size_t)3) ||
        !ckpt_rpc_in_u32(&c->in, &status))
        return malformed(c);
    switch (status) {
    case SUCCESS:
        return RPC_SUCCESS;
    case PROG_UNAVAIL:
        return failed(c, RPC_PROGUNAVAIL, EPROTONOSUPPORT);
    case PROG_MISMATCH:
        return failed(c, RPC_PROGVERSMISMATCH, EPROTONOSUPPORT);
    case PROC_UNAVAIL:
        return failed(c, RPC_PROCUNAVAIL, EOPNOTSUPP);
    case GARBAGE_ARGS:
        return failed(c, RPC_CANTDECODEARGS, EINVAL);
    case SYSTEM_ERR:
        return failed(c, RPC_SYSTEMERROR, EIO);
    default:
        return failed(c, RPC_FAILED, EPROTO);
    }
}

enum clnt_stat ckpt_rpc_client_next(CLIENT *client, uint32_t *xid)
{
    struct rpc_client *c = of(client);
    uint32_t direction, kind;

    if (!ckpt_rpc_in_skip(&c->in, c->in.left) || ckpt_rpc_in_start(&c->in))
        return lost(c, RPC_CANTRECV, c->in.errnum);
    if (!ckpt_rpc_in_u32(&c->in, xid) || !ckpt_rpc_in_u32(&c->in, &direction) ||
        direction != REPLY || !ckpt_rpc_in_u32(&c->in, &kind))
        return malformed(c);
    c->error.re_status = RPC_SUCCESS;
    return kind == MSG_ACCEPTED ? accepted(c) : rejected(c);
}

enum clnt_stat ckpt_rpc_client_result(CLIENT *client, xdrproc_t xres, void *res)
{
    struct rpc_client *c = of(client);
    bool_t ok = (*xres)(&c->in.xdr, res);

    c->in.into = NULL;
    if (!ok)
        return malformed(c);
    if (!ckpt_rpc_in_skip(&c->in, c->in.left))
        return lost(c, RPC_CANTRECV, c->in.errnum);
    return RPC_SUCCESS;
}

static bool cannot_go_on(enum clnt_stat status)
{
    return status == RPC_CANTRECV || status == RPC_TIMEDOUT;
}

/* Replies to calls of ckpt_rpc_client_send() may come before ours. */
static enum clnt_stat await_own(CLIENT *client, uint32_t own)
{
    struct rpc_client *c = of(client);
    enum clnt_stat status;
    uint32_t xid = own;

    for (;;) {
        status = ckpt_rpc_client_next(client, &xid);
        if (xid == own || cannot_go_on(status))
            return status;
        const void *into = c->in.into;
        if (c->other)
            c->other(client, xid, status, c->other_arg);
        c->in.into = into;
    }
}

static enum clnt_stat client_call(CLIENT *client, rpcproc_t proc,
                                  xdrproc_t xargs, void *args, xdrproc_t xres,
                                  void *res, struct timeval unused)
{
    enum clnt_stat status;
    uint32_t xid;

    (void)unused;
    status = ckpt_rpc_client_send(client, proc, xargs, args, &xid);
    if (status == RPC_SUCCESS)
        status = await_own(client, xid);
    if (status == RPC_SUCCESS)
        status = ckpt_rpc_client_result(client, xres, res);
    of(client)->in.into = NULL;
    return status;
}

/* --- the rest of a CLIENT ----------------------------------------------- */

static void client_abort(CLIENT *client)
{
    (void)client;
}

static void client_geterr(CLIENT *client, struct rpc_err *error)
{
    *error = of(client)->error;
}

static bool_t client_freeres(CLIENT *client, xdrproc_t xres, void *res)
{
    (void)client;
    xdr_free(xres, res);
    return TRUE;
}

static void client_destroy(CLIENT *client)
{
    struct rpc_client *c = of(client);

    if (c->release)
        c->release(c);
}

static bool_t client_control(CLIENT *client, u_int request, void *info)
{
    const struct timeval *limit = info;

    if (request != CLSET_TIMEOUT)
        return FALSE;
    ckpt_channel_set_timeout(of(client)->channel, (int)(limit->tv_sec * 1000 +
                                                        limit->tv_usec / 1000));
    return TRUE;
}

size_t ckpt_rpc_client_size(void)
{
    return sizeof(struct rpc_client) + RPC_CLIENT_OUT_SMALL;
}

CLIENT *ckpt_rpc_client_init(void *memory, struct ckpt_channel *channel,
                             rpcprog_t prog, rpcvers_t vers)
{
    static struct clnt_ops ops = {
        .cl_call = client_call,
        .cl_abort = client_abort,
        .cl_geterr = client_geterr,
        .cl_freeres = client_freeres,
        .cl_destroy = client_destroy,
        .cl_control = client_control,
    };
    struct rpc_client *c = memory;

    memset(c, 0, offsetof(struct rpc_client, in));
    c->client.cl_ops = &ops;
    c->client.cl_private = c;
    c->channel = channel;
    c->prog = (uint32_t)prog;
    c->vers = (uint32_t)vers;
    c->out_size = RPC_CLIENT_OUT_SMALL;
    ckpt_rpc_in_init(&c->in, channel);
    return &c->client;
}

void ckpt_rpc_client_cred(CLIENT *client, unsigned flavor, const void *body,
                          size_t len)
{
    struct rpc_client *c = of(client);

    if (len > CKPT_RPC_CRED_MAX)
        return;
    c->cred_flavor = flavor;
    c->cred_len = (unsigned)len;
    memcpy(c->cred, body, len);
}

void ckpt_rpc_client_into(CLIENT *client, void *into, size_t size)
{
    struct rpc_client *c = of(client);

    c->in.into = into;
    c->in.into_max = size;
}

void ckpt_rpc_client_on_other(CLIENT *client,
                              void (*other)(CLIENT *client, uint32_t xid,
                                            enum clnt_stat status, void *arg),
                              void *arg)
{
    of(client)->other = other;
    of(client)->other_arg = arg;
}
