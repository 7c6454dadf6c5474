/* test_rpc.c - calls over a channel, with the stubs of shadow.x */
#include "lib/proto/rpc.h"

#include "lib/proto/shadow.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] =
    "the key of these tests, 32 byte";

static struct ckpt_channel *new_channel(void)
{
    struct ckpt_channel *channel = calloc(1, ckpt_channel_size());

    ck_assert_ptr_nonnull(channel);
    return channel;
}

/* A dispatcher that knows NULL, READ and WRITE; made like rpcgen's. */
static bool_t do_read(shadow_read_args *args, shadow_read_res *res)
{
    shadow_data *data = &res->shadow_read_res_u.ok.data;

    memset(res, 0, sizeof *res);
    data->shadow_data_len = args->count;
    data->shadow_data_val = malloc(args->count + 1);
    memset(data->shadow_data_val, 'r', args->count);
    return TRUE;
}

static bool_t do_write(shadow_write_args *args, shadow_write_res *res)
{
    memset(res, 0, sizeof *res);
    res->shadow_write_res_u.ok.count = args->data.shadow_data_len;
    return TRUE;
}

static void dispatch(struct svc_req *req, SVCXPRT *xprt)
{
    union {
        shadow_read_args read;
        shadow_write_args write;
    } args;
    union {
        shadow_read_res read;
        shadow_write_res write;
    } res;
    bool writes = req->rq_proc == SHADOW_WRITE;
    xdrproc_t xargs = (xdrproc_t)(writes ? (void *)xdr_shadow_write_args
                                         : (void *)xdr_shadow_read_args);
    xdrproc_t xres = (xdrproc_t)(writes ? (void *)xdr_shadow_write_res
                                        : (void *)xdr_shadow_read_res);

    if (req->rq_proc == SHADOW_NULL) {
        svc_sendreply(xprt, (xdrproc_t)(void *)xdr_void, NULL);
        return;
    }
    memset(&args, 0, sizeof args);
    if (!svc_getargs(xprt, xargs, (caddr_t)&args)) {
        svcerr_decode(xprt);
        return;
    }
    bool_t ok = writes ? do_write(&args.write, &res.write)
                       : do_read(&args.read, &res.read);
    if (ok && !svc_sendreply(xprt, xres, &res))
        svcerr_systemerr(xprt);
    svc_freeargs(xprt, xargs, (caddr_t)&args);
    ckpt_rpc_free_result(xprt, xres, &res);
}

static void serve(int fd)
{
    struct ckpt_channel *channel = new_channel();
    struct ckpt_err err;

    if (ckpt_channel_accept(channel, fd, psk, "x", 1, 5000, &err))
        _exit(1);
    struct ckpt_rpc_server *server = ckpt_rpc_server(
        channel, SHADOW_PROGRAM, SHADOW_V1, dispatch, NULL, &err);
    int rc;
    while ((rc = ckpt_rpc_server_step(server, &err)) == 1) {
        struct pollfd p = {fd, ckpt_rpc_server_events(server), 0};
        if (!ckpt_rpc_server_pending(server))
            poll(&p, 1, -1);
    }
    _exit(rc == 0 ? 0 : 2);
}

START_TEST(calls)
{
    int fds[2], status;
    struct ckpt_channel *channel = new_channel();
    struct ckpt_err err;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        serve(fds[1]);
    }
    close(fds[1]);
    ck_assert_int_eq(
        ckpt_channel_connect(channel, fds[0], psk, "x", 1, 5000, &err), 0);
    CLIENT *client = ckpt_rpc_client(channel, SHADOW_PROGRAM, SHADOW_V1, &err);
    ck_assert_int_eq(shadow_null_1(NULL, NULL, client), RPC_SUCCESS);

    shadow_read_args args = {.count = SHADOW_DATA_MAX};
    shadow_read_res res = {0};
    char *buf = malloc(SHADOW_DATA_MAX);
    res.shadow_read_res_u.ok.data.shadow_data_val = buf;
    ckpt_rpc_client_into(client, buf, SHADOW_DATA_MAX);
    ck_assert_int_eq(shadow_read_1(&args, &res, client), RPC_SUCCESS);
    ck_assert_uint_eq(res.shadow_read_res_u.ok.data.shadow_data_len,
                      SHADOW_DATA_MAX);
    ck_assert_int_eq(buf[SHADOW_DATA_MAX - 1], 'r');

    shadow_write_args wargs = {.data = {SHADOW_DATA_MAX, buf}};
    shadow_write_res wres = {0};
    ck_assert_int_eq(shadow_write_1(&wargs, &wres, client), RPC_SUCCESS);
    ck_assert_uint_eq(wres.shadow_write_res_u.ok.count, SHADOW_DATA_MAX);
    free(buf);

    clnt_destroy(client);
    ckpt_channel_close(channel);
    free(channel);
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc");
    TCase *tc = tcase_create("rpc");

    tcase_add_test(tc, calls);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
