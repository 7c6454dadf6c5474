/* rpc_out.h - an XDR stream that gathers a message for one writev
 *
 * Small fields are encoded into a buffer; opaque data of 4 KiB and more is
 * referred to where it lies, and must stay there until the message is sent.
 */
#ifndef CKPT_PROTO_RPC_OUT_H
#define CKPT_PROTO_RPC_OUT_H

#include <rpc/rpc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    RPC_MARK_LEN = 4,
    RPC_OUT_REFS = 4, /* later ones are copied */
    RPC_OUT_PIECES = 2 * RPC_OUT_REFS + 1,
    RPC_LAST_FRAGMENT = (int)0x80000000,
};

struct rpc_out {
    XDR xdr;
    uint8_t *buf;
    size_t size;
    size_t used;  /* of buf, the record mark included */
    size_t total; /* of the message, the record mark included */
    unsigned refs;
    struct {
        const void *data;
        size_t len;
        size_t at; /* comes after this many bytes of buf */
    } ref[RPC_OUT_REFS];
};

/* Begin a message in buf, which is aligned to 4. */
void ckpt_rpc_out_start(struct rpc_out *out, uint8_t *buf, size_t size);

/* One big-endian word; FALSE when the message is full. */
bool_t ckpt_rpc_out_u32(struct rpc_out *out, uint32_t value);

/* Write the record mark and list the pieces (RPC_OUT_PIECES at most); returns
 * how many there are. */
int ckpt_rpc_out_finish(struct rpc_out *out, struct iovec *iov);

/* Big-endian words. */
uint32_t ckpt_rpc_get_u32(const uint8_t *at);
void ckpt_rpc_put_u32(uint8_t *at, uint32_t value);

#endif
