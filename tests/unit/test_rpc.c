/* test_rpc.c - calls over a channel, with rpcgen's stubs and dispatcher
 *
 * The service of echo.x runs in a forked child; the test is its client.
 */
#include "lib/proto/rpc.h"

#include "lib/proto/rpc_out.h"
#include "lib/proto/shadow.h"
#include "tests/unit/echo.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROC(fn) ((xdrproc_t)(void *)(fn))

static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "the key of these tests";

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

/* --- another, for inside_client: NULL, READ and READLINK of shadow.x
 * ----------- */

static void shadow_dispatch(struct svc_req *req, SVCXPRT *xprt)
{
    shadow_read_args args;
    shadow_read_res res;
    shadow_path_args path;
    shadow_path_res link = {.status = 0};

    memset(&args, 0, sizeof args);
    memset(&path, 0, sizeof path);
    memset(&res, 0, sizeof res);
    if (req->rq_proc == SHADOW_NULL) {
        svc_sendreply(xprt, PROC(xdr_void), NULL);
    } else if (req->rq_proc == SHADOW_READLINK &&
               svc_getargs(xprt, PROC(xdr_shadow_path_args), (caddr_t)&path)) {
        link.shadow_path_res_u.path = path.at.path;
        svc_sendreply(xprt, PROC(xdr_shadow_path_res), &link);
        svc_freeargs(xprt, PROC(xdr_shadow_path_args), (caddr_t)&path);
    } else if (svc_getargs(xprt, PROC(xdr_shadow_read_args), (caddr_t)&args)) {
        res.shadow_read_res_u.ok.data.shadow_data_len = args.count;
        res.shadow_read_res_u.ok.data.shadow_data_val = malloc(args.count + 1);
        memset(res.shadow_read_res_u.ok.data.shadow_data_val, 'r', args.count);
        svc_sendreply(xprt, PROC(xdr_shadow_read_res), &res);
        xdr_free(PROC(xdr_shadow_read_res), &res);
    }
}

/* --- the child
 * ------------------------------------------------------------------ */

/* Exit status of the child: 0 the peer said good-bye, or errno. */
static void serve(int fd, rpcprog_t prog, ckpt_rpc_dispatch *dispatch)
{
    struct ckpt_channel *channel = calloc(1, ckpt_channel_size());
    int rc;

    if (ckpt_channel_accept(channel, fd, psk, "x", 1, 5000, NULL))
        _exit(1);
    struct ckpt_rpc_server *server =
        ckpt_rpc_server(channel, prog, 1, dispatch, NULL, NULL);
    ckpt_rpc_server_set_admit(server, admit);
    while ((rc = ckpt_rpc_server_step(server, NULL)) == 1) {
        struct pollfd p = {fd, ckpt_rpc_server_events(server), 0};
        if (!ckpt_rpc_server_pending(server))
            poll(&p, 1, -1);
    }
    _exit(rc == 0 ? 0 : errno);
}

static pid_t child;
static struct ckpt_channel *channel;
static CLIENT *client;

static void connect_child(rpcprog_t prog, rpcvers_t vers)
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

static void set_up(void)
{
    connect_child(ECHO_PROGRAM, ECHO_V1);
}

static void finish(int expected)
{
    int status;

    clnt_destroy(client);
    ckpt_channel_close(channel);
    free(channel);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), expected);
}

static void expect_alive(void)
{
    ck_assert_int_eq(echo_null_1(NULL, NULL, client), RPC_SUCCESS);
}

/* --- calls
 * ------------------------------------------------------------------------ */

static void expect_same(u_int len)
{
    echo_same args = {ECHO_PLAIN, {len, malloc(len + 1)}};
    echo_same res;

    for (u_int i = 0; i < len; i++)
        args.data.data_val[i] = (char)(i * 31);
    memset(&res, 0, sizeof res);
    ck_assert_int_eq(echo_same_1(&args, &res, client), RPC_SUCCESS);
    ck_assert_uint_eq(res.data.data_len, len);
    if (len > 0)
        ck_assert_mem_eq(res.data.data_val, args.data.data_val, len);
    xdr_free(PROC(xdr_echo_same), &res);
    free(args.data.data_val);
}

