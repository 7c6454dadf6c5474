/* rpc_client_new.c - a client in memory of its own, for daemons and commands;
 * apart from rpc_client.c, which must not allocate */
#include "lib/proto/rpc_client.h"

#include <errno.h>
#include <stdlib.h>

static void release(struct rpc_client *c)
{
    free(c);
}

CLIENT *ckpt_rpc_client(struct ckpt_channel *channel, rpcprog_t prog,
                        rpcvers_t vers, struct ckpt_err *err)
{
    struct rpc_client *c = malloc(sizeof *c + RPC_CLIENT_OUT_FULL);

    if (!c) {
        ckpt_err_set(err, ENOMEM, "no memory for a client");
        return NULL;
    }
    ckpt_rpc_client_init(c, channel, prog, vers);
    c->out_size = RPC_CLIENT_OUT_FULL;
    c->release = release;
    return &c->client;
}
