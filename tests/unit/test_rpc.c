/* test_rpc.c - calls over a channel, with rpcgen's stubs and dispatcher */
#include "lib/proto/rpc_out.h"
#include "tests/unit/echo_service.h"
#include "tests/unit/run_tests.h"

/* --- calls --- */

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

/* --- errors that leave the connection usable --- */

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

/* --- decoding into the caller's memory --- */

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

/* --- several calls in flight --- */

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

int main(void)
{
    Suite *suite = suite_create("rpc");
    TCase *tc = tcase_create("calls");

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
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
