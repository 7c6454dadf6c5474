/* stream.c - see stream.h */
#include "shadow/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As much as a pipe takes without blocking once it can be written to. */
enum { PIECE = 4096 };

struct stream_wait {
    struct stream_wait *next;
    struct ckpt_rpc_deferred *deferred;
    uint32_t slot, seq;
    int fd;
    bool write;
    size_t len, done;
    char data[]; /* of a write */
};

bool stream_is(uint32_t handle, int fd)
{
    return handle < HANDLE_STANDARD && fd >= 0 && lseek(fd, 0, SEEK_CUR) < 0;
}

static bool is_ready(int fd, short events)
{
    struct pollfd p = {fd, events, 0};

    return poll(&p, 1, 0) > 0;
}

/* --- one read, one write ----------------------------------------------------
 */

static void read_now(struct shadow *shadow, int fd, size_t len,
                     shadow_read_res *res)
{
    char *data = malloc(len + 1);
    ssize_t n = data ? read(fd, data, len) : -1;

    res->status = status_of(shadow, n);
    if (n < 0)
        free(data);
    else
        res->shadow_read_res_u.ok.data = (shadow_data){(u_int)n, data};
}

/* As much as goes out now; -1 with errno. */
static int write_some(int fd, const char *data, size_t len, size_t *done)
{
    while (*done < len && is_ready(fd, POLLOUT)) {
        size_t n = len - *done < PIECE ? len - *done : PIECE;
        ssize_t out = write(fd, data + *done, n);
        if (out < 0 && errno != EINTR && errno != EAGAIN)
            return -1;
        *done += out > 0 ? (size_t)out : 0;
    }
    return 0;
}

static void wrote(struct shadow *shadow, int rc, size_t done,
                  shadow_write_res *res)
{
    memset(res, 0, sizeof *res);
    res->status = status_of(shadow, rc);
    if (rc == 0) {
        res->shadow_write_res_u.ok.count = (u_int)done;
        res->shadow_write_res_u.ok.end = done;
    }
}

/* --- waiting ----------------------------------------------------------------
 */

static void on_ready(int fd, short revents, void *arg);

static struct stream_wait *first_of(struct shadow *shadow, int fd, bool write)
{
    struct stream_wait *w = shadow->waits;

    while (w && (w->fd != fd || w->write != write))
        w = w->next;
    return w;
}

/* Those of a lost connection wait for the next one. */
static short events_of(struct shadow *shadow, int fd)
{
    const struct stream_wait *in = first_of(shadow, fd, false);
    const struct stream_wait *out = first_of(shadow, fd, true);

    return (short)((in && ckpt_rpc_defer_alive(in->deferred) ? POLLIN : 0) |
                   (out ? POLLOUT : 0));
}

static void watch(struct shadow *shadow, int fd)
{
    short events = events_of(shadow, fd);

    if (events)
        ckpt_serve_watch(shadow->serve, fd, events, on_ready, shadow);
    else
        ckpt_serve_unwatch(shadow->serve, fd);
}

static void append(struct shadow *shadow, struct stream_wait *wait)
{
    struct stream_wait **at = &shadow->waits;

    while (*at)
        at = &(*at)->next;
    *at = wait;
    watch(shadow, wait->fd);
}

static void take_out(struct shadow *shadow, struct stream_wait *wait)
{
    struct stream_wait **at = &shadow->waits;

    while (*at != wait)
        at = &(*at)->next;
    *at = wait->next;
    watch(shadow, wait->fd);
}

/* Answer, and keep the answer for the slot. */
static void finish(struct shadow *shadow, struct stream_wait *wait,
                   xdrproc_t xres, void *res)
{
    struct slot *slot =
        &shadow->sessions[SHADOW_ROLE_JOB].kept->slots[wait->slot];

    take_out(shadow, wait);
    slot->waits = 0;
    ckpt_rpc_defer_keep(wait->deferred, slot->reply, REPLY_KEEP_MAX,
                        &slot->kept);
    ckpt_rpc_defer_reply(wait->deferred, xres, res);
    free(wait);
}

static void finish_read(struct shadow *shadow, struct stream_wait *wait,
                        shadow_read_res *res)
{
    finish(shadow, wait, (xdrproc_t)xdr_shadow_read_res, res);
    xdr_free((xdrproc_t)xdr_shadow_read_res, (char *)res);
}

static void go_on_writing(struct shadow *shadow, struct stream_wait *wait)
{
    shadow_write_res res;
    int rc = write_some(wait->fd, wait->data, wait->len, &wait->done);

    if (rc == 0 &&
        (wait->done < wait->len || !ckpt_rpc_defer_alive(wait->deferred))) {
        watch(shadow, wait->fd);
        return;
    }
    wrote(shadow, rc, wait->done, &res);
    finish(shadow, wait, (xdrproc_t)xdr_shadow_write_res, &res);
}

