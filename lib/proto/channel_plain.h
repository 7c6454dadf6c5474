/* channel_plain.h - between channel.c and channel_plain.c
 *
 * As ckpt_channel_read() and _try_writev(), for a channel that has gone plain.
 */
#ifndef CKPT_PROTO_CHANNEL_PLAIN_H
#define CKPT_PROTO_CHANNEL_PLAIN_H

#include "lib/proto/channel_impl.h"

ssize_t ckpt_plain_read(struct ckpt_channel *channel, void *buf, size_t len);
ssize_t ckpt_plain_try_writev(struct ckpt_channel *channel,
                              const struct iovec *iov, int iovcnt);

#endif
