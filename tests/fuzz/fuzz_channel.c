/* fuzz_channel.c - strangers' first messages, and records of a peer
 *
 * The first byte chooses: a stranger who sends the rest; or a peer in the
 * middle of an open channel whose sealed bytes are followed by the rest.
 */
#include "lib/proto/channel.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void stranger(const uint8_t *data, size_t len)
{
    static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "another";
    static struct ckpt_channel *channel;
    int fds[2];

    if (!channel)
        channel = calloc(1, ckpt_channel_size());
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) ||
        ckpt_channel_accept_start(channel, fds[0], psk, "p", 1, NULL))
        abort();
    for (size_t at = 0; at < len;) {
        size_t n = len - at < 40 ? len - at : 40;
        if (write(fds[1], data + at, n) != (ssize_t)n)
            break;
        at += n;
        int rc = ckpt_channel_accept_step(channel, NULL);
        if (rc == 1)
            abort(); /* let in without the key */
        if (rc < 0)
            break;
    }
    ckpt_channel_wipe(channel);
    close(fds[0]);
    close(fds[1]);
}

static void peer(const uint8_t *data, size_t len)
{
    struct fuzz_pair pair = fuzz_pair();
    char buf[1024];

    fuzz_send(&pair, "sealed", 6);
    if (write(ckpt_channel_fd(pair.a), data, len) != (ssize_t)len)
        abort();
    if (ckpt_channel_read(pair.b, buf, sizeof buf) != 6 ||
        memcmp(buf, "sealed", 6) != 0)
        abort();
    if (ckpt_channel_read(pair.b, buf, sizeof buf) >= 0)
        abort(); /* read what nobody sealed */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1 || len > 60000)
        return -1;
    if (data[0] & 1)
        stranger(data + 1, len - 1);
    else
        peer(data + 1, len - 1);
    return 0;
}
