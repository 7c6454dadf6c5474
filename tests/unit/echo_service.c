/* echo_service.c - see echo_service.h */
#include "tests/unit/echo_service.h"

#include <malloc.h>
#include <poll.h>

const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "the key of these tests";

void echo_program_1(struct svc_req *req, SVCXPRT *xprt);

/* --- the service
 * -------------------------------------------------------------- Written as the
 * authors of daemons write theirs. */

static struct {
    unsigned calls;
    uint8_t kept[4096];
    size_t kept_len;
} service;

bool_t echo_null_1_svc(void *args, void *res, struct svc_req *req)
{
    (void)args;
    (void)res;
    (void)req;
    return TRUE;
}

bool_t echo_same_1_svc(echo_same *args, echo_same *res, struct svc_req *req)
{
    if (args->what == ECHO_NOTHING)
        return FALSE;
    service.kept_len = 0;
    if (args->what == ECHO_KEEP)
        ckpt_rpc_keep(req, service.kept, sizeof service.kept,
                      &service.kept_len);
    *res = *args; /* the data moves over to the result */
    memset(args, 0, sizeof *args);
    return TRUE;
}

bool_t echo_names_1_svc(echo_names *args, echo_names *res, struct svc_req *req)
{
    (void)req;
    *res = *args;
    memset(args, 0, sizeof *args);
    return TRUE;
}

bool_t echo_big_1_svc(u_int *args, echo_big *res, struct svc_req *req)
{
    (void)req;
    res->data.data_len = *args;
    res->data.data_val = calloc(1, *args + 1);
    return TRUE;
}

bool_t echo_state_1_svc(void *args, echo_state *res, struct svc_req *req)
{
    size_t len;
    const void *body = ckpt_rpc_cred(req, &res->cred_flavor, &len);

    (void)args;
    res->heap = mallinfo2().uordblks + mallinfo2().hblkhd;
    res->calls = service.calls;
    res->cred.cred_len = (u_int)len;
    res->cred.cred_val = malloc(len + 1);
    memcpy(res->cred.cred_val, body, len);
    return TRUE;
}

int echo_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xres, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xres, res);
}

/* A repeated call is told by its credential. */
static int admit(struct svc_req *req)
{
    unsigned flavor;
    size_t len;

    service.calls++;
    ckpt_rpc_cred(req, &flavor, &len);
    if (flavor != ECHO_REPLAY)
        return 0;
    return ckpt_rpc_replay(req, service.kept, service.kept_len) ? -1 : 1;
}

/* --- the child ------------------------------------------------------------ */

void serve(int fd, rpcprog_t prog, ckpt_rpc_dispatch *dispatch)
{
    struct ckpt_channel *served = calloc(1, ckpt_channel_size());
    int rc;

    if (ckpt_channel_accept(served, fd, psk, "x", 1, 5000, NULL))
        _exit(1);
    struct ckpt_rpc_server *server =
        ckpt_rpc_server(served, prog, 1, dispatch, NULL, NULL);
    ckpt_rpc_server_set_admit(server, admit);
    while ((rc = ckpt_rpc_server_step(server, NULL)) == 1) {
        struct pollfd p = {fd, ckpt_rpc_server_events(server), 0};
        if (!ckpt_rpc_server_pending(server))
            poll(&p, 1, -1);
    }
    _exit(rc == 0 ? 0 : errno);
}

pid_t child;
struct ckpt_channel *channel;
CLIENT *client;

void connect_child(rpcprog_t prog, rpcvers_t vers)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    child = fork();
    if (child == 0) {
        close(fds[0]);
        serve(fds[1], ECHO_PROGRAM, echo_program_1);
    }
    close(fds[1]);
    channel = calloc(1, ckpt_channel_size());
    ck_assert_int_eq(
        ckpt_channel_connect(channel, fds[0], psk, "x", 1, 5000, NULL), 0);
    client = ckpt_rpc_client(channel, prog, vers, NULL);
    ck_assert_ptr_nonnull(client);
}

void set_up(void)
{
    connect_child(ECHO_PROGRAM, ECHO_V1);
}

void finish(int expected)
{
    int status;

    clnt_destroy(client);
    ckpt_channel_close(channel);
    free(channel);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), expected);
}

void expect_alive(void)
{
    ck_assert_int_eq(echo_null_1(NULL, NULL, client), RPC_SUCCESS);
}

void send_bytes(const void *data, size_t len)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};

    ck_assert_int_eq(ckpt_channel_writev(channel, &iov, 1), 0);
}
