/* remote_raw.c - the limit that remote file calls are held against: requests
 * and replies over TCP on loopback, bare or in AEAD records
 *
 *     remote_raw plain|aead ROW...      in a directory with `data`
 *
 * The rows of remote_work.c.  The server is a child that does the same system
 * calls as a shadow would, and nothing else.  One request at a time.
 */
#include "lib/proto/dial.h"
#include "lib/proto/record.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILE_LEN = 64 << 20, SMALL_LEN = 4 << 20, BLOCK_MAX = 1 << 20 };
enum op { OP_NULL, OP_STAT, OP_READ, OP_WRITE };

struct request {
    uint64_t op, len, offset, pad;
};
struct reply {
    int64_t result;
    struct stat st; /* as long as attributes on the wire */
};

/* One end of the connection. */
struct end {
    int fd;
    bool aead;
    struct ckpt_record_key tx, rx;
    uint8_t wire[CKPT_RECORD_PLAIN_MAX + CKPT_RECORD_OVERHEAD];
};

static char block[BLOCK_MAX];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- bytes ------------------------------------------------------------------
 */

static void send_bytes(struct end *e, const void *from, size_t len)
{
    const char *at = from;

    while (len > 0) {
        ssize_t n = send(e->fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            exit(0);
        at += n;
        len -= (size_t)n;
    }
}

static void receive_bytes(struct end *e, void *to, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(e->fd, to, len, 0);
        if (n <= 0)
            exit(0);
        to = (char *)to + n;
        len -= (size_t)n;
    }
}

static void put(struct end *e, const void *from, size_t len)
{
    const char *at = from;

    if (!e->aead) {
        send_bytes(e, from, len);
        return;
    }
    while (len > 0) {
        size_t n = len < CKPT_RECORD_PLAIN_MAX ? len : CKPT_RECORD_PLAIN_MAX;
        send_bytes(e, e->wire,
                   ckpt_record_seal(&e->tx, CKPT_RECORD_DATA, at, n, e->wire));
        at += n;
        len -= n;
    }
}

/* As it was put: the records are of known lengths. */
static void get(struct end *e, void *to, size_t len)
{
    char *at = to;

    if (!e->aead) {
        receive_bytes(e, to, len);
        return;
    }
    while (len > 0) {
        size_t n = len < CKPT_RECORD_PLAIN_MAX ? len : CKPT_RECORD_PLAIN_MAX;
        receive_bytes(e, e->wire, n + CKPT_RECORD_OVERHEAD);
        if (ckpt_record_open(&e->rx, e->wire, n, at) != 0)
            exit(1);
        at += n;
        len -= n;
    }
}

/* --- the server -------------------------------------------------------------
 */

static void answer(struct end *e, int data, int out)
{
    struct request request;
    struct reply reply = {0};

    get(e, &request, sizeof request);
    if (request.op == OP_STAT)
        reply.result = stat("data", &reply.st);
    if (request.op == OP_READ)
        reply.result = pread(data, block, request.len, (off_t)request.offset);
    if (request.op == OP_WRITE) {
        get(e, block, request.len);
        reply.result = pwrite(out, block, request.len, (off_t)request.offset);
    }
    put(e, &reply, sizeof reply);
    if (request.op == OP_READ)
        put(e, block, (size_t)reply.result);
}

static void serve(struct end *e, int listener)
{
    int one = 1;
    int data = open("data", O_RDONLY);
    int out = open("raw-out", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct timespec tick = {0, 1000000};

    unlink("raw-out");
    while ((e->fd = accept(listener, NULL, NULL)) < 0)
        nanosleep(&tick, NULL);
    setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (data < 0 || out < 0)
        die("data");
    for (;;)
        answer(e, data, out);
}

/* --- the client -------------------------------------------------------------
 */

static void call(struct end *e, enum op op, size_t len, off_t offset)
{
    struct request request = {op, len, (uint64_t)offset, 0};
    struct reply reply;

    put(e, &request, sizeof request);
    if (op == OP_WRITE)
        put(e, block, len);
    get(e, &reply, sizeof reply);
    if (op == OP_READ)
        get(e, block, (size_t)reply.result);
    if (reply.result < 0)
        die("reply");
}

static double calls(struct end *e, enum op op, size_t len, int count)
{
    unsigned at = 1;
    double from = now();

    for (int i = 0; i < count; i++) {
        at = at * 1103515245 + 12345;
        call(e, op, len, (off_t)(at >> 8) % (FILE_LEN / 4096) * 4096);
    }
    return count / (now() - from);
}

static double stream(struct end *e, enum op op, size_t len, long total)
{
    double from = now();

    for (long done = 0; done < total; done += (long)len)
        call(e, op, len, done);
    return (double)total / (now() - from) / 1e6;
}

static double measure(struct end *e, const char *row)
{
    enum op op = row[0] == 'r' ? OP_READ : OP_WRITE;

    if (!strcmp(row, "null"))
        return calls(e, OP_NULL, 0, 4000);
    if (!strcmp(row, "stat"))
        return calls(e, OP_STAT, 0, 4000);
    if (!strcmp(row, "rnd4k"))
        return calls(e, OP_READ, 4096, 4000);
    if (!strcmp(row + 1, "64b"))
        return stream(e, op, 64, SMALL_LEN / 16);
    if (!strcmp(row + 1, "64k"))
        return stream(e, op, 65536, FILE_LEN);
    if (!strcmp(row + 1, "1m"))
        return stream(e, op, 1 << 20, FILE_LEN);
    fprintf(stderr, "remote_raw: no row %s\n", row);
    exit(2);
}

static struct end new_end(bool aead, bool server)
{
    static const uint8_t keys[2][32] = {"there", "back"};
    bool aes = crypto_aead_aes256gcm_is_available();
    struct end e = {.aead = aead};

    ckpt_record_key_init(&e.tx, keys[server], aes);
    ckpt_record_key_init(&e.rx, keys[!server], aes);
    return e;
}

int main(int argc, char **argv)
{
    uint16_t port;

    if (argc < 3 || sodium_init() < 0)
        return 2;
    bool aead = !strcmp(argv[1], "aead");
    static struct end client, server;
    client = new_end(aead, false);
    server = new_end(aead, true);
    int listener = ckpt_proto_listen("127.0.0.1", 0, &port, NULL);
    pid_t pid = fork();
    if (pid == 0)
        serve(&server, listener);
    client.fd = ckpt_proto_connect("127.0.0.1", port, 5000, NULL);
    if (client.fd < 0)
        die("connect");
    for (int i = 2; i < argc; i++)
        dprintf(2, "%s %.6g\n", argv[i], measure(&client, argv[i]));
    close(client.fd);
    waitpid(pid, NULL, 0);
    return 0;
}