static void on_ready(int fd, short revents, void *arg)
{
    struct shadow *shadow = arg;
    struct stream_wait *out = first_of(shadow, fd, true);
    struct stream_wait *in = first_of(shadow, fd, false);

    if (out && (revents & (POLLOUT | POLLHUP | POLLERR)))
        go_on_writing(shadow, out);
    if (!in || !(revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    if (!ckpt_rpc_defer_alive(in->deferred)) {
        watch(shadow, fd);
        return;
    }
    shadow_read_res res = {.status = 0};
    read_now(shadow, fd, in->len, &res);
    finish_read(shadow, in, &res);
}

/* --- the calls
 * ----------------------------------------------------------------
 */

static struct stream_wait *put_aside(struct svc_req *req, int fd, bool write,
                                     size_t len, const char *data)
{
    struct stream_wait *wait = calloc(1, sizeof *wait + (data ? len : 0));

    if (!wait || session_slot(req, &wait->slot, &wait->seq) < 0 ||
        !(wait->deferred = ckpt_rpc_defer(req))) {
        free(wait);
        return NULL;
    }
    wait->fd = fd;
    wait->write = write;
    wait->len = len;
    if (data)
        memcpy(wait->data, data, len);
    return wait;
}

bool_t stream_read(struct shadow *shadow, struct svc_req *req, int fd,
                   size_t len, shadow_read_res *res)
{
    if (len > SHADOW_STREAM_MAX)
        len = SHADOW_STREAM_MAX;
    if (session_keep(req) < 0) {
        res->status = ENOMEM;
        return TRUE;
    }
    if (!first_of(shadow, fd, false) && is_ready(fd, POLLIN)) {
        read_now(shadow, fd, len, res);
        return TRUE;
    }
    struct stream_wait *wait = put_aside(req, fd, false, len, NULL);
    if (wait)
        append(shadow, wait);
    else
        res->status = ENOMEM;
    return wait == NULL;
}

bool_t stream_write(struct shadow *shadow, struct svc_req *req, int fd,
                    const shadow_data *data, shadow_write_res *res)
{
    size_t len = data->shadow_data_len, done = 0;
    int rc = 0;

    if (!first_of(shadow, fd, true))
        rc = write_some(fd, data->shadow_data_val, len, &done);
    if (rc < 0 || done == len) {
        wrote(shadow, rc, done, res);
        return TRUE;
    }
    struct stream_wait *wait =
        put_aside(req, fd, true, len, data->shadow_data_val);
    if (!wait) {
        res->status = ENOMEM;
        return TRUE;
    }
    wait->done = done;
    shadow->sessions[SHADOW_ROLE_JOB].kept->slots[wait->slot].waits = 1;
    append(shadow, wait);
    return FALSE;
}

static struct stream_wait *find(struct shadow *shadow, uint32_t slot,
                                uint32_t seq)
{
    struct stream_wait *w = shadow->waits;

    while (w && (w->slot != slot || w->seq != seq))
        w = w->next;
    return w;
}

bool stream_adopt(struct shadow *shadow, struct svc_req *req, uint32_t slot,
                  uint32_t seq)
{
    struct stream_wait *wait = find(shadow, slot, seq);
    struct ckpt_rpc_deferred *deferred = wait ? ckpt_rpc_defer(req) : NULL;

    if (!deferred)
        return false;
    ckpt_rpc_defer_drop(wait->deferred);
    wait->deferred = deferred;
    watch(shadow, wait->fd);
    return true;
}

int stream_cancel(struct shadow *shadow, uint32_t slot, uint32_t seq)
{
    struct stream_wait *wait = find(shadow, slot, seq);
    shadow_read_res read_res = {.status = EINTR};
    shadow_write_res write_res = {.status = EINTR};

    if (!wait) {
        errno = ENOENT;
        return -1;
    }
    if (!wait->write) {
        finish_read(shadow, wait, &read_res);
        return 0;
    }
    if (wait->done > 0)
        wrote(shadow, 0, wait->done, &write_res);
    finish(shadow, wait, (xdrproc_t)xdr_shadow_write_res, &write_res);
    return 0;
}

void streams_clear(struct shadow *shadow)
{
    while (shadow->waits) {
        struct stream_wait *wait = shadow->waits;
        take_out(shadow, wait);
        ckpt_rpc_defer_drop(wait->deferred);
        free(wait);
    }
}
