/* test_rpc_peers.c - RPC with peers that misbehave, and inside programs */
#include "lib/proto/rpc_out.h"
#include "lib/proto/shadow.h"
#include "tests/unit/echo_service.h"
#include "tests/unit/run_tests.h"

#include <stdio.h>

/* For inside_client: NULL, READ and READLINK of shadow.x. */
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

START_TEST(other_program)
{
    connect_child(ECHO_PROGRAM + 1, ECHO_V1);
    ck_assert_int_eq(echo_null_1(NULL, NULL, client), RPC_PROGUNAVAIL);
    finish(0);
}
END_TEST

START_TEST(other_version)
{
    connect_child(ECHO_PROGRAM, ECHO_V1 + 1);
    ck_assert_int_eq(echo_null_1(NULL, NULL, client), RPC_PROGVERSMISMATCH);
    finish(0);
}
END_TEST

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

/* --- as it will be in programs --- */

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
    Suite *suite = suite_create("rpc peers");
    TCase *tc = tcase_create("calls");
    TCase *own = tcase_create("peers");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, understands_dripping_calls);
    suite_add_tcase(suite, tc);
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
    suite_add_tcase(suite, own);
    return run_suite(suite);
}
