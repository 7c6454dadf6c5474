/* channel_plain.c - a channel without records: the bytes as they are
 *
 * After ckpt_channel_go_plain().  Small pieces are received through `in`, by
 * look-aheads of AHEAD bytes, so that a record mark does not cost a system call
 * of its own; long ones go straight to the caller.  Nothing is kept to be sent.
 */
#include "lib/proto/channel_plain.h"

#include "lib/common/sys.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { AHEAD = 8192, VECTORS = 16 };

int ckpt_channel_go_plain(struct ckpt_channel *channel)
{
    if (channel->state != CHANNEL_OPEN ||
        channel->plain_at < channel->plain_end ||
        channel->out_at < channel->out_end) {
        errno = EINVAL;
        return -1;
    }
    sodium_memzero(&channel->tx, sizeof channel->tx);
    sodium_memzero(&channel->rx, sizeof channel->rx);
    channel->plain = true;
    return 0;
}

static int broken(struct ckpt_channel *channel, int errnum)
{
    channel->state = CHANNEL_BROKEN;
    errno = errnum;
    return -1;
}

static size_t take(struct ckpt_channel *channel, void *buf, size_t len)
{
    size_t n = channel->in_end - channel->in_at;

    if (n > len)
        n = len;
    memcpy(buf, channel->in + channel->in_at, n);
    channel->in_at += n;
    return n;
}

static ssize_t receive(struct ckpt_channel *channel, const struct iovec *into,
                       int flags)
{
    struct iovec iov[2] = {*into, {channel->in, AHEAD}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    long n;

    do
        n = ckpt_sys(SYS_recvmsg, channel->fd, &msg, flags);
    while (n == -EINTR);
    return ckpt_sys_errno(n);
}

static ssize_t look(struct ckpt_channel *channel, const struct iovec *into)
{
    return receive(channel, into, MSG_DONTWAIT);
}

ssize_t ckpt_plain_read(struct ckpt_channel *channel, void *buf, size_t len)
{
    struct iovec into = {buf, len};

    if (channel->in_at < channel->in_end)
        return (ssize_t)take(channel, buf, len);
    if (channel->state == CHANNEL_ENDED)
        return 0;
    if (channel->state != CHANNEL_OPEN)
        return broken(channel, EPIPE);
    ssize_t n = ckpt_channel_look(channel, look, &into);
    if (n < 0 && errno == EAGAIN) {
        if (channel->timeout_ms >= 0 &&
            ckpt_channel_wait(channel->fd, POLLIN,
                              ckpt_channel_deadline(channel->timeout_ms)))
            return broken(channel, errno);
        n = receive(channel, &into, 0);
    }
    if (n < 0)
        return errno == EAGAIN ? -1 : broken(channel, errno);
    if (n == 0)
        channel->state = CHANNEL_ENDED;
    channel->in_at = 0;
    channel->in_end = (size_t)n > len ? (size_t)n - len : 0;
    return (size_t)n > len ? (ssize_t)len : n;
}

/* One sendmsg(2): how much has gone, 0 for nothing now. */
static ssize_t send_some(struct ckpt_channel *channel, const struct iovec *iov,
                         int iovcnt)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                         .msg_iovlen =
                             (size_t)(iovcnt < VECTORS ? iovcnt : VECTORS)};
    long n;

    do
        n = ckpt_sys(SYS_sendmsg, channel->fd, &msg,
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n == -EINTR);
    if (n == -EAGAIN)
        return 0;
    return n < 0 ? broken(channel, (int)-n) : n;
}

/* The pieces of iov that lie behind its first `done` bytes. */
static int rest_of(struct iovec *rest, const struct iovec *iov, int iovcnt,
                   size_t done)
{
    int count = 0;

    for (int i = 0; i < iovcnt && count < VECTORS; i++) {
        size_t skip = done < iov[i].iov_len ? done : iov[i].iov_len;
        done -= skip;
        if (skip == iov[i].iov_len)
            continue;
        rest[count].iov_base = (uint8_t *)iov[i].iov_base + skip;
        rest[count++].iov_len = iov[i].iov_len - skip;
    }
    return count;
}

ssize_t ckpt_plain_try_writev(struct ckpt_channel *channel,
                              const struct iovec *iov, int iovcnt)
{
    struct iovec rest[VECTORS];
    size_t done = 0;
    int count;

    while ((count = rest_of(rest, iov, iovcnt, done)) > 0) {
        ssize_t n = send_some(channel, rest, count);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}