START_TEST(carries_all_sizes)
{
    static const u_int sizes[] = {0,     1,     3,     4,      5,
                                  4095,  4096,  4097,  8192,   16384,
                                  65535, 65536, 70001, 500000, ECHO_DATA_MAX};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        expect_same(sizes[i]);
    finish(0);
}
END_TEST

START_TEST(carries_arrays)
{
    static char name[ECHO_NAME_MAX + 1];
    static echo_name names[ECHO_NAMES_MAX];
    echo_names args = {{ECHO_NAMES_MAX, names}};
    echo_names res;

    memset(name, 'n', ECHO_NAME_MAX);
    for (int i = 0; i < ECHO_NAMES_MAX; i++)
        names[i] = name + i % ECHO_NAME_MAX;
    memset(&res, 0, sizeof res);
    ck_assert_int_eq(echo_names_1(&args, &res, client), RPC_SUCCESS);
    ck_assert_uint_eq(res.names.names_len, ECHO_NAMES_MAX);
    for (int i = 0; i < ECHO_NAMES_MAX; i++)
        ck_assert_str_eq(res.names.names_val[i], names[i]);
    xdr_free(PROC(xdr_echo_names), &res);
    finish(0);
}
END_TEST

static void get_state(echo_state *state)
{
    memset(state, 0, sizeof *state);
    ck_assert_int_eq(echo_state_1(NULL, state, client), RPC_SUCCESS);
}

START_TEST(credential_goes_with_one_call)
{
    echo_state state;

    ckpt_rpc_client_cred(client, 0x434b5031, "12345", 5);
    get_state(&state);
    ck_assert_uint_eq(state.cred_flavor, 0x434b5031);
    ck_assert_uint_eq(state.cred.cred_len, 5);
    ck_assert_mem_eq(state.cred.cred_val, "12345", 5);
    xdr_free(PROC(xdr_echo_state), &state);
    get_state(&state);
    ck_assert_uint_eq(state.cred_flavor, AUTH_NONE);
    ck_assert_uint_eq(state.cred.cred_len, 0);
    xdr_free(PROC(xdr_echo_state), &state);
    finish(0);
}
END_TEST

/* --- errors that leave the connection usable
 * ---------------------------------------- */

static enum clnt_stat raw_call(rpcproc_t proc, xdrproc_t xargs, void *args)
{
    struct timeval unused = {25, 0};

    return clnt_call(client, proc, xargs, args, PROC(xdr_void), NULL, unused);
}

START_TEST(unknown_procedure)
{
    ck_assert_int_eq(raw_call(99, PROC(xdr_void), NULL), RPC_PROCUNAVAIL);
    expect_alive();
    finish(0);
}
END_TEST

START_TEST(garbage_arguments)
{
    int small = 3;

    ck_assert_int_eq(raw_call(ECHO_SAME, PROC(xdr_int), &small),
                     RPC_CANTDECODEARGS);
    ck_assert_int_eq(raw_call(ECHO_NULL, PROC(xdr_int), &small),
                     RPC_CANTDECODEARGS); /* too many */
    expect_alive();
    finish(0);
}
END_TEST

START_TEST(procedure_that_fails)
{
    echo_same args = {ECHO_NOTHING, {4, (char *)(uintptr_t) "data"}};
    echo_same res;

    memset(&res, 0, sizeof res);
    ck_assert_int_eq(echo_same_1(&args, &res, client), RPC_SYSTEMERROR);
    expect_alive();
    finish(0);
}
END_TEST

START_TEST(result_too_long)
{
    u_int len = ECHO_BIG_MAX;
    echo_big res;

    memset(&res, 0, sizeof res);
    ck_assert_int_eq(echo_big_1(&len, &res, client), RPC_SYSTEMERROR);
    expect_alive();
    finish(0);
}
END_TEST

