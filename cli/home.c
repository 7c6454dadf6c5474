/* home.c - see home.h */
#include "cli/home.h"
#include "cli/cli.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { TIMEOUT_MS = 30000, PATIENCE_MS = 5000 };

int home_open(struct home *home, struct ckpt_err *err)
{
    memset(home, 0, sizeof *home);
    if (pooldir_open(&home->pool, cli_pool_dir(), err) == 0)
        return 0;
    if (errno == ENOENT)
        ckpt_err_set(err, ENOENT,
                     "there is no pool in %s; `ckpt pool start` "
                     "makes one, --pool names another",
                     cli_pool_dir());
    return -1;
}

void home_close(struct home *home)
{
    if (home->peer)
        peer_close(home->peer);
    home->peer = NULL;
}

/* A home station that was killed is started again by the master: while there
 * is one, wait a little. */
static struct peer *open_peer(struct home *home, struct ckpt_err *err)
{
    const struct timespec nap = {0, 100 * 1000000L};
    struct peer *peer = NULL;

    for (int i = 0; i < PATIENCE_MS / 100 && !peer; i++) {
        if (i)
            nanosleep(&nap, NULL);
        peer = peer_open(&home->pool, "home", HOME_PROGRAM, HOME_V1, TIMEOUT_MS,
                         err);
        if (!peer && ((errno != ECONNREFUSED && errno != ECONNRESET &&
                       errno != EPIPE && errno != ENOENT) ||
                      pooldir_holder(&home->pool, "master") <= 0))
            break;
    }
    return peer;
}

static CLIENT *connect_home(struct home *home, struct ckpt_err *err)
{
    if (!home->peer)
        home->peer = open_peer(home, err);
    if (!home->peer) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            ckpt_err_prefix(err, "the pool in %s does not run",
                            home->pool.path);
        return NULL;
    }
    return peer_client(home->peer);
}

/* The end of a call: a peer that failed once is useless. */
static int finish(struct home *home, enum clnt_stat stat, struct ckpt_err *err)
{
    if (stat == RPC_SUCCESS)
        return 0;
    peer_fail(home->peer, err);
    ckpt_err_prefix(err, "home station");
    int errnum = errno;
    home_close(home);
    errno = errnum;
    return -1;
}

/* One page of jobs; *after moves on. */
static int query_page(struct home *home, home_query_args *args, bool *more,
                      int (*fn)(const home_job *, void *), void *arg,
                      struct ckpt_err *err)
{
    home_query_res res = {.status = 0};
    CLIENT *client = connect_home(home, err);
    int result = 0;

    if (!client || finish(home, home_query_1(args, &res, client), err))
        return -1;
    if (res.status) {
        result = ckpt_err_set(err, res.status, "%s", res.home_query_res_u.why);
    } else {
        const home_query_ok *ok = &res.home_query_res_u.ok;
        for (u_int i = 0; i < ok->jobs.jobs_len && result == 0; i++) {
            args->after = ok->jobs.jobs_val[i].id;
            result = fn(&ok->jobs.jobs_val[i], arg);
        }
        *more = ok->more && ok->jobs.jobs_len > 0;
    }
    xdr_free((xdrproc_t)xdr_home_query_res, (char *)&res);
    return result;
}

int home_each(struct home *home, const uint64_t *ids, size_t n, bool finished,
              int (*fn)(const home_job *job, void *arg), void *arg,
              struct ckpt_err *err)
{
    size_t done = 0;
    int result;

    do {
        size_t part = n - done > POOL_IDS_MAX ? POOL_IDS_MAX : n - done;
        u_quad_t some[POOL_IDS_MAX];
        home_query_args args = {.finished = finished};
        bool more = true;

        for (size_t i = 0; i < part; i++)
            some[i] = ids[done + i];
        args.ids.ids_len = (u_int)part;
        args.ids.ids_val = some;
        for (result = 0; result == 0 && more;)
            result = query_page(home, &args, &more, fn, arg, err);
        done += part;
    } while (result == 0 && done < n);
    return result;
}

static int act_part(struct home *home, home_act_args *args,
                    struct ckpt_err *err)
{
    home_act_res res = {.results = {0}};
    CLIENT *client = connect_home(home, err);
    int failed = 0;

