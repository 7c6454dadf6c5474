/* fuzz_call.c - calls, as a server gets them: any bytes inside the channel
 *
 * The first byte chooses: the rest as it is, or as arguments behind a good
 * head.  A dispatcher that decodes by procedure number, echoes and defers.
 */
#include "lib/proto/rpc.h"
#include "lib/proto/rpc_out.h"
#include "lib/proto/shadow.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static struct ckpt_rpc_deferred *deferred;

static void dispatch(struct svc_req *req, SVCXPRT *xprt)
{
    static const xdrproc_t procs[] = {
        (xdrproc_t)(void *)xdr_shadow_write_args,
        (xdrproc_t)(void *)xdr_shadow_two_paths_args,
        (xdrproc_t)(void *)xdr_shadow_event_args,
        (xdrproc_t)(void *)xdr_shadow_readdir_res,
        (xdrproc_t)(void *)xdr_shadow_start_ok,
    };
    static _Alignas(8) char args[4096];
    xdrproc_t proc = procs[req->rq_proc % 5];

    memset(args, 0, sizeof args);
    if (!svc_getargs(xprt, proc, args)) {
        svcerr_decode(xprt);
        return;
    }
    if (req->rq_proc & 64 && !deferred)
        deferred = ckpt_rpc_defer(req);
    else
        svc_sendreply(xprt, proc, args);
    svc_freeargs(xprt, proc, args);
}

/* A call of procedure `proc`; returns its length. */
static size_t make_call(uint8_t *call, uint8_t proc, const uint8_t *args,
                        size_t len)
{
    static const uint32_t words[] = {7, CALL, 2, SHADOW_PROGRAM, 1, 0, 0,
                                     0, 0,    0};
    size_t at = 4;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++, at += 4)
        ckpt_rpc_put_u32(call + at, i == 5 ? proc : words[i]);
    memcpy(call + at, args, len);
    at += len;
    ckpt_rpc_put_u32(call, 0x80000000 | (uint32_t)(at - 4));
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t call[61000];
    struct ckpt_rpc_server *server;
    struct fuzz_pair pair;

    if (len < 2 || len > 60000)
        return -1;
    if (data[0] & 1) {
        len = make_call(call, data[1], data + 2, len - 2);
        data = call;
    }
    pair = fuzz_pair();
    server = ckpt_rpc_server(pair.b, SHADOW_PROGRAM, 1, dispatch, NULL, NULL);
    fuzz_send(&pair, data, len / 2);
    if (ckpt_rpc_server_step(server, NULL) == 1) {
        fuzz_send(&pair, data + len / 2, len - len / 2);
        ckpt_rpc_server_step(server, NULL);
    }
    if (deferred && len % 2)
        ckpt_rpc_defer_reply(deferred, (xdrproc_t)(void *)xdr_void, NULL);
    else if (deferred)
        ckpt_rpc_server_step(server, NULL);
    ckpt_rpc_server_destroy(server);
    if (deferred && len % 2 == 0)
        ckpt_rpc_defer_drop(deferred);
    deferred = NULL;
    return 0;
}