START_TEST(arguments_too_long)
{
    echo_big args = {{ECHO_BIG_MAX, calloc(1, ECHO_BIG_MAX)}};

    ck_assert_int_eq(raw_call(ECHO_NULL, PROC(xdr_echo_big), &args),
                     RPC_CANTENCODEARGS);
    free(args.data.data_val);
    expect_alive();
    finish(0);
}
END_TEST

START_TEST(other_program)
{
    connect_child(ECHO_PROGRAM + 1, ECHO_V1);
    ck_assert_int_eq(raw_call(0, PROC(xdr_void), NULL), RPC_PROGUNAVAIL);
    finish(0);
}
END_TEST

START_TEST(other_version)
{
    connect_child(ECHO_PROGRAM, ECHO_V1 + 1);
    ck_assert_int_eq(raw_call(0, PROC(xdr_void), NULL), RPC_PROGVERSMISMATCH);
    finish(0);
}
END_TEST

/* A call that cannot be decoded half-way must not leave memory behind. */
START_TEST(bad_calls_leak_nothing)
{
    static echo_name names[100];
    echo_names args = {{100, names}};
    echo_state before, after;
    uint32_t xid;

    for (int i = 0; i < 100; i++)
        names[i] = (char *)(uintptr_t) "a name of some forty bytes, for weight";
    get_state(&before);
    for (int i = 0; i < 2000; i++) {
        struct iovec iov[RPC_OUT_PIECES];
        struct rpc_out out;
        static _Alignas(8) uint8_t buf[16384];
        static const uint32_t head[] = {
            CALL, 2, ECHO_PROGRAM, ECHO_V1, ECHO_NAMES, 0, 0, 0, 0};
        ckpt_rpc_out_start(&out, buf, sizeof buf);
        ckpt_rpc_out_u32(&out, 1000000 + (uint32_t)i);
        for (size_t j = 0; j < sizeof head / sizeof *head; j++)
            ckpt_rpc_out_u32(&out, head[j]);
        ck_assert(xdr_echo_names(&out.xdr, &args));
        out.used -= 44; /* the last name is missing */
        out.total -= 44;
        int n = ckpt_rpc_out_finish(&out, iov);
        ck_assert_int_eq(ckpt_channel_writev(channel, iov, n), 0);
        ck_assert_int_eq(ckpt_rpc_client_next(client, &xid),
                         RPC_CANTDECODEARGS);
    }
    get_state(&after);
    ck_assert_uint_le(after.heap, before.heap + 65536);
    xdr_free(PROC(xdr_echo_state), &before);
    xdr_free(PROC(xdr_echo_state), &after);
    finish(0);
}
END_TEST

/* --- decoding into the caller's memory
 * ------------------------------------------------ */

START_TEST(decodes_in_place)
{
    static char buf[70000];
    u_int len = sizeof buf;
    echo_big res;

    memset(buf, 'x', sizeof buf);
    memset(&res, 0, sizeof res);
    res.data.data_val = buf;
    ckpt_rpc_client_into(client, buf, sizeof buf);
    ck_assert_int_eq(echo_big_1(&len, &res, client), RPC_SUCCESS);
    ck_assert_ptr_eq(res.data.data_val, buf);
    ck_assert_uint_eq(res.data.data_len, sizeof buf);
    for (size_t i = 0; i < sizeof buf; i++)
        ck_assert_int_eq(buf[i], 0);
    finish(0);
}
END_TEST

/* A peer that sends more than was asked for cannot write behind the buffer,
 * and the next call is understood. */
