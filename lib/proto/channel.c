/* channel.c - the open channel: records over a socket; see channel.h */
#include "lib/proto/channel.h"

#include "lib/common/sys.h"
#include "lib/proto/channel_plain.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Pieces at least this long start a record of their own, so that neither side
 * copies them. */
enum { DIRECT_MIN = 4096 };

size_t ckpt_channel_size(void)
{
    return sizeof(struct ckpt_channel);
}

int ckpt_channel_fd(const struct ckpt_channel *channel)
{
    return channel->fd;
}

void ckpt_channel_set_timeout(struct ckpt_channel *channel, int timeout_ms)
{
    channel->timeout_ms = timeout_ms;
}

static int fail(struct ckpt_channel *channel, int errnum)
{
    channel->state = CHANNEL_BROKEN;
    errno = errnum;
    return -1;
}

/* --- waiting ------------------------------------------------------------ */

static int64_t now_ms(void)
{
    struct timespec now = {0};

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t ckpt_channel_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

int ckpt_channel_wait(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    long n;

    do {
        int64_t left = deadline < 0 ? -1 : deadline - now_ms();
        if (deadline >= 0 && left <= 0)
            n = 0;
        else
            n = ckpt_sys(SYS_poll, &p, 1, left);
    } while (n == -EINTR);
    if (n > 0)
        return 0;
    errno = n == 0 ? ETIMEDOUT : (int)-n;
    return -1;
}

/* --- receiving ---------------------------------------------------------- */

/* Make room for one whole record behind what is there. */
static void compact(struct ckpt_channel *channel)
{
    size_t have = channel->in_end - channel->in_at;

    if (have == 0) {
        channel->in_at = channel->in_end = 0;
    } else if (IN_SIZE - channel->in_at < WIRE_MAX) {
        memmove(channel->in, channel->in + channel->in_at, have);
        channel->in_at = 0;
        channel->in_end = have;
    }
}

ssize_t ckpt_channel_fill(struct ckpt_channel *channel, int flags)
{
    long n;

    compact(channel);
    do
        n = ckpt_sys(SYS_recvfrom, channel->fd, channel->in + channel->in_end,
                     IN_SIZE - channel->in_end, flags, 0, 0);
    while (n == -EINTR);
    if (n > 0)
        channel->in_end += (size_t)n;
    return ckpt_sys_errno(n);
}

/* 1 when a whole record lies at in_at: its type and plaintext length. */
static int next_record(const struct ckpt_channel *channel,
                       enum ckpt_record_type *type, size_t *len)
{
    size_t have = channel->in_end - channel->in_at;

    if (have < CKPT_RECORD_HEAD)
        return 0;
    if (ckpt_record_head(channel->in + channel->in_at, type, len))
        return -1;
    return have >= *len + CKPT_RECORD_OVERHEAD;
}

static size_t take_plain(struct ckpt_channel *channel, void *buf, size_t len)
{
    size_t n = channel->plain_end - channel->plain_at;

    if (n > len)
        n = len;
    memcpy(buf, channel->in + channel->plain_at, n);
    channel->plain_at += n;
    return n;
}

/* Open the record at in_at, straight into `buf` if it fits there. */
static ssize_t open_record(struct ckpt_channel *channel,
                           enum ckpt_record_type type, size_t plain_len,
                           void *buf, size_t len)
{
    uint8_t *wire = channel->in + channel->in_at;
    bool direct = plain_len <= len;
    void *plain = direct ? buf : wire + CKPT_RECORD_HEAD;

    if (ckpt_record_open(&channel->rx, wire, plain_len, plain))
        return fail(channel, EBADMSG);
    size_t plain_at = channel->in_at + CKPT_RECORD_HEAD;
    channel->in_at += plain_len + CKPT_RECORD_OVERHEAD;
    if (type == CKPT_RECORD_END) {
        channel->state = CHANNEL_ENDED;
        return 0;
    }
    if (type != CKPT_RECORD_DATA)
        return fail(channel, EBADMSG);
    if (direct)
        return (ssize_t)plain_len;
    channel->plain_at = plain_at;
    channel->plain_end = plain_at + plain_len;
    return (ssize_t)take_plain(channel, buf, len);
}

static ssize_t look(struct ckpt_channel *channel, const struct iovec *unused)
{
    (void)unused;
    return ckpt_channel_fill(channel, MSG_DONTWAIT);
}

/* Get more from the socket: 0, or -1 with errno. */
static int receive_more(struct ckpt_channel *channel, int64_t deadline)
{
    ssize_t n = ckpt_channel_look(channel, look, NULL);

    if (n < 0 && errno == EAGAIN) {
        if (deadline >= 0 && ckpt_channel_wait(channel->fd, POLLIN, deadline))
            return fail(channel, errno);
        n = ckpt_channel_fill(channel, 0);
    }
    if (n > 0)
        return 0;
    if (n < 0 && errno == EAGAIN)
        return -1;
    return fail(channel, n == 0 ? ECONNRESET : errno);
}

ssize_t ckpt_channel_read(struct ckpt_channel *channel, void *buf, size_t len)
{
    enum ckpt_record_type type;
    size_t plain_len;
    int64_t deadline = -1;

    if (channel->plain)
        return ckpt_plain_read(channel, buf, len);
    if (channel->plain_at < channel->plain_end)
        return (ssize_t)take_plain(channel, buf, len);
    if (channel->state == CHANNEL_ENDED)
        return 0;
    if (channel->state != CHANNEL_OPEN)
        return fail(channel, EPIPE);
    for (;;) {
        int whole = next_record(channel, &type, &plain_len);
        if (whole < 0)
            return fail(channel, EBADMSG);
        if (whole)
            return open_record(channel, type, plain_len, buf, len);
        if (channel->timeout_ms >= 0 && deadline < 0)
            deadline = ckpt_channel_deadline(channel->timeout_ms);
        if (receive_more(channel, deadline))
            return -1;
    }
}

bool ckpt_channel_pending(const struct ckpt_channel *channel)
{
    enum ckpt_record_type type;
    size_t len;

    if (channel->plain)
        return channel->in_at < channel->in_end;
    if (channel->plain_at < channel->plain_end)
        return true;
    return channel->state == CHANNEL_OPEN &&
           next_record(channel, &type, &len) != 0;
}

/* --- sending ------------------------------------------------------------ */

/* A position in an iovec. */
struct gather {
    const struct iovec *iov;
    int count;
    size_t offset;
};

static void skip_empty(struct gather *g)
{
    while (g->count > 0 && g->offset == g->iov->iov_len) {
        g->iov++;
        g->count--;
        g->offset = 0;
    }
}

static size_t piece(const struct gather *g, const uint8_t **data)
{
    *data = (const uint8_t *)g->iov->iov_base + g->offset;
    return g->iov->iov_len - g->offset;
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

/* Copy small pieces together to where they will be sealed. */
static size_t gather_small(struct gather *g, uint8_t *to)
{
    size_t done = 0;

    while (g->count > 0 && done < CKPT_RECORD_PLAIN_MAX) {
        const uint8_t *data;
        size_t n = piece(g, &data);
        if (n >= DIRECT_MIN)
            break;
        n = at_most(n, CKPT_RECORD_PLAIN_MAX - done);
        memcpy(to + done, data, n);
        done += n;
        g->offset += n;
        skip_empty(g);
    }
    return done;
}

/* Seal the next record into the free end of `out`; returns its plaintext
 * length. */
static size_t seal_next(struct ckpt_channel *channel, struct gather *g)
{
    uint8_t *wire = channel->out + channel->out_end;
    const uint8_t *data;
    size_t n = piece(g, &data);

    if (n >= DIRECT_MIN) {
        n = at_most(n, CKPT_RECORD_PLAIN_MAX);
        g->offset += n;
        skip_empty(g);
    } else {
        data = wire + CKPT_RECORD_HEAD;
        n = gather_small(g, wire + CKPT_RECORD_HEAD);
    }
    channel->out_end +=
        ckpt_record_seal(&channel->tx, CKPT_RECORD_DATA, data, n, wire);
    return n;
}

int ckpt_channel_flush(struct ckpt_channel *channel)
{
    while (channel->out_at < channel->out_end) {
        long n =
            ckpt_sys(SYS_sendto, channel->fd, channel->out + channel->out_at,
                     channel->out_end - channel->out_at,
                     MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
        if (n == -EAGAIN)
            return 0;
        if (n < 0 && n != -EINTR)
            return fail(channel, (int)-n);
        if (n > 0)
            channel->out_at += (size_t)n;
    }
    channel->out_at = channel->out_end = 0;
    return 1;
}

bool ckpt_channel_unsent(const struct ckpt_channel *channel)
{
    return channel->out_at < channel->out_end;
}

static bool can_write(const struct ckpt_channel *channel)
{
    return channel->state == CHANNEL_OPEN || channel->state == CHANNEL_ENDED;
}

ssize_t ckpt_channel_try_writev(struct ckpt_channel *channel,
                                const struct iovec *iov, int iovcnt)
{
    struct gather g = {iov, iovcnt, 0};
    size_t taken = 0;

    if (!can_write(channel))
        return fail(channel, EPIPE);
    if (channel->plain)
        return ckpt_plain_try_writev(channel, iov, iovcnt);
    skip_empty(&g);
    while (g.count > 0) {
        if (OUT_SIZE - channel->out_end < WIRE_MAX) {
            int gone = ckpt_channel_flush(channel);
            if (gone < 0)
                return -1;
            if (gone == 0)
                return (ssize_t)taken;
        }
        taken += seal_next(channel, &g);
    }
    return ckpt_channel_flush(channel) < 0 ? -1 : (ssize_t)taken;
}

/* Go forward by n bytes. */
static void advance(struct gather *g, size_t n)
{
    skip_empty(g);
    while (n > 0) {
        const uint8_t *data;
        size_t step = at_most(piece(g, &data), n);
        g->offset += step;
        n -= step;
        skip_empty(g);
    }
}

/* Send what is left of the piece g stands in, and then all others. */
static ssize_t try_rest(struct ckpt_channel *channel, const struct gather *g)
{
    struct iovec first = *g->iov;

    if (g->offset == 0)
        return ckpt_channel_try_writev(channel, g->iov, g->count);
    first.iov_base = (uint8_t *)first.iov_base + g->offset;
    first.iov_len -= g->offset;
    return ckpt_channel_try_writev(channel, &first, 1);
}

int ckpt_channel_writev(struct ckpt_channel *channel, const struct iovec *iov,
                        int iovcnt)
{
    struct gather g = {iov, iovcnt, 0};
    int64_t deadline = ckpt_channel_deadline(channel->timeout_ms);

    skip_empty(&g);
    for (;;) {
        if (g.count > 0) {
            ssize_t n = try_rest(channel, &g);
            if (n < 0)
                return -1;
            advance(&g, (size_t)n);
        }
        int gone = ckpt_channel_flush(channel);
        if (gone < 0)
            return -1;
        if (gone == 1 && g.count == 0)
            return 0;
        if ((gone == 0 || channel->plain) &&
            ckpt_channel_wait(channel->fd, POLLOUT, deadline))
            return fail(channel, errno);
    }
}

/* --- the end ------------------------------------------------------------ */

static void send_end(struct ckpt_channel *channel)
{
    if (channel->plain || !can_write(channel) ||
        ckpt_channel_flush(channel) != 1)
        return;
    channel->out_end = ckpt_record_seal(&channel->tx, CKPT_RECORD_END,
                                        channel->out, 0, channel->out);
    ckpt_channel_flush(channel);
}

void ckpt_channel_wipe(struct ckpt_channel *channel)
{
    sodium_memzero(channel, sizeof *channel);
    channel->fd = -1;
    channel->state = CHANNEL_BROKEN;
}

void ckpt_channel_close(struct ckpt_channel *channel)
{
    int fd = channel->fd;

    if (channel->state == CHANNEL_CLOSED)
        return;
    send_end(channel);
    ckpt_channel_wipe(channel);
    if (fd >= 0)
        ckpt_sys(SYS_close, fd);
}
