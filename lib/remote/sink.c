/* sink.c - the image of a checkpoint goes home
 *
 * Parts are sent without waiting for their answers; the commit waits for all.
 */
#include "lib/remote/remote.h"
#include "lib/remote/state.h"

#include <string.h>

/* One operation, for ckpt_locked(). */
struct part {
    struct ckpt_call call;
    const uint8_t *buf;
    size_t len;
};

static void send_part(void)
{
    shadow_image_put_args args = {
        ckpt_link->image_offset,
        {ckpt_link->image_len, (char *)ckpt_link->image}};

    ckpt_wire_issue(ckpt_wire_begin(
        SHADOW_IMAGE_PUT, (xdrproc_t)xdr_shadow_image_put_args, &args));
    ckpt_link->image_offset += ckpt_link->image_len;
    ckpt_link->image_len = 0;
}

static long do_write(struct ckpt_call *call)
{
    struct part *part = (struct part *)call;

    while (part->len > 0 && ckpt_link->image_error == 0) {
        size_t room = SHADOW_DATA_MAX - ckpt_link->image_len;
        size_t n = part->len < room ? part->len : room;
        memcpy(ckpt_link->image + ckpt_link->image_len, part->buf, n);
        ckpt_link->image_len += (uint32_t)n;
        part->buf += n;
        part->len -= n;
        if (ckpt_link->image_len == SHADOW_DATA_MAX)
            send_part();
    }
    return -ckpt_link->image_error;
}

static int told(long rc, struct ckpt_err *err)
{
    if (rc == 0)
        return 0;
    errno = (int)-rc;
    return ckpt_err_sys(err, "the shadow cannot store the image");
}

static int sink_write(struct ckpt_sink *sink, const void *buf, size_t len,
                      struct ckpt_err *err)
{
    struct part part = {.buf = buf, .len = len};

    (void)sink;
    return told(ckpt_locked(do_write, &part.call), err);
}

static long do_commit(struct ckpt_call *call)
{
    (void)call;
    if (ckpt_link->image_len > 0)
        send_part();
    ckpt_wire_settle(-1);
    if (ckpt_link->image_error)
        return -ckpt_link->image_error;
    shadow_image_commit_args args = {ckpt_link->image_offset};
    return ckpt_session_call(SHADOW_IMAGE_COMMIT,
                             (xdrproc_t)xdr_shadow_image_commit_args, &args,
                             NULL, NULL);
}

static int sink_commit(struct ckpt_sink *sink, struct ckpt_err *err)
{
    struct ckpt_call none = {.nr = 0};

    (void)sink;
    return told(ckpt_locked(do_commit, &none), err);
}

/* The next image begins at offset 0, which drops what came of this one. */
static void sink_abort(struct ckpt_sink *sink)
{
    (void)sink;
    ckpt_link->image_len = 0;
}

static struct ckpt_sink home_sink = {
    .write = sink_write, .commit = sink_commit, .abort = sink_abort};

struct ckpt_sink *ckpt_remote_sink(void)
{
    ckpt_link->image_len = 0;
    ckpt_link->image_offset = 0;
    ckpt_link->image_error = 0;
    return &home_sink;
}