START_TEST(limits_what_is_decoded)
{
    static char buf[8192];
    u_int len = 4097;
    echo_big res;

    memset(buf, 'x', sizeof buf);
    memset(&res, 0, sizeof res);
    res.data.data_val = buf;
    ckpt_rpc_client_into(client, buf, 4096);
    ck_assert_int_eq(echo_big_1(&len, &res, client), RPC_CANTDECODERES);
    for (size_t i = 0; i < sizeof buf; i++)
        ck_assert_int_eq(buf[i], 'x');
    expect_same(100);
    finish(0);
}
END_TEST

/* --- several calls in flight
 * ------------------------------------------------------------ */

static struct {
    unsigned replies;
    u_int bytes;
} others;

static void on_other(CLIENT *c, uint32_t xid, enum clnt_stat status, void *arg)
{
    echo_same res;

    (void)xid;
    (void)arg;
    ck_assert_int_eq(status, RPC_SUCCESS);
    memset(&res, 0, sizeof res);
    ck_assert_int_eq(ckpt_rpc_client_result(c, PROC(xdr_echo_same), &res),
                     RPC_SUCCESS);
    others.replies++;
    others.bytes += res.data.data_len;
    xdr_free(PROC(xdr_echo_same), &res);
}

/* 16 calls of 1 MiB with replies of 1 MiB that nobody reads meanwhile: no
 * deadlock.  Then a call of the usual kind hands them over. */
START_TEST(many_in_flight)
{
    echo_same args = {ECHO_PLAIN, {ECHO_DATA_MAX, calloc(1, ECHO_DATA_MAX)}};
    uint32_t xid;

    ckpt_rpc_client_on_other(client, on_other, NULL);
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(ckpt_rpc_client_send(client, ECHO_SAME,
                                              PROC(xdr_echo_same), &args, &xid),
                         RPC_SUCCESS);
    expect_alive();
    ck_assert_uint_eq(others.replies, 16);
    ck_assert_uint_eq(others.bytes, 16 * ECHO_DATA_MAX);
    free(args.data.data_val);
    finish(0);
}
END_TEST

START_TEST(kept_replies_are_replayed)
{
    echo_same args = {ECHO_KEEP, {7, (char *)(uintptr_t) "payload"}};
    echo_same res;
    echo_state state;

    memset(&res, 0, sizeof res);
    ck_assert_int_eq(echo_same_1(&args, &res, client), RPC_SUCCESS);
    xdr_free(PROC(xdr_echo_same), &res);
    args.data.data_val = (char *)(uintptr_t) "changed";
    ckpt_rpc_client_cred(client, ECHO_REPLAY, "", 0);
    memset(&res, 0, sizeof res);
    ck_assert_int_eq(echo_same_1(&args, &res, client), RPC_SUCCESS);
    ck_assert_mem_eq(res.data.data_val, "payload", 7);
    xdr_free(PROC(xdr_echo_same), &res);
    get_state(&state);
    ck_assert_uint_eq(state.calls, 3);
    xdr_free(PROC(xdr_echo_state), &state);
    finish(0);
}
END_TEST

/* --- peers that misbehave
 * ------------------------------------------------------------------ */

static void send_bytes(const void *data, size_t len)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};

    ck_assert_int_eq(ckpt_channel_writev(channel, &iov, 1), 0);
}

static void expect_dropped(const uint8_t *message, size_t len)
{
    send_bytes(message, len);
    /* the server may have closed before or after the call is sent */
    enum clnt_stat stat = echo_null_1(NULL, NULL, client);
    ck_assert(stat == RPC_CANTRECV || stat == RPC_CANTSEND);
    finish(EPROTO);
}

START_TEST(drops_bad_records)
{
    static const uint8_t
        bad[][48] =
            {
                {0x80, 0x20, 0, 0}, /* 2 MiB */
                {0xff, 0xff, 0xff, 0xff},
                {0x00, 0x00, 0x00, 0x04}, /* more fragments follow */
                {0x80, 0, 0, 0},          /* nothing */
                {0x80, 0, 0, 4},          /* no call */
                {0x80, 0, 0, 44, 0, 0, 0, 1, 0, 0, 0, 1}, /* a reply */
                {
                    0x80, 0, 0, 40, 0, 0, 0, 1, 0, 0,   0, 0, 0,
                    0,    0, 2, 0,  0, 0, 0, 0, 0, 0,   0, 0, 0,
                    0,    0, 0, 0,  0, 0, 0, 0, 1, 0x91}, /* a credential of 401
                                                             bytes */
            };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t len = bad[i][3] == 4 ? 8 : sizeof *bad;
        connect_child(ECHO_PROGRAM, ECHO_V1);
        expect_dropped(bad[i], len);
    }
}
END_TEST

