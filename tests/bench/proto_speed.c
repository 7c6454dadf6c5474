/* proto_speed.c - calls over the channel against bare TCP, on loopback
 *
 *     proto_speed [ROUNDS]
 *
 * Null calls, and reads and writes of 1 MiB, by a generated stub over the
 * channel and by hand over a socket.  Both are measured in turn, ROUNDS times;
 * printed are the medians, the median ratio of the rounds, and the processor
 * time of both ends.  A connection is measured from connect() to the first
 * reply.
 */
#include "lib/proto/dial.h"
#include "lib/proto/rpc.h"
#include "lib/proto/serve.h"

#include "lib/proto/shadow.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BIG = SHADOW_DATA_MAX, SMALL = 64, ROUNDS_MAX = 100 };
enum kind { NULL_CALL, READ_BIG, WRITE_BIG, KINDS };

static const char *const kind_names[KINDS] = {"null", "read 1 MiB",
                                              "write 1 MiB"};
static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "speed";
static char data[BIG];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- RPC -------------------------------------------------------------------
 */

static bool_t serve_read(const shadow_read_args *args, shadow_read_res *res)
{
    memset(res, 0, sizeof *res);
    res->shadow_read_res_u.ok.data.shadow_data_len = args->count;
    res->shadow_read_res_u.ok.data.shadow_data_val = data;
    return TRUE;
}

static void dispatch(struct svc_req *req, SVCXPRT *xprt)
{
    shadow_read_args read_args;
    shadow_read_res read_res;
    shadow_write_args write_args;
    shadow_write_res write_res;

    memset(&read_args, 0, sizeof read_args);
    memset(&write_args, 0, sizeof write_args);
    memset(&write_res, 0, sizeof write_res);
    switch (req->rq_proc) {
    case SHADOW_READ:
        svc_getargs(xprt, (xdrproc_t)(void *)xdr_shadow_read_args,
                    (caddr_t)&read_args);
        serve_read(&read_args, &read_res);
        svc_sendreply(xprt, (xdrproc_t)(void *)xdr_shadow_read_res, &read_res);
        break;
    case SHADOW_WRITE:
        svc_getargs(xprt, (xdrproc_t)(void *)xdr_shadow_write_args,
                    (caddr_t)&write_args);
        svc_sendreply(xprt, (xdrproc_t)(void *)xdr_shadow_write_res,
                      &write_res);
        svc_freeargs(xprt, (xdrproc_t)(void *)xdr_shadow_write_args,
                     (caddr_t)&write_args);
        break;
    default:
        svc_sendreply(xprt, (xdrproc_t)(void *)xdr_void, NULL);
    }
}

static pid_t start_rpc(uint16_t *port)
{
    struct ckpt_serve_config config = {
        .host = "127.0.0.1",
        .prog = SHADOW_PROGRAM,
        .vers = SHADOW_V1,
        .dispatch = dispatch,
        .key = {psk, "speed", 5},
        .looks = 40,
    };
    struct ckpt_serve *serve = ckpt_serve_create(&config, NULL);

    if (!serve)
        die("ckpt_serve_create");
    *port = ckpt_serve_port(serve);
    pid_t pid = fork();
    if (pid == 0)
        while (ckpt_serve_step(serve, -1) == 0)
            ;
    ckpt_serve_destroy(serve);
    return pid;
}

static void call_rpc(CLIENT *client, enum kind kind)
{
    shadow_read_args read_args = {.count = BIG};
    shadow_read_res read_res;
    shadow_write_args write_args = {.data = {BIG, data}};
    shadow_write_res write_res;
    enum clnt_stat status;

    memset(&read_res, 0, sizeof read_res);
    memset(&write_res, 0, sizeof write_res);
    if (kind == NULL_CALL) {
        status = shadow_null_1(NULL, NULL, client);
    } else if (kind == READ_BIG) {
        read_res.shadow_read_res_u.ok.data.shadow_data_val = data;
        ckpt_rpc_client_into(client, data, BIG);
        status = shadow_read_1(&read_args, &read_res, client);
    } else {
        status = shadow_write_1(&write_args, &write_res, client);
    }
    if (status != RPC_SUCCESS)
        die("call");
}

static CLIENT *connect_rpc(uint16_t port)
{
    struct ckpt_channel *channel = calloc(1, ckpt_channel_size());
    int fd = ckpt_proto_connect("127.0.0.1", port, 5000, NULL);

    if (fd < 0 ||
        ckpt_channel_connect(channel, fd, psk, "speed", 5, 5000, NULL))
        die("connect");
    ckpt_channel_stay_awake(channel, 200);
    return ckpt_rpc_client(channel, SHADOW_PROGRAM, SHADOW_V1, NULL);
}

/* --- bare TCP ---------------------------------------------------------------
 */

static void send_all(int fd, const char *from, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, from, len, MSG_NOSIGNAL);
        if (n <= 0)
            exit(0);
        from += n;
        len -= (size_t)n;
    }
}

