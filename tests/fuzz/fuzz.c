/* fuzz.c - see fuzz.h */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "fuzz";

static void *connect_end(void *arg)
{
    struct ckpt_channel **end = arg;
    int fd = ((int *)(end + 1))[0];

    if (ckpt_channel_connect(*end, fd, psk, "", 0, 5000, NULL))
        abort();
    return NULL;
}

struct fuzz_pair fuzz_pair(void)
{
    static struct {
        struct ckpt_channel *channel;
        int fd;
    } client;
    static struct ckpt_channel *server;
    pthread_t thread;
    int fds[2];

    if (!server) {
        server = calloc(1, ckpt_channel_size());
        client.channel = calloc(1, ckpt_channel_size());
    }
    ckpt_channel_close(server);
    ckpt_channel_close(client.channel);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
        abort();
    client.fd = fds[0];
    if (pthread_create(&thread, NULL, connect_end, &client) ||
        ckpt_channel_accept(server, fds[1], psk, "", 0, 5000, NULL))
        abort();
    pthread_join(thread, NULL);
    return (struct fuzz_pair){client.channel, server};
}

void fuzz_send(struct fuzz_pair *pair, const void *data, size_t len)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};

    if (len > 0 && ckpt_channel_try_writev(pair->a, &iov, 1) != (ssize_t)len)
        abort();
    if (ckpt_channel_flush(pair->a) != 1)
        abort();
}
