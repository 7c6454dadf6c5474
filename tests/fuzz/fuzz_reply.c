/* fuzz_reply.c - replies, as a client gets them: any bytes inside the channel
 */
#include "lib/proto/rpc.h"
#include "lib/proto/shadow.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { LIMIT = 100 };

/* A buffer of its own for each run: the sanitizer watches its end. */
static void read_limited(CLIENT *client)
{
    shadow_read_res res;
    char *buf = malloc(LIMIT);

    memset(&res, 0, sizeof res);
    res.shadow_read_res_u.ok.data.shadow_data_val = buf;
    ckpt_rpc_client_into(client, buf, LIMIT);
    ckpt_rpc_client_result(client, (xdrproc_t)(void *)xdr_shadow_read_res,
                           &res);
    free(buf);
}

static void read_free(CLIENT *client)
{
    shadow_readdir_res res;

    memset(&res, 0, sizeof res);
    ckpt_rpc_client_result(client, (xdrproc_t)(void *)xdr_shadow_readdir_res,
                           &res);
    xdr_free((xdrproc_t)(void *)xdr_shadow_readdir_res, &res);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void *memory;
    uint32_t xid;
    enum clnt_stat status;

    if (len > 60000)
        return -1;
    if (!memory)
        memory = malloc(ckpt_rpc_client_size());
    struct fuzz_pair pair = fuzz_pair();
    CLIENT *client =
        ckpt_rpc_client_init(memory, pair.b, SHADOW_PROGRAM, SHADOW_V1);
    fuzz_send(&pair, data, len);
    do {
        status = ckpt_rpc_client_next(client, &xid);
        if (status == RPC_SUCCESS && xid % 2)
            read_limited(client);
        else if (status == RPC_SUCCESS)
            read_free(client);
    } while (status != RPC_CANTRECV && status != RPC_TIMEDOUT);
    return 0;
}