static void receive_all(int fd, char *to, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(fd, to, len, 0);
        if (n <= 0)
            exit(0);
        to += n;
        len -= (size_t)n;
    }
}

static pid_t start_raw(int *fd)
{
    uint16_t port;
    int listener = ckpt_proto_listen("127.0.0.1", 0, &port, NULL);
    pid_t pid = fork();

    if (pid == 0) {
        struct timespec tick = {0, 1000000};
        int one = 1, peer;
        while ((peer = accept(listener, NULL, NULL)) < 0)
            nanosleep(&tick, NULL);
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        for (char head[SMALL];;) {
            receive_all(peer, head, SMALL);
            if (head[0] == WRITE_BIG)
                receive_all(peer, data, BIG);
            send_all(peer, head, SMALL);
            if (head[0] == READ_BIG)
                send_all(peer, data, BIG);
        }
    }
    *fd = ckpt_proto_connect("127.0.0.1", port, 5000, NULL);
    if (*fd < 0)
        die("connect");
    close(listener);
    return pid;
}

static void call_raw(int fd, enum kind kind)
{
    char head[SMALL] = {(char)kind};

    send_all(fd, head, SMALL);
    if (kind == WRITE_BIG)
        send_all(fd, data, BIG);
    receive_all(fd, head, SMALL);
    if (kind == READ_BIG)
        receive_all(fd, data, BIG);
}

/* --- measuring ---------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return sorted[count / 2];
}

static const int repeats[KINDS] = {4000, 100, 100};

/* Seconds for one call: by the clock, and of the processor at both ends. */
struct series {
    double wall[ROUNDS_MAX];
    double cpu[ROUNDS_MAX];
};

static double cpu_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_with(pid_t peer)
{
    clockid_t clock;

    if (clock_getcpuclockid(peer, &clock))
        die("clock_getcpuclockid");
    return cpu_of(clock) + cpu_of(CLOCK_PROCESS_CPUTIME_ID);
}

/* By RPC when there is a client, else over fd. */
static void measure(CLIENT *client, int fd, pid_t peer, enum kind kind,
                    struct series *series, int round)
{
    double cpu = cpu_with(peer);
    double start = now();

    for (int i = 0; i < repeats[kind]; i++) {
        if (client)
            call_rpc(client, kind);
        else
            call_raw(fd, kind);
    }
    series->wall[round] = (now() - start) / repeats[kind];
    series->cpu[round] = (cpu_with(peer) - cpu) / repeats[kind];
}

static void report(enum kind kind, const struct series *rpc,
                   const struct series *raw, int rounds)
{
    double ratios[ROUNDS_MAX];
    double scale = kind == NULL_CALL ? 1 : BIG / 1e6;

    for (int i = 0; i < rounds; i++)
        ratios[i] = raw->wall[i] / rpc->wall[i];
    printf("%-12s channel+rpc %6.0f  bare TCP %6.0f %-7s  ratio %.2f   "
           "processor %5.0f and %4.0f us a call\n",
           kind_names[kind], scale / median(rpc->wall, rounds),
           scale / median(raw->wall, rounds),
           kind == NULL_CALL ? "calls/s" : "MB/s", median(ratios, rounds),
           1e6 * median(rpc->cpu, rounds), 1e6 * median(raw->cpu, rounds));
}

static void report_connect(uint16_t port, int rounds)
{
    double times[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        double start = now();
        CLIENT *client = connect_rpc(port);
        call_rpc(client, NULL_CALL);
        times[i] = now() - start;
        clnt_destroy(client);
    }
    printf("connect, handshake, first call: %.2f ms\n",
           1e3 * median(times, rounds));
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    static struct series rpc[KINDS], raw[KINDS];
    uint16_t port;
    int fd;

    if (rounds < 1 || rounds > ROUNDS_MAX || sodium_init() < 0)
        return 2;
    pid_t raw_pid = start_raw(&fd);
    pid_t rpc_pid = start_rpc(&port);
    CLIENT *client = connect_rpc(port);
    printf("records: %s\n", crypto_aead_aes256gcm_is_available()
                                ? "AES-256-GCM"
                                : "ChaCha20-Poly1305");
    for (int i = 0; i < rounds; i++) {
        for (enum kind k = 0; k < KINDS; k++) {
            measure(client, -1, rpc_pid, k, &rpc[k], i);
            measure(NULL, fd, raw_pid, k, &raw[k], i);
        }
    }
    for (enum kind k = 0; k < KINDS; k++)
        report(k, &rpc[k], &raw[k], rounds);
    report_connect(port, rounds);
    close(fd);
    kill(rpc_pid, SIGKILL);
    kill(raw_pid, SIGKILL);
    waitpid(rpc_pid, NULL, 0);
    waitpid(raw_pid, NULL, 0);
    return 0;
}
