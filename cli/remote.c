/* remote.c - what commands ask the coordinator and stations; see home.h */
#include "cli/home.h"

#include <errno.h>
#include <string.h>

enum { TIMEOUT_MS = 5000 };

static struct peer *open_coordinator(struct home *home, struct ckpt_err *err)
{
    return peer_open(&home->pool, "coordinator", COORD_PROGRAM, COORD_V1,
                     TIMEOUT_MS, err);
}

/* Close the peer; the text of a failed call goes to err. */
static int finish(struct peer *peer, enum clnt_stat stat, const char *who,
                  struct ckpt_err *err)
{
    int result = 0;

    if (stat != RPC_SUCCESS) {
        result = peer_fail(peer, err);
        ckpt_err_prefix(err, "%s", who);
    }
    int errnum = errno;
    peer_close(peer);
    errno = errnum;
    return result;
}

/* One page; `after` (POOL_NAME_MAX + 1 bytes) moves on. */
static int list_page(struct home *home, const char *only, char *after,
                     bool *more, int (*fn)(const pool_station *, void *),
                     void *arg, struct ckpt_err *err)
{
    coord_stations_args args = {.after = after,
                                .only = only ? (char *)(uintptr_t)only : ""};
    coord_stations_res res = {.status = 0};
    struct peer *peer = open_coordinator(home, err);
    int result = 0;

    if (!peer || finish(peer, coord_list_1(&args, &res, peer_client(peer)),
                        "coordinator", err))
        return -1;
    if (res.status) {
        result =
            ckpt_err_set(err, res.status, "%s", res.coord_stations_res_u.why);
    } else {
        const coord_stations_ok *ok = &res.coord_stations_res_u.ok;
        for (u_int i = 0; i < ok->stations.stations_len && !result; i++) {
            const pool_station *s = &ok->stations.stations_val[i];
            strncpy(after, s->name, POOL_NAME_MAX);
            result = fn(s, arg);
        }
        *more = ok->more && ok->stations.stations_len > 0;
    }
    xdr_free((xdrproc_t)xdr_coord_stations_res, (char *)&res);
    return result;
}

int coordinator_each(struct home *home, const char *only,
                     int (*fn)(const pool_station *station, void *arg),
                     void *arg, struct ckpt_err *err)
{
    char after[POOL_NAME_MAX + 1] = "";
    bool more = true;
    int result = 0;

    while (result == 0 && more)
        result = list_page(home, only, after, &more, fn, arg, err);
    return result;
}

int coordinator_status(struct home *home, coord_status_res *res,
                       struct ckpt_err *err)
{
    struct peer *peer = open_coordinator(home, err);

    memset(res, 0, sizeof *res);
    return peer ? finish(peer, coord_status_1(NULL, res, peer_client(peer)),
                         "coordinator", err)
                : -1;
}

static struct peer *open_station(struct home *home, const char *where,
                                 struct ckpt_err *err)
{
    return peer_open(&home->pool, where, STATION_PROGRAM, STATION_V1,
                     TIMEOUT_MS, err);
}

int station_status(struct home *home, const char *where,
                   station_status_res *res, struct ckpt_err *err)
{
    struct peer *peer = open_station(home, where, err);

    memset(res, 0, sizeof *res);
    return peer ? finish(peer, station_status_1(NULL, res, peer_client(peer)),
                         where, err)
                : -1;
}

int station_leave(struct home *home, const char *where, const char *reason,
                  struct ckpt_err *err)
{
    station_leave_args args = {.reason = (char *)(uintptr_t)reason};
    pool_status_res res = {.status = 0};
    struct peer *peer = open_station(home, where, err);
    int result = 0;

    if (!peer || finish(peer, station_leave_1(&args, &res, peer_client(peer)),
                        where, err))
        return -1;
    if (res.status)
        result =
            ckpt_err_set(err, res.status, "station %s: %s", where,
                         res.why && *res.why ? res.why : strerror(res.status));
    xdr_free((xdrproc_t)xdr_pool_status_res, (char *)&res);
    return result;
}