START_TEST(understands_dripping_calls)
{
    static const uint8_t call[44] = {0x80, 0,    0,    40,   0, 0, 0, 77,
                                     0,    0,    0,    0,    0, 0, 0, 2,
                                     0x20, 0x43, 0x4b, 0xff, 0, 0, 0, 1};
    uint32_t xid;

    for (size_t i = 0; i < sizeof call; i++)
        send_bytes(call + i, 1);
    ck_assert_int_eq(ckpt_rpc_client_next(client, &xid), RPC_SUCCESS);
    ck_assert_uint_eq(xid, 77);
    ck_assert_int_eq(ckpt_rpc_client_result(client, PROC(xdr_void), NULL),
                     RPC_SUCCESS);
    finish(0);
}
END_TEST

/* Calls with random changes: the server answers or drops, and lives. */
START_TEST(survives_mutations)
{
    unsigned seed = 1;

    for (int round = 0; round < 40; round++) {
        connect_child(ECHO_PROGRAM, ECHO_V1);
        for (int i = 0; i < 50; i++) {
            uint8_t call[92] = {0x80, 0,    0,    88,   0, 0, 0, 7,
                                0,    0,    0,    0,    0, 0, 0, 2,
                                0x20, 0x43, 0x4b, 0xff, 0, 0, 0, 1};
            struct iovec iov = {call, sizeof call};
            call[27] = (uint8_t)(i % 5);
            call[47] = 3;
            call[51] = 3;
            for (int j = 0; j < 3; j++) {
                size_t at = (size_t)rand_r(&seed) % (sizeof call - 4) + 4;
                call[at] = (uint8_t)rand_r(&seed);
            }
            if (ckpt_channel_writev(channel, &iov, 1))
                break;
        }
        int status;
        clnt_destroy(client);
        ckpt_channel_close(channel);
        free(channel);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
    }
}
END_TEST

static int pair[2];

/* A peer that takes part in the handshake and then does what it is told. */
static void play_peer(void (*play)(struct ckpt_channel *peer))
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    child = fork();
    if (child == 0) {
        struct ckpt_channel *peer = calloc(1, ckpt_channel_size());
        close(pair[0]);
        if (ckpt_channel_accept(peer, pair[1], psk, "x", 1, 5000, NULL))
            _exit(1);
        play(peer);
        _exit(0);
    }
    close(pair[1]);
    channel = calloc(1, ckpt_channel_size());
    ck_assert_int_eq(
        ckpt_channel_connect(channel, pair[0], psk, "x", 1, 5000, NULL), 0);
    client = ckpt_rpc_client(channel, ECHO_PROGRAM, ECHO_V1, NULL);
}

static void stay_silent(struct ckpt_channel *peer)
{
    char buf[256];

    while (ckpt_channel_read(peer, buf, sizeof buf) > 0)
        ;
}

START_TEST(silent_server)
{
    struct timeval limit = {0, 100000};

    play_peer(stay_silent);
    clnt_control(client, CLSET_TIMEOUT, (char *)&limit);
    ck_assert_int_eq(echo_null_1(NULL, NULL, client), RPC_TIMEDOUT);
    struct rpc_err error;
    clnt_geterr(client, &error);
    ck_assert_int_eq(error.re_status, RPC_TIMEDOUT);
    ck_assert_int_eq(error.re_errno, ETIMEDOUT);
    finish(0);
}
END_TEST

