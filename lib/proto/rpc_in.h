/* rpc_in.h - an XDR stream that decodes a message while it comes in
 *
 * The message passes through a small look-ahead buffer, except for opaque data
 * of 4 KiB and more, which is read straight to its place.
 */
#ifndef CKPT_PROTO_RPC_IN_H
#define CKPT_PROTO_RPC_IN_H

#include "lib/proto/channel.h"

#include <rpc/rpc.h>
#include <stddef.h>
#include <stdint.h>

enum { RPC_LOOK_SIZE = 8192 };

struct rpc_in {
    XDR xdr;
    struct ckpt_channel *channel;
    size_t left;      /* of the message, look-ahead included */
    size_t at, end;   /* look-ahead; may hold the beginning of the next */
    int errnum;       /* of the channel, 0 for none */
    const void *into; /* where at most into_max bytes may go */
    size_t into_max;
    _Alignas(8) uint8_t look[RPC_LOOK_SIZE];
};

void ckpt_rpc_in_init(struct rpc_in *in, struct ckpt_channel *channel);

/* Wait for the next message.  0, or -1 with errno (and in->errnum). */
int ckpt_rpc_in_start(struct rpc_in *in);

bool_t ckpt_rpc_in_u32(struct rpc_in *in, uint32_t *value);

/* Pass over `len` bytes of the message; FALSE when it has not so many. */
bool_t ckpt_rpc_in_skip(struct rpc_in *in, size_t len);

#endif
