/* slink.c - see slink.h */
#include "scheduler/starter/slink.h"

#include "lib/common/io.h"
#include "lib/proto/channel.h"
#include "lib/proto/dial.h"
#include "lib/proto/rpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONNECT_MS = 5000,
    CALL_SEC = 30,
    CHUNK = 1 << 20, /* SHADOW_DATA_MAX */
};

struct slink {
    struct ckpt_boot boot;
    struct ckpt_channel *channel;
    CLIENT *client; /* NULL: not connected */
    char session[SHADOW_ID_LEN];
    unsigned seq; /* of the last call whose reply we have, slot 0 */
    unsigned lease_sec;
};

struct slink *slink_create(const struct ckpt_boot *boot)
{
    struct slink *slink = calloc(1, sizeof *slink);

    if (!slink)
        return NULL;
    slink->boot = *boot;
    slink->channel = aligned_alloc(16, (ckpt_channel_size() + 15) & ~15UL);
    if (!slink->channel) {
        free(slink);
        return NULL;
    }
    return slink;
}

void slink_disconnect(struct slink *slink)
{
    if (!slink->client)
        return;
    CLNT_DESTROY(slink->client);
    slink->client = NULL;
    ckpt_channel_close(slink->channel);
}

void slink_destroy(struct slink *slink)
{
    if (!slink)
        return;
    slink_disconnect(slink);
    free(slink->channel);
    explicit_bzero(slink, sizeof *slink);
    free(slink);
}

bool slink_connected(const struct slink *slink)
{
    return slink->client != NULL;
}

int slink_fd(const struct slink *slink)
{
    return slink->client ? ckpt_channel_fd(slink->channel) : -1;
}

unsigned slink_lease_sec(const struct slink *slink)
{
    return slink->lease_sec;
}

/* Whether it was carried out is not known, and the next call may be another
 * one, which must not get this one's reply: a new session.  All that the
 * starter says may be said twice. */
static int call_failed(struct slink *slink, const char *what,
                       struct ckpt_err *err)
{
    slink_disconnect(slink);
    memset(slink->session, 0, sizeof slink->session);
    slink->seq = 0;
    return ckpt_err_set(err, ENOTCONN, "%s: the shadow does not answer", what);
}

/* The credential of the next call; the number moves on with its reply. */
static void next_call(struct slink *slink)
{
    uint8_t body[8];
    struct ckpt_bytes b = ckpt_bytes_over(body, sizeof body);
    unsigned seq = slink->seq + 1;

    /* struct shadow_cred in XDR: big-endian */
    ckpt_put_u32(&b, 0);
    ckpt_put_u32(&b, htonl(seq));
    ckpt_rpc_client_cred(slink->client, SHADOW_AUTH, body, sizeof body);
}

static int bind_session(struct slink *slink, struct ckpt_err *err)
{
    shadow_bind_args args = {.role = SHADOW_ROLE_STARTER};
    shadow_bind_res res = {0};

    memcpy(args.session, slink->session, sizeof args.session);
    if (shadow_bind_1(&args, &res, slink->client) != RPC_SUCCESS)
        return call_failed(slink, "BIND", err);
    if (res.status != 0) {
        slink_disconnect(slink);
        return ckpt_err_set(err, res.status, "the shadow refused us: %s",
                            strerror(res.status));
    }
    memcpy(slink->session, res.shadow_bind_res_u.ok.session,
           sizeof slink->session);
    slink->lease_sec = res.shadow_bind_res_u.ok.lease_sec;
    if (slink->lease_sec < CALL_SEC) { /* no answer for that long is news */
        struct timeval limit = {slink->lease_sec, 0};
        CLNT_CONTROL(slink->client, CLSET_TIMEOUT, (char *)&limit);
    }
    return 0;
}

