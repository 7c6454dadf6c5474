/* rpc_client.h - the inside of a client; only rpc_client*.c */
#ifndef CKPT_PROTO_RPC_CLIENT_H
#define CKPT_PROTO_RPC_CLIENT_H

#include "lib/proto/rpc.h"
#include "lib/proto/rpc_in.h"
#include "lib/proto/rpc_out.h"

/* Small fields of one call of a job: two paths and the head, with room to
 * spare.  Daemons, which send argument lists, take the greatest size. */
enum {
    RPC_CLIENT_OUT_SMALL = 20 << 10,
    RPC_CLIENT_OUT_FULL = RPC_MARK_LEN + CKPT_RPC_RECORD_MAX,
};

struct rpc_client {
    CLIENT client;
    struct ckpt_channel *channel;
    uint32_t prog, vers;
    uint32_t xid; /* of the last call */
    struct rpc_err error;
    void (*release)(struct rpc_client *c); /* NULL: the caller's memory */
    void (*other)(CLIENT *client, uint32_t xid, enum clnt_stat status,
                  void *arg);
    void *other_arg;
    uint32_t cred_flavor;
    unsigned cred_len;
    uint8_t cred[CKPT_RPC_CRED_MAX];
    struct rpc_in in;
    size_t out_size;
    _Alignas(8) uint8_t out[];
};

#endif
