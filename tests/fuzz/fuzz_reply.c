/* fuzz_reply.c - replies, as a client gets them: any bytes inside the channel
 *
 * The first byte chooses: the rest as it is, or as a result behind a good head.
 */
#include "lib/proto/rpc.h"
#include "lib/proto/rpc_out.h"
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

/* A reply to call `xid`; returns its length. */
static size_t make_reply(uint8_t *reply, uint8_t xid, const uint8_t *result,
                         size_t len)
{
    static const uint32_t words[] = {0, REPLY, MSG_ACCEPTED, 0, 0, SUCCESS};
    size_t at = 4;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++, at += 4)
        ckpt_rpc_put_u32(reply + at, i == 0 ? xid : words[i]);
    memcpy(reply + at, result, len);
    at += len;
    ckpt_rpc_put_u32(reply, 0x80000000 | (uint32_t)(at - 4));
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void *memory;
    static uint8_t reply[61000];
    uint32_t xid;
    enum clnt_stat status;

    if (len < 2 || len > 60000)
        return -1;
    if (data[0] & 1) {
        len = make_reply(reply, data[1], data + 2, len - 2);
        data = reply;
    }
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
