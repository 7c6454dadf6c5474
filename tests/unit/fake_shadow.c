/* fake_shadow.c - a shadow for tests of the client
 *
 *     fake-shadow [--cut N | --supersede N] PROG ARG...
 *
 * Runs PROG in remote mode against itself: its own descriptors 0, 1, 2,
 * working directory and identity are the job's home.  With --cut it drops the
 * connection at every Nth call, in turn before and after carrying it out; with
 * --supersede it drops it at the Nth and knows the token no more.
 * Plain calls of the system, no confinement, no journal: ckpt-shadow has those.
 */
#include "tests/unit/fake_shadow.h"

#include "lib/proto/boot.h"
#include "lib/proto/channel.h"
#include "lib/proto/rpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* rpcgen's dispatcher wants these; the channel is ours. */
extern void shadow_program_1(struct svc_req *req, SVCXPRT *xprt);

enum { KEPT = 8192 };

static struct slot {
    uint32_t seq;
    size_t len;
    uint8_t reply[KEPT];
} slots[SHADOW_SLOTS];
int handles[HANDLES];
static unsigned cut_every, supersede_at, calls, all_calls;
static bool cut_now;

SERVICE(bind, shadow_bind_args, shadow_bind_res)
{
    static const char zero[SHADOW_ID_LEN];
    ZERO;
    if (memcmp(args->session, zero, sizeof zero) == 0)
        memset(slots, 0, sizeof slots);
    memset(res->shadow_bind_res_u.ok.session, 7, SHADOW_ID_LEN);
    res->shadow_bind_res_u.ok.slots = SHADOW_SLOTS;
    return TRUE;
}

int shadow_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xdr, res);
}

/* --- slots, and cuts --- */

static bool cut_due(void)
{
    if (supersede_at && ++calls == supersede_at)
        return true;
    return cut_every && ++calls % cut_every == 0;
}

static int admit(struct svc_req *req)
{
    unsigned flavor;
    size_t len;
    uint32_t cred[2];

    const void *body = ckpt_rpc_cred(req, &flavor, &len);
    if (flavor != SHADOW_AUTH || len != sizeof cred)
        return -1;
    memcpy(cred, body, sizeof cred);
    uint32_t slot = ntohl(cred[0]), seq = ntohl(cred[1]);
    if (req->rq_proc == SHADOW_BIND)
        return 0;
    all_calls++;
    if (slot >= SHADOW_SLOTS)
        return -1;
    if (slots[slot].seq == seq && slots[slot].len <= KEPT)
        return ckpt_rpc_replay(req, slots[slot].reply, slots[slot].len), 1;
    if (slots[slot].seq != seq && slots[slot].seq + 1 != seq)
        return -1;
    if (cut_due()) {
        if (supersede_at || calls / cut_every % 2)
            return -1; /* before it is done */
        cut_now = true;
    }
    slots[slot].seq = seq;
    ckpt_rpc_keep(req, slots[slot].reply, KEPT, &slots[slot].len);
    return 0;
}

/* --- the process --- */

static int listen_on(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 ||
        listen(fd, 8) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return -1;
    *port = ntohs(a.sin_port);
    return fd;
}

static pid_t run(char **argv, const struct ckpt_boot *boot)
{
    uint8_t bytes[CKPT_BOOT_MAX];
    int ends[2];
    char number[16];

    size_t len = ckpt_boot_encode(boot, bytes);
    if (pipe(ends) != 0 || write(ends[1], bytes, len) != (ssize_t)len)
        return -1;
    close(ends[1]);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        close(null);
        snprintf(number, sizeof number, "%d", ends[0]);
        setenv("CKPT_REMOTE_FD", number, 1);
        if (chdir("/") == 0)
            execv(argv[0], argv);
        _exit(127);
    }
    close(ends[0]);
    return pid;
}

/* Serve one connection to its end. */
static void serve(int fd, const struct ckpt_boot *boot)
{
    struct ckpt_channel *channel = malloc(ckpt_channel_size());
    uint8_t prologue[CKPT_BOOT_PROLOGUE_LEN];
    struct ckpt_err err;

    ckpt_boot_prologue(boot, prologue);
    if (ckpt_channel_accept(channel, fd, boot->token, prologue, sizeof prologue,
                            5000, &err) != 0) {
        close(fd);
        free(channel);
        return;
    }
    struct ckpt_rpc_server *server = ckpt_rpc_server(
        channel, SHADOW_PROGRAM, SHADOW_V1, shadow_program_1, NULL, &err);
    ckpt_rpc_server_set_admit(server, admit);
    int more = 1;
    while (more == 1 && !cut_now) {
        struct pollfd p = {fd, ckpt_rpc_server_events(server), 0};
        if (!ckpt_rpc_server_pending(server) && !ckpt_channel_pending(channel))
            poll(&p, 1, -1);
        more = ckpt_rpc_server_step(server, &err);
    }
    cut_now = false;
    ckpt_rpc_server_destroy(server);
    ckpt_channel_close(channel);
    free(channel);
}

/* $FAKE_SHADOW_CALLS names a file for the number of calls. */
static void tell_calls(void)
{
    const char *name = getenv("FAKE_SHADOW_CALLS");
    FILE *file = name ? fopen(name, "w") : NULL;

    if (!file)
        return;
    fprintf(file, "%u\n", all_calls);
    fclose(file);
}

int main(int argc, char **argv)
{
    struct ckpt_boot boot = {.host = "127.0.0.1", .job = 1, .epoch = 1};
    int result;

    if (argc > 3 && strcmp(argv[1], "--cut") == 0) {
        cut_every = (unsigned)atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    if (argc > 3 && strcmp(argv[1], "--supersede") == 0) {
        supersede_at = (unsigned)atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    if (argc < 2)
        return 2;
    for (int i = 0; i < HANDLES; i++)
        handles[i] = i < 3 ? i : -1;
    signal(SIGXFSZ, SIG_IGN); /* a full disk, for tests */
    memset(boot.token, 42, sizeof boot.token);
    int fd = listen_on(&boot.port);
    pid_t pid = fd < 0 ? -1 : run(argv + 1, &boot);
    if (pid < 0)
        return 1;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (supersede_at && calls >= supersede_at)
            boot.token[0] = 0;
        if (poll(&p, 1, 20) == 1)
            serve(accept4(fd, NULL, NULL, SOCK_CLOEXEC), &boot);
        if (waitpid(pid, &result, WNOHANG) == pid)
            break;
    }
    tell_calls();
    return WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
}
