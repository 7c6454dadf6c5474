/* rpc_out.c - see rpc_out.h */
#include "lib/proto/rpc_out.h"

#include "lib/proto/rpc.h"

#include <string.h>

enum { REF_MIN = 4096 };

uint32_t ckpt_rpc_get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

void ckpt_rpc_put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static struct rpc_out *out_of(XDR *xdr)
{
    return xdr->x_private;
}

/* Room for `len` more bytes in the buffer; NULL when the message is full. */
static uint8_t *room(struct rpc_out *out, size_t len)
{
    if (len > out->size - out->used ||
        len > RPC_MARK_LEN + (size_t)CKPT_RPC_RECORD_MAX - out->total)
        return NULL;
    uint8_t *at = out->buf + out->used;
    out->used += len;
    out->total += len;
    return at;
}

static bool_t put_ref(struct rpc_out *out, const void *data, size_t len)
{
    if (len > RPC_MARK_LEN + (size_t)CKPT_RPC_RECORD_MAX - out->total)
        return FALSE;
    out->ref[out->refs].data = data;
    out->ref[out->refs].len = len;
    out->ref[out->refs].at = out->used;
    out->refs++;
    out->total += len;
    return TRUE;
}

static bool_t out_putbytes(XDR *xdr, const char *data, u_int len)
{
    struct rpc_out *out = out_of(xdr);

    if (len >= REF_MIN && out->refs < RPC_OUT_REFS)
        return put_ref(out, data, len);
    uint8_t *at = room(out, len);
    if (!at)
        return FALSE;
    if (len > 0)
        memcpy(at, data, len);
    return TRUE;
}

bool_t ckpt_rpc_out_u32(struct rpc_out *out, uint32_t value)
{
    uint8_t *at = room(out, 4);

    if (!at)
        return FALSE;
    ckpt_rpc_put_u32(at, value);
    return TRUE;
}

static bool_t out_putlong(XDR *xdr, const long *value)
{
    return ckpt_rpc_out_u32(out_of(xdr), (uint32_t)*value);
}

static int32_t *out_inline(XDR *xdr, u_int len)
{
    struct rpc_out *out = out_of(xdr);

    if (out->used % 4 != 0 || len % 4 != 0)
        return NULL;
    return (int32_t *)(void *)room(out, len);
}

static bool_t out_getlong(XDR *xdr, long *value)
{
    (void)xdr;
    (void)value;
    return FALSE;
}

static bool_t out_getbytes(XDR *xdr, char *data, u_int len)
{
    (void)xdr;
    (void)data;
    (void)len;
    return FALSE;
}

static u_int out_getpos(XDR *xdr)
{
    return (u_int)(out_of(xdr)->total - RPC_MARK_LEN);
}

static bool_t out_setpos(XDR *xdr, u_int pos)
{
    (void)xdr;
    (void)pos;
    return FALSE;
}

void ckpt_rpc_out_start(struct rpc_out *out, uint8_t *buf, size_t size)
{
    static const struct xdr_ops ops = {
        .x_getlong = out_getlong,
        .x_putlong = out_putlong,
        .x_getbytes = out_getbytes,
        .x_putbytes = out_putbytes,
        .x_getpostn = out_getpos,
        .x_setpostn = out_setpos,
        .x_inline = out_inline,
    };

    memset(out, 0, sizeof *out);
    out->xdr.x_op = XDR_ENCODE;
    out->xdr.x_ops = &ops;
    out->xdr.x_private = out;
    out->buf = buf;
    out->size = size;
    out->used = out->total = RPC_MARK_LEN;
}

static void add_piece(struct iovec *iov, int *count, const void *data,
                      size_t len)
{
    if (len == 0)
        return;
    iov[*count].iov_base = (void *)(uintptr_t)data;
    iov[*count].iov_len = len;
    ++*count;
}

int ckpt_rpc_out_finish(struct rpc_out *out, struct iovec *iov)
{
    size_t at = 0;
    int count = 0;

    ckpt_rpc_put_u32(out->buf, (uint32_t)RPC_LAST_FRAGMENT |
                                   (uint32_t)(out->total - RPC_MARK_LEN));
    for (unsigned i = 0; i < out->refs; i++) {
        add_piece(iov, &count, out->buf + at, out->ref[i].at - at);
        add_piece(iov, &count, out->ref[i].data, out->ref[i].len);
        at = out->ref[i].at;
    }
    add_piece(iov, &count, out->buf + at, out->used - at);
    return count;
}
