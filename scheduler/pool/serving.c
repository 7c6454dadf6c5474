/* serving.c - see serving.h */
#include "scheduler/pool/serving.h"

#include "scheduler/pool/log.h"
#include "scheduler/pool/peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

uint64_t pool_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void log_refused(void *daemon, const char *peer,
                        const struct ckpt_err *why)
{
    (void)daemon;
    log_line("%s is refused: %s", peer, why->text);
}

static void log_closed(struct ckpt_serve_conn *conn, void *daemon,
                       const struct ckpt_err *why)
{
    (void)daemon;
    /* processes that are killed do not say good-bye */
    if (why && errno != ECONNRESET)
        log_line("connection of %s: %s", ckpt_serve_peer(conn), why->text);
}

static uint16_t port_before(const struct pooldir *pool, const char *name)
{
    char addr[POOLDIR_ADDR_MAX + 1];

    if (pooldir_addr(pool, name, addr, NULL) < 0)
        return 0;
    const char *colon = strrchr(addr, ':');
    return colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
}

struct ckpt_serve *pool_serve(const struct pooldir *pool, const char *name,
                              const char *host, rpcprog_t prog, rpcvers_t vers,
                              ckpt_rpc_dispatch *dispatch, unsigned conns,
                              char addr[POOLDIR_ADDR_MAX + 1],
                              struct ckpt_err *err)
{
    static char prologue[CKPT_CHANNEL_PROLOGUE_MAX];
    struct ckpt_serve_config config = {
        .host = host,
        .port = port_before(pool, name),
        .conns = conns,
        .prog = prog,
        .vers = vers,
        .dispatch = dispatch,
        .key = {.psk = pool->key,
                .prologue = prologue,
                .prologue_len = peer_prologue(pool, prologue, sizeof prologue)},
        .closed = log_closed,
        .refused = log_refused,
    };

    struct ckpt_serve *serve = ckpt_serve_create(&config, err);
    if (!serve && config.port != 0) {
        config.port = 0;
        serve = ckpt_serve_create(&config, err);
    }
    if (!serve)
        return NULL;
    snprintf(addr, POOLDIR_ADDR_MAX + 1,
             strchr(host, ':') ? "[%.64s]:%u" : "%.64s:%u", host,
             ckpt_serve_port(serve));
    if (pooldir_write_addr(pool, name, addr, err) == 0)
        return serve;
    ckpt_serve_destroy(serve);
    return NULL;
}

struct signals {
    void (*fn)(void *arg, int signal);
    void *arg;
};

static void read_signals(int fd, short revents, void *arg)
{
    const struct signals *signals = arg;
    struct signalfd_siginfo info;

    (void)revents;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
        signals->fn(signals->arg, (int)info.ssi_signo);
}

int pool_watch_signals(struct ckpt_serve *serve,
                       void (*fn)(void *arg, int signal), void *arg)
{
    static struct signals signals;
    sigset_t set;

    signals = (struct signals){fn, arg};
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -1;
    return ckpt_serve_watch(serve, fd, POLLIN, read_signals, &signals);
}
