/* test_serve.c - the loop of a daemon: peers in, peers out, peers that dawdle
 *
 * The server runs in a forked child with one procedure, READ of home.x's
 * cousin shadow.x: `handle` says what the procedure does.
 */
#include "lib/proto/dial.h"
#include "lib/proto/serve.h"

#include "lib/proto/shadow.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DO_READ, DO_DEFER, DO_DROP, DO_COUNT, DO_REFUSED };

static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "the key of these tests";
static const uint8_t bad[CKPT_CHANNEL_KEY_LEN] = "another key";
static const struct ckpt_serve_key key = {psk, "epoch 2", 7, false};

struct daemon_state {
    struct ckpt_serve *serve;
    struct ckpt_rpc_deferred *deferred;
    int pipe[2];
    unsigned closed, refused;
};

static struct daemon_state state;

/* --- the daemon ------------------------------------------------------------
 */

static void fill(shadow_read_res *res, char c, unsigned count)
{
    shadow_data *data = &res->shadow_read_res_u.ok.data;

    memset(res, 0, sizeof *res);
    data->shadow_data_len = count;
    data->shadow_data_val = malloc(count + 1);
    memset(data->shadow_data_val, c, count);
}

static void answer_deferred(int fd, short events, void *arg)
{
    shadow_read_res res;
    char c;

    (void)events;
    (void)arg;
    if (read(fd, &c, 1) != 1)
        return;
    fill(&res, c, 1);
    ckpt_rpc_defer_reply(state.deferred, (xdrproc_t)(void *)xdr_shadow_read_res,
                         &res);
    xdr_free((xdrproc_t)(void *)xdr_shadow_read_res, &res);
    state.deferred = NULL;
}

static bool_t handle(const shadow_read_args *args, shadow_read_res *res,
                     struct svc_req *req)
{
    switch (args->handle) {
    case DO_DEFER:
        state.deferred = ckpt_rpc_defer(req);
        return FALSE;
    case DO_DROP:
        ckpt_serve_drop(ckpt_serve_conn_of(req));
        return FALSE;
    case DO_COUNT:
        fill(res, 'c', ckpt_serve_conns(state.serve));
        return TRUE;
    case DO_REFUSED:
        fill(res, 'f', state.refused);
        return TRUE;
    default:
        fill(res, 'r', args->count);
        return TRUE;
    }
}

static void dispatch(struct svc_req *req, SVCXPRT *xprt)
{
    xdrproc_t xargs = (xdrproc_t)(void *)xdr_shadow_read_args;
    xdrproc_t xres = (xdrproc_t)(void *)xdr_shadow_read_res;
    shadow_read_args args;
    shadow_read_res res;

    memset(&args, 0, sizeof args);
    if (!svc_getargs(xprt, xargs, (caddr_t)&args)) {
        svcerr_decode(xprt);
        return;
    }
    if (handle(&args, &res, req))
        svc_sendreply(xprt, xres, &res);
    svc_freeargs(xprt, xargs, (caddr_t)&args);
    ckpt_rpc_free_result(xprt, xres, &res);
}

static void on_closed(struct ckpt_serve_conn *conn, void *daemon,
                      const struct ckpt_err *why)
{
    (void)conn;
    (void)daemon;
    (void)why;
    state.closed++;
}

static void on_refused(void *daemon, const char *peer,
                       const struct ckpt_err *why)
{
    bool known = errno == EACCES || errno == ETIMEDOUT;

    (void)daemon;
    state.refused += known && why->text[0] && strncmp(peer, "127.", 4) == 0;
}

static pid_t server;
static uint16_t port;
static int poke; /* one byte: the reply to the deferred call */

static void start(void)
{
    struct ckpt_serve_config config = {
        .host = "127.0.0.1",
        .prog = SHADOW_PROGRAM,
        .vers = SHADOW_V1,
        .dispatch = dispatch,
        .daemon = &state,
        .key = key,
        .closed = on_closed,
        .refused = on_refused,
    };

    ck_assert_int_eq(pipe(state.pipe), 0);
    poke = state.pipe[1];
    state.serve = ckpt_serve_create(&config, NULL);
    ck_assert_ptr_nonnull(state.serve);
    port = ckpt_serve_port(state.serve);
    server = fork();
    if (server == 0) {
        ckpt_serve_watch(state.serve, state.pipe[0], POLLIN, answer_deferred,
                         NULL);
        while (ckpt_serve_step(state.serve, -1) == 0)
            ;
        _exit(1);
    }
    ckpt_serve_destroy(state.serve);
    close(state.pipe[0]);
}

static void stop(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    close(poke);
}

/* --- a client --------------------------------------------------------------
 */

struct peer {
    struct ckpt_channel *channel;
    CLIENT *client;
};