    if (!client || finish(home, home_act_1(args, &res, client), err))
        return -1;
    for (u_int i = 0; i < res.results.results_len; i++) {
        const pool_status_res *r = &res.results.results_val[i];
        if (r->status == 0)
            continue;
        failed++;
        if (r->why && *r->why)
            cli_failf("%s", r->why);
        else
            cli_failf("job %llu: %s", (unsigned long long)args->ids.ids_val[i],
                      strerror(r->status));
    }
    xdr_free((xdrproc_t)xdr_home_act_res, (char *)&res);
    return failed;
}

int home_act(struct home *home, const home_act_args *what, const uint64_t *ids,
             size_t n, struct ckpt_err *err)
{
    u_quad_t some[POOL_IDS_MAX];
    home_act_args args = *what;
    int failed = 0;

    if (!args.station)
        args.station = "";
    if (!args.reason)
        args.reason = "";
    for (size_t done = 0; done < n; done += args.ids.ids_len) {
        size_t part = n - done > POOL_IDS_MAX ? POOL_IDS_MAX : n - done;
        for (size_t i = 0; i < part; i++)
            some[i] = ids[done + i];
        args.ids.ids_len = (u_int)part;
        args.ids.ids_val = some;
        int result = act_part(home, &args, err);
        if (result < 0)
            return -1;
        failed += result;
    }
    return failed;
}

int home_act_one(struct home *home, const home_act_args *what, uint64_t id,
                 struct ckpt_err *err)
{
    u_quad_t one = id;
    home_act_args args = *what;
    home_act_res res = {.results = {0}};
    CLIENT *client = connect_home(home, err);
    int status = EPROTO;

    args.station = args.station ? args.station : "";
    args.reason = args.reason ? args.reason : "";
    args.ids.ids_len = 1;
    args.ids.ids_val = &one;
    if (!client || finish(home, home_act_1(&args, &res, client), err))
        return -1;
    if (res.results.results_len == 1)
        status = res.results.results_val[0].status;
    xdr_free((xdrproc_t)xdr_home_act_res, (char *)&res);
    if (status == 0)
        return 0;
    return ckpt_err_set(err, status, "job %llu: %s", (unsigned long long)id,
                        strerror(status));
}

int home_submit(struct home *home, home_submit_args *args, unsigned count,
                u_quad_t *first, struct ckpt_err *err)
{
    home_submit_all_args all = {{count, args}};
    home_submit_all_res res = {.status = 0};
    home_submit_all_ok *ok = &res.home_submit_all_res_u.ok;
    CLIENT *client = connect_home(home, err);
    int result = 0;

    if (!client || finish(home, home_submit_all_1(&all, &res, client), err))
        return -1;
    if (res.status)
        result =
            ckpt_err_set(err, res.status, "%s", res.home_submit_all_res_u.why);
    else if (ok->first.first_len != count)
        result = ckpt_err_set(err, EPROTO, "%u answers for %u submissions",
                              ok->first.first_len, count);
    else
        memcpy(first, ok->first.first_val, count * sizeof *first);
    int saved = errno;
    xdr_free((xdrproc_t)xdr_home_submit_all_res, (char *)&res);
    errno = saved;
    return result;
}

int home_log(struct home *home, uint64_t id, uint64_t offset, home_log_res *res,
             struct ckpt_err *err)
{
    home_log_args args = {.id = id, .offset = offset};
    CLIENT *client = connect_home(home, err);

    memset(res, 0, sizeof *res);
    if (!client || finish(home, home_log_1(&args, res, client), err))
        return -1;
    if (res->status == 0)
        return 0;
    ckpt_err_set(err, res->status, "%s", res->home_log_res_u.why);
    xdr_free((xdrproc_t)xdr_home_log_res, (char *)res);
    return -1;
}

int home_why(struct home *home, uint64_t id, home_why_res *res,
             struct ckpt_err *err)
{
    home_why_args args = {.id = id};
    CLIENT *client = connect_home(home, err);

    memset(res, 0, sizeof *res);
    if (!client || finish(home, home_why_1(&args, res, client), err))
        return -1;
    if (res->status == 0)
        return 0;
    ckpt_err_set(err, res->status, "%s", res->home_why_res_u.why);
    xdr_free((xdrproc_t)xdr_home_why_res, (char *)res);
    return -1;
}

int home_status(struct home *home, home_status_res *res, struct ckpt_err *err)
{
    CLIENT *client = connect_home(home, err);

    memset(res, 0, sizeof *res);
    return client ? finish(home, home_status_1(NULL, res, client), err) : -1;
}
