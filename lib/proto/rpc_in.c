/* rpc_in.c - see rpc_in.h */
#include "lib/proto/rpc_in.h"

#include "lib/proto/rpc.h"
#include "lib/proto/rpc_out.h"

#include <errno.h>
#include <string.h>

enum { DIRECT_MIN = 4096 };

static int broken(struct rpc_in *in, int errnum)
{
    in->errnum = errnum;
    errno = errnum;
    return -1;
}

/* Read 1..len bytes. */
static ssize_t receive(struct rpc_in *in, void *buf, size_t len)
{
    ssize_t n = ckpt_channel_read(in->channel, buf, len);

    if (n == 0)
        return broken(in, ECONNRESET);
    return n < 0 ? broken(in, errno) : n;
}

/* Bytes in the look-ahead that belong to this message. */
static size_t ahead(const struct rpc_in *in)
{
    size_t n = in->end - in->at;

    return n < in->left ? n : in->left;
}

/* Have at least `len` (a few) bytes in the look-ahead. */
static int look(struct rpc_in *in, size_t len)
{
    if (in->end - in->at >= len)
        return 0;
    memmove(in->look, in->look + in->at, in->end - in->at);
    in->end -= in->at;
    in->at = 0;
    while (in->end < len) {
        ssize_t n = receive(in, in->look + in->end, RPC_LOOK_SIZE - in->end);
        if (n < 0)
            return -1;
        in->end += (size_t)n;
    }
    return 0;
}

static void consume(struct rpc_in *in, size_t len)
{
    in->at += len;
    in->left -= len;
}

bool_t ckpt_rpc_in_u32(struct rpc_in *in, uint32_t *value)
{
    if (in->left < 4 || look(in, 4))
        return FALSE;
    *value = ckpt_rpc_get_u32(in->look + in->at);
    consume(in, 4);
    return TRUE;
}

static bool_t in_getlong(XDR *xdr, long *value)
{
    uint32_t word;

    if (!ckpt_rpc_in_u32(xdr->x_private, &word))
        return FALSE;
    *value = (long)word;
    return TRUE;
}

/* Take what the look-ahead has. */
static size_t copy_ahead(struct rpc_in *in, uint8_t *to, size_t len)
{
    size_t n = ahead(in);

    if (n > len)
        n = len;
    memcpy(to, in->look + in->at, n);
    consume(in, n);
    return n;
}

static bool_t in_getbytes(XDR *xdr, char *data, u_int len)
{
    struct rpc_in *in = xdr->x_private;
    uint8_t *to = (uint8_t *)data;
    size_t want = len;

    if (want > in->left || (in->into == data && want > in->into_max))
        return FALSE;
    while (want > 0) {
        size_t n = copy_ahead(in, to, want);
        to += n;
        want -= n;
        if (want >= DIRECT_MIN) {
            ssize_t got = receive(in, to, want);
            if (got < 0)
                return FALSE;
            to += got;
            want -= (size_t)got;
            in->left -= (size_t)got;
        } else if (want > 0 && look(in, 1)) {
            return FALSE;
        }
    }
    return TRUE;
}

static int32_t *in_inline(XDR *xdr, u_int len)
{
    struct rpc_in *in = xdr->x_private;

    if (ahead(in) < len || in->at % 4 != 0)
        return NULL;
    int32_t *at = (int32_t *)(void *)(in->look + in->at);
    consume(in, len);
    return at;
}

bool_t ckpt_rpc_in_skip(struct rpc_in *in, size_t len)
{
    if (len > in->left)
        return FALSE;
    while (len > 0) {
        if (look(in, 1))
            return FALSE;
        size_t n = ahead(in) < len ? ahead(in) : len;
        consume(in, n);
        len -= n;
    }
    return TRUE;
}

static bool_t in_putlong(XDR *xdr, const long *value)
{
    (void)xdr;
    (void)value;
    return FALSE;
}

static bool_t in_putbytes(XDR *xdr, const char *data, u_int len)
{
    (void)xdr;
    (void)data;
    (void)len;
    return FALSE;
}

static u_int in_getpos(XDR *xdr)
{
    (void)xdr;
    return 0;
}

static bool_t in_setpos(XDR *xdr, u_int pos)
{
    (void)xdr;
    (void)pos;
    return FALSE;
}

void ckpt_rpc_in_init(struct rpc_in *in, struct ckpt_channel *channel)
{
    static const struct xdr_ops ops = {
        .x_getlong = in_getlong,
        .x_putlong = in_putlong,
        .x_getbytes = in_getbytes,
        .x_putbytes = in_putbytes,
        .x_getpostn = in_getpos,
        .x_setpostn = in_setpos,
        .x_inline = in_inline,
    };

    memset(in, 0, offsetof(struct rpc_in, look));
    in->xdr.x_op = XDR_DECODE;
    in->xdr.x_ops = &ops;
    in->xdr.x_private = in;
    in->channel = channel;
}

int ckpt_rpc_in_start(struct rpc_in *in)
{
    if (look(in, RPC_MARK_LEN))
        return -1;
    uint32_t mark = ckpt_rpc_get_u32(in->look + in->at);
    size_t len = mark & ~(uint32_t)RPC_LAST_FRAGMENT;
    if (!(mark & (uint32_t)RPC_LAST_FRAGMENT) || len > CKPT_RPC_RECORD_MAX)
        return broken(in, EPROTO);
    in->at += RPC_MARK_LEN;
    in->left = len;
    return 0;
}