static int dial(void)
{
    int fd = ckpt_proto_connect("127.0.0.1", port, 5000, NULL);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static struct peer enter(void)
{
    struct peer p = {calloc(1, ckpt_channel_size()), NULL};
    struct timeval limit = {20, 0};

    ck_assert_int_eq(
        ckpt_channel_connect(p.channel, dial(), psk, "epoch 2", 7, 20000, NULL),
        0);
    p.client = ckpt_rpc_client(p.channel, SHADOW_PROGRAM, SHADOW_V1, NULL);
    clnt_control(p.client, CLSET_TIMEOUT, (char *)&limit);
    return p;
}

static void leave(struct peer *p)
{
    clnt_destroy(p->client);
    ckpt_channel_close(p->channel);
    free(p->channel);
}

/* The number of bytes read, or -1. */
static int ask(struct peer *p, unsigned what, unsigned count)
{
    shadow_read_args args = {.handle = what, .count = count};
    shadow_read_res res;

    memset(&res, 0, sizeof res);
    if (shadow_read_1(&args, &res, p->client) != RPC_SUCCESS)
        return -1;
    int n = (int)res.shadow_read_res_u.ok.data.shadow_data_len;
    xdr_free((xdrproc_t)(void *)xdr_shadow_read_res, &res);
    return n;
}

START_TEST(serves_many)
{
    struct peer p[20];

    for (int i = 0; i < 20; i++)
        p[i] = enter();
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(ask(&p[i], DO_READ, 1000 * (unsigned)i), 1000 * i);
    ck_assert_int_eq(ask(&p[0], DO_COUNT, 0), 20);
    for (int i = 1; i < 20; i++)
        leave(&p[i]);
    while (ask(&p[0], DO_COUNT, 0) != 1)
        usleep(1000);
    leave(&p[0]);
}
END_TEST

/* Silent connections take all places for handshakes; one of them gives way to
 * the next, which is served at once. */
START_TEST(survives_silence)
{
    int fds[CKPT_SERVE_PENDING_MAX];
    struct peer inside = enter();
    char c;

    for (int i = 0; i < CKPT_SERVE_PENDING_MAX; i++)
        fds[i] = dial();
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(ask(&inside, DO_READ, 10), 10);
    struct peer late = enter();
    ck_assert_int_eq(ask(&late, DO_READ, 10), 10);
    ck_assert_int_eq(read(fds[0], &c, 1), 0);
    ck_assert_int_ge(ask(&late, DO_REFUSED, 0), 1);
    leave(&late);
    leave(&inside);
    for (int i = 0; i < CKPT_SERVE_PENDING_MAX; i++)
        close(fds[i]);
}
END_TEST

START_TEST(refuses_strangers)
{
    struct ckpt_channel *channel = calloc(1, ckpt_channel_size());
    struct peer inside = enter();

    ck_assert_int_eq(
        ckpt_channel_connect(channel, dial(), bad, "epoch 2", 7, 5000, NULL),
        -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(
        ckpt_channel_connect(channel, dial(), psk, "epoch 1", 7, 5000, NULL),
        -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(ask(&inside, DO_REFUSED, 0), 2);
    leave(&inside);
    free(channel);
}
END_TEST

/* A deferred call of one peer stalls nobody; its own later ones neither. */
START_TEST(defers)
{
    struct peer waiting = enter();
    struct peer other = enter();
    shadow_read_args args = {.handle = DO_DEFER};
    shadow_read_res res;
    uint32_t deferred, direct, xid;

    ck_assert_int_eq(
        ckpt_rpc_client_send(waiting.client, SHADOW_READ,
                             (xdrproc_t)(void *)xdr_shadow_read_args, &args,
                             &deferred),
        RPC_SUCCESS);
    ck_assert_int_eq(ask(&other, DO_READ, 5), 5);
    args.handle = DO_READ;
    args.count = 7;
    ck_assert_int_eq(
        ckpt_rpc_client_send(waiting.client, SHADOW_READ,
                             (xdrproc_t)(void *)xdr_shadow_read_args, &args,
                             &direct),
        RPC_SUCCESS);
    ck_assert_int_eq(ckpt_rpc_client_next(waiting.client, &xid), RPC_SUCCESS);
    ck_assert_uint_eq(xid, direct);
    memset(&res, 0, sizeof res);
    ck_assert_int_eq(
        ckpt_rpc_client_result(waiting.client,
                               (xdrproc_t)(void *)xdr_shadow_read_res, &res),
        RPC_SUCCESS);
    ck_assert_uint_eq(res.shadow_read_res_u.ok.data.shadow_data_len, 7);
    xdr_free((xdrproc_t)(void *)xdr_shadow_read_res, &res);
    ck_assert_int_eq(write(poke, "D", 1), 1);
    ck_assert_int_eq(ckpt_rpc_client_next(waiting.client, &xid), RPC_SUCCESS);
    ck_assert_uint_eq(xid, deferred);
    memset(&res, 0, sizeof res);
    ck_assert_int_eq(
        ckpt_rpc_client_result(waiting.client,
                               (xdrproc_t)(void *)xdr_shadow_read_res, &res),
        RPC_SUCCESS);
    ck_assert_int_eq(*res.shadow_read_res_u.ok.data.shadow_data_val, 'D');
    xdr_free((xdrproc_t)(void *)xdr_shadow_read_res, &res);
    leave(&waiting);
    leave(&other);
}
END_TEST

/* The peer of a deferred call goes away; the reply is dropped, no more. */
START_TEST(defers_for_the_dead)
{
    struct peer waiting = enter();
    struct peer other = enter();
    shadow_read_args args = {.handle = DO_DEFER};
    uint32_t xid;

    ck_assert_int_eq(ckpt_rpc_client_send(
                         waiting.client, SHADOW_READ,
                         (xdrproc_t)(void *)xdr_shadow_read_args, &args, &xid),
                     RPC_SUCCESS);
    ck_assert_int_eq(ask(&other, DO_COUNT, 0), 2);
    leave(&waiting);
    while (ask(&other, DO_COUNT, 0) != 1)
        usleep(1000);
    ck_assert_int_eq(write(poke, "D", 1), 1);
    ck_assert_int_eq(ask(&other, DO_READ, 5), 5);
    leave(&other);
}
END_TEST

/* Many megabytes of replies that nobody reads, then all of them. */
START_TEST(queues_for_slow_readers)
{
    enum { CALLS = 40 };
    struct peer slow = enter();
    struct peer other = enter();
    shadow_read_args args = {.handle = DO_READ, .count = SHADOW_DATA_MAX};
    shadow_read_res res;
    uint32_t first, xid;

    for (int i = 0; i < CALLS; i++) {
        ck_assert_int_eq(
            ckpt_rpc_client_send(slow.client, SHADOW_READ,
                                 (xdrproc_t)(void *)xdr_shadow_read_args, &args,
                                 &xid),
            RPC_SUCCESS);
        if (i == 0)
            first = xid;
    }
    ck_assert_int_eq(ask(&other, DO_READ, 5), 5);
    for (uint32_t i = 0; i < CALLS; i++) {
        ck_assert_int_eq(ckpt_rpc_client_next(slow.client, &xid), RPC_SUCCESS);
        ck_assert_uint_eq(xid, first + i);
        memset(&res, 0, sizeof res);
        ck_assert_int_eq(
            ckpt_rpc_client_result(
                slow.client, (xdrproc_t)(void *)xdr_shadow_read_res, &res),
            RPC_SUCCESS);
        ck_assert_uint_eq(res.shadow_read_res_u.ok.data.shadow_data_len,
                          SHADOW_DATA_MAX);
        xdr_free((xdrproc_t)(void *)xdr_shadow_read_res, &res);
    }
    leave(&slow);
    leave(&other);
}
END_TEST

START_TEST(drops)
{
    struct peer p = enter();
    struct peer other = enter();

    ask(&p, DO_DROP, 0);
    ck_assert_int_eq(ask(&p, DO_READ, 1), -1);
    ck_assert_int_eq(ask(&other, DO_COUNT, 0), 1);
    leave(&p);
    leave(&other);
}
END_TEST

START_TEST(addresses)
{
    char host[CKPT_ADDR_MAX], text[CKPT_ADDR_MAX];
    uint16_t number;

    ck_assert_int_eq(ckpt_addr_parse("127.0.0.1:80", host, &number, NULL), 0);
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_uint_eq(number, 80);
    ck_assert_int_eq(ckpt_addr_parse("[::1]:65535", host, &number, NULL), 0);
    ck_assert_str_eq(host, "::1");
    ckpt_addr_format(host, number, text);
    ck_assert_str_eq(text, "[::1]:65535");
    static const char *const wrong[] = {
        "",           ":1",      "1.2.3.4", "1.2.3.4:",  "1.2.3.4:65536",
        "1.2.3.4:-1", "a.b.c:1", "[::1:1",  "1.2.3.4: 1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(ckpt_addr_parse(wrong[i], host, &number, NULL), -1);
}
END_TEST

START_TEST(connects_to_nobody)
{
    uint16_t free_port;
    int fd = ckpt_proto_listen("127.0.0.1", 0, &free_port, NULL);

    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(ckpt_proto_connect("127.0.0.1", free_port, 1000, NULL),
                     -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    ck_assert_int_eq(ckpt_proto_connect("somewhere", 1, 1000, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve");
    TCase *tc = tcase_create("serve");
    TCase *plain = tcase_create("dial");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, serves_many);
    tcase_add_test(tc, survives_silence);
    tcase_add_test(tc, refuses_strangers);
    tcase_add_test(tc, defers);
    tcase_add_test(tc, defers_for_the_dead);
    tcase_add_test(tc, queues_for_slow_readers);
    tcase_add_test(tc, drops);
    tcase_add_test(plain, addresses);
    tcase_add_test(plain, connects_to_nobody);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, plain);
    return run_suite(suite);
}
