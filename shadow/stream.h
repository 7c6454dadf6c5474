/* stream.h - terminals and pipes: calls that have to wait
 *
 * A READ that finds nothing, or a WRITE for which there is no room, is put
 * aside until its descriptor is ready, cancelled, or the session ends; the
 * shadow serves other calls meanwhile.  What it read is kept with the slot like
 * any reply, so nothing typed is lost or read twice over a reconnect.
 */
#ifndef CKPT_SHADOW_STREAM_H
#define CKPT_SHADOW_STREAM_H

#include "shadow/server.h"

/* A terminal, pipe or socket: no offsets, may block.  Only standard streams
 * can be that. */
bool stream_is(uint32_t handle, int fd);

/* Serve the call now, TRUE, or put it aside, FALSE. */
bool_t stream_read(struct shadow *shadow, struct svc_req *req, int fd,
                   size_t len, shadow_read_res *res);
bool_t stream_write(struct shadow *shadow, struct svc_req *req, int fd,
                    const shadow_data *data, shadow_write_res *res);

/* The call in this slot came again over a new connection.  True when it waits
 * here and is now that connection's. */
bool stream_adopt(struct shadow *shadow, struct svc_req *req, uint32_t slot,
                  uint32_t seq);
/* See CANCEL in shadow.x.  0, or -1 with ENOENT. */
int stream_cancel(struct shadow *shadow, uint32_t slot, uint32_t seq);
/* The session is over: forget all that wait. */
void streams_clear(struct shadow *shadow);

#endif