/* Announces 1000 bytes, sends 100, dies. */
static void die_in_reply(struct ckpt_channel *peer)
{
    uint8_t reply[100] = {0x80, 0, 0x03, 0xe8, 0, 0, 0, 1, 0, 0, 0, 1};
    struct iovec iov = {reply, sizeof reply};
    char buf[256];

    ckpt_channel_read(peer, buf, sizeof buf);
    ckpt_channel_writev(peer, &iov, 1);
}

START_TEST(dying_server)
{
    echo_same args = {ECHO_PLAIN, {3, (char *)(uintptr_t) "abc"}};
    echo_same res;

    play_peer(die_in_reply);
    memset(&res, 0, sizeof res);
    ck_assert_int_eq(echo_same_1(&args, &res, client), RPC_CANTRECV);
    ck_assert_int_ne(echo_null_1(NULL, NULL, client), RPC_SUCCESS);
    finish(0);
}
END_TEST

static void send_nonsense(struct ckpt_channel *peer)
{
    uint8_t reply[] = {0x80, 0xff, 0xff, 0xff, 1, 2, 3, 4};
    struct iovec iov = {reply, sizeof reply};
    char buf[256];

    ckpt_channel_read(peer, buf, sizeof buf);
    ckpt_channel_writev(peer, &iov, 1);
    ckpt_channel_read(peer, buf, sizeof buf);
}

START_TEST(oversize_reply)
{
    play_peer(send_nonsense);
    ck_assert_int_eq(echo_null_1(NULL, NULL, client), RPC_CANTRECV);
    finish(0);
}
END_TEST

/* --- as it will be in programs
 * ---------------------------------------------------------------- */

static void run_inside(const char *name)
{
    const char *top = getenv("top_builddir");
    char path[4096], number[16];
    int fds[2], status;

    snprintf(path, sizeof path, "%s/tests/unit/%s", top ? top : ".", name);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    snprintf(number, sizeof number, "%d", fds[0]);
    pid_t program = fork();
    if (program == 0) {
        close(fds[1]);
        execl(path, name, number, (char *)NULL);
        _exit(127);
    }
    close(fds[0]);
    pid_t server = fork();
    if (server == 0)
        serve(fds[1], SHADOW_PROGRAM, shadow_dispatch);
    close(fds[1]);
    ck_assert_int_eq(waitpid(program, &status, 0), program);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(waitpid(server, &status, 0), server);
    ck_assert_int_eq(status, 0);
}

START_TEST(inside_static)
{
    run_inside("inside_static");
}
END_TEST

START_TEST(inside_dynamic)
{
    run_inside("inside_dynamic");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc");
    TCase *tc = tcase_create("calls");
    TCase *own = tcase_create("peers");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, carries_all_sizes);
    tcase_add_test(tc, carries_arrays);
    tcase_add_test(tc, credential_goes_with_one_call);
    tcase_add_test(tc, unknown_procedure);
    tcase_add_test(tc, garbage_arguments);
    tcase_add_test(tc, procedure_that_fails);
    tcase_add_test(tc, result_too_long);
    tcase_add_test(tc, arguments_too_long);
    tcase_add_test(tc, bad_calls_leak_nothing);
    tcase_add_test(tc, decodes_in_place);
    tcase_add_test(tc, limits_what_is_decoded);
    tcase_add_test(tc, many_in_flight);
    tcase_add_test(tc, kept_replies_are_replayed);
    tcase_add_test(tc, understands_dripping_calls);
    tcase_set_timeout(own, 60);
    tcase_add_test(own, other_program);
    tcase_add_test(own, other_version);
    tcase_add_test(own, drops_bad_records);
    tcase_add_test(own, survives_mutations);
    tcase_add_test(own, silent_server);
    tcase_add_test(own, dying_server);
    tcase_add_test(own, oversize_reply);
    tcase_add_test(own, inside_static);
    tcase_add_test(own, inside_dynamic);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, own);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