int slink_connect(struct slink *slink, struct ckpt_err *err)
{
    struct timeval limit = {CALL_SEC, 0};
    uint8_t prologue[CKPT_BOOT_PROLOGUE_LEN];

    if (slink->client)
        return 0;
    size_t len = ckpt_boot_prologue(&slink->boot, prologue);
    int fd =
        ckpt_proto_connect(slink->boot.host, slink->boot.port, CONNECT_MS, err);
    if (fd < 0)
        return -1;
    if (ckpt_channel_connect(slink->channel, fd, slink->boot.token, prologue,
                             len, CONNECT_MS, err) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    if (slink->boot.plain)
        ckpt_channel_go_plain(slink->channel);
    slink->client =
        ckpt_rpc_client(slink->channel, SHADOW_PROGRAM, SHADOW_V1, err);
    if (!slink->client) {
        ckpt_channel_close(slink->channel);
        return -1;
    }
    CLNT_CONTROL(slink->client, CLSET_TIMEOUT, (char *)&limit);
    return bind_session(slink, err);
}

static int need_connection(struct slink *slink, const char *what,
                           struct ckpt_err *err)
{
    if (!slink->client)
        return ckpt_err_set(err, ENOTCONN, "%s: no connection", what);
    next_call(slink);
    return 0;
}

static int status_error(int status, const char *what, struct ckpt_err *err)
{
    if (status == 0)
        return 0;
    return ckpt_err_set(err, status, "%s: %s", what, strerror(status));
}

int slink_start(struct slink *slink, shadow_start_ok *start,
                struct ckpt_err *err)
{
    shadow_start_res res = {0};

    if (need_connection(slink, "START", err) < 0)
        return -1;
    if (shadow_start_1(NULL, &res, slink->client) != RPC_SUCCESS)
        return call_failed(slink, "START", err);
    slink->seq++;
    if (status_error(res.status, "START", err) < 0)
        return -1;
    *start = res.shadow_start_res_u.ok; /* the caller frees it */
    return 0;
}

int slink_grants(struct slink *slink, shadow_grants_ok *grants,
                 struct ckpt_err *err)
{
    shadow_grants_res res = {0};

    if (need_connection(slink, "GRANTS", err) < 0)
        return -1;
    if (shadow_grants_1(NULL, &res, slink->client) != RPC_SUCCESS)
        return call_failed(slink, "GRANTS", err);
    slink->seq++;
    if (status_error(res.status, "GRANTS", err) < 0)
        return -1;
    *grants = res.shadow_grants_res_u.ok;
    return 0;
}

static int fetch_chunk(struct slink *slink, bool image, uint64_t offset,
                       shadow_read_res *res, struct ckpt_err *err)
{
    shadow_image_get_args args = {.offset = offset, .count = CHUNK};
    const char *what = image ? "the image" : "the executable";

    if (need_connection(slink, what, err) < 0)
        return -1;
    enum clnt_stat rc = image ? shadow_image_get_1(&args, res, slink->client)
                              : shadow_exe_get_1(&args, res, slink->client);
    if (rc != RPC_SUCCESS)
        return call_failed(slink, what, err);
    slink->seq++;
    return status_error(res->status, what, err);
}

int slink_fetch(struct slink *slink, bool image, uint64_t size, int fd,
                struct ckpt_err *err)
{
    for (uint64_t done = 0; done < size;) {
        shadow_read_res res = {0};
        if (fetch_chunk(slink, image, done, &res, err) < 0)
            return -1;
        shadow_data *data = &res.shadow_read_res_u.ok.data;
        size_t len = data->shadow_data_len;
        int rc = ckpt_write_full(fd, data->shadow_data_val, len);
        xdr_free((xdrproc_t)xdr_shadow_read_res, (char *)&res);
        if (rc < 0)
            return ckpt_err_sys(err, "the scratch directory");
        if (len == 0)
            return ckpt_err_set(err, EPROTO, "%s ends early",
                                image ? "the image" : "the executable");
        done += len;
    }
    return 0;
}

int slink_event(struct slink *slink, shadow_event event, int value,
                uint64_t cpu_usec, const char *text, struct ckpt_err *err)
{
    char line[SHADOW_TEXT_MAX + 1];
    shadow_event_args args = {
        .event = event, .value = value, .cpu_usec = cpu_usec, .text = line};
    shadow_status_res res = {0};

    snprintf(line, sizeof line, "%s", text ? text : "");
    if (need_connection(slink, "EVENT", err) < 0)
        return -1;
    if (shadow_event_1(&args, &res, slink->client) != RPC_SUCCESS)
        return call_failed(slink, "EVENT", err);
    slink->seq++;
    return status_error(res.status, "EVENT", err);
}

/* NULL has no slot: nothing to be done twice. */
int slink_ping(struct slink *slink, struct ckpt_err *err)
{
    if (!slink->client)
        return ckpt_err_set(err, ENOTCONN, "NULL: no connection");
    if (shadow_null_1(NULL, NULL, slink->client) != RPC_SUCCESS)
        return call_failed(slink, "NULL", err);
    return 0;
}
