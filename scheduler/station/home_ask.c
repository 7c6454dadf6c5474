/* home_ask.c - the talk of a home station with the coordinator; see home.h
 *
 * After a change it is asked at once: with the first jobs of the queue, for
 * few of them can be matched by one change.  Once in a cycle, and when none of
 * those suits, it hears of all (COORD_JOBS_MAX).  Questions take no more than
 * a third of the time.
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/pool/words.h"
#include "scheduler/station/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ASK_MS = 2000, /* how long the coordinator may take */
    GAP_MS = 10,
    FEW_JOBS = 64,
    STANDBY_MS = 2000, /* then the coordinator is tried again */
    STANDBY_ASK_MS = 500,
    SOON_MS = 200,
    BACKOFF_MAX_MS = 5000,
    RETRY_MAX_MS = 60000, /* a clock set back delays nothing longer */
};

struct gather {
    coord_jobs_args *ad;
    int64_t now_ms;
    bool failed;
};

/* Its image, at least, is brought there. */
static uint64_t disk_need(const struct job *job)
{
    return job->image_generation > 0 && job->image_size > job->spec.disk_need
               ? job->image_size
               : job->spec.disk_need;
}

bool home_describe_job(const struct job *job, coord_idle_job *to)
{
    *to = (coord_idle_job){
        .id = job->id,
        .prio = job->prio,
        .submitted = job->submitted_ms / 1000,
        .mem_need = job->spec.mem_need,
        .disk_need = disk_need(job),
    };
    return words_copy(&to->owner, job->spec.owner) &&
           words_copy(&to->want_station, job->want_station) &&
           words_copy(&to->not_station, job->station) &&
           words_copy(&to->requirements, job->spec.requirements);
}

static int add_idle(const struct job *job, void *arg)
{
    struct gather *g = arg;
    int64_t retry_ms = job_retry_ms(job);

    if (retry_ms > g->now_ms && retry_ms - g->now_ms <= RETRY_MAX_MS)
        return 0;
    coord_idle_job *to = &g->ad->jobs.jobs_val[g->ad->jobs.jobs_len++];
    g->failed |= !home_describe_job(job, to);
    return g->failed ? 1 : 0;
}

static int gather_idle(struct home *home, coord_jobs_args *ad, uint32_t limit,
                       struct ckpt_err *err)
{
    struct store_filter filter = {
        .order = STORE_BY_PRIO, .state = JOB_IDLE, .limit = limit};
    struct gather g = {.ad = ad, .now_ms = home_wall_ms()};
    uint32_t counts[JOB_STATE_COUNT];

    ad->jobs.jobs_val = calloc(limit, sizeof *ad->jobs.jobs_val);
    if (!ad->jobs.jobs_val)
        return ckpt_err_sys(err, "no memory");
    if (store_each(home->store, &filter, add_idle, &g, err) < 0 ||
        store_count(home->store, counts, err) < 0 ||
        order_gather(home, ad, err) < 0)
        return -1;
    ad->queued = counts[JOB_IDLE];
    ad->running = counts[JOB_STARTING] + counts[JOB_RUNNING] +
                  counts[JOB_SUSPENDED] + counts[JOB_VACATING];
    return g.failed ? ckpt_err_set(err, ENOMEM, "no memory") : 0;
}

static int ask(struct home *home, coord_jobs_args *ad, coord_jobs_res *res,
               struct ckpt_err *err)
{
    if (peer_on_standby(home->coordinator) &&
        pool_now_ms() - home->coordinator_ms > STANDBY_MS) {
        peer_close(home->coordinator);
        home->coordinator = NULL;
    }
    if (!home->coordinator) {
        home->coordinator = peer_open(&home->pool, POOLDIR_COORDINATOR,
                                      COORD_PROGRAM, COORD_V1, ASK_MS, err);
        home->coordinator_ms = pool_now_ms();
    }
    if (!home->coordinator)
        return -1;
    if (coord_jobs_1(ad, res, peer_client(home->coordinator)) == RPC_SUCCESS)
        return 0;
    peer_fail(home->coordinator, err);
    int saved = errno;
    peer_close(home->coordinator);
    home->coordinator = NULL;
    errno = saved;
    return -1;
}

static void take_answer(struct home *home, coord_jobs_res *res)
{
    coord_jobs_ok *ok = &res->coord_jobs_res_u.ok;

    home->coordinator_seen = time(NULL);
    home->backoff_ms = 0;
    if (res->status != 0) {
        snprintf(home->coordinator_why, sizeof home->coordinator_why, "%s",
                 res->coord_jobs_res_u.why);
        return;
    }
    snprintf(home->coordinator_why, sizeof home->coordinator_why, "%s",
             ok->why);
    alone_set(home, ok->stations == 0);
    for (unsigned i = 0; i < ok->matches.matches_len; i++)
        start_match(home, &ok->matches.matches_val[i]);
    if (ok->matches.matches_len > 0)
        home->eager = true; /* there may be more */
    for (unsigned i = 0; i < ok->orders.orders_len; i++)
        order_take(home, &ok->orders.orders_val[i]);
    home->soon = ok->soon;
}

/* Stations that cannot reach the coordinator, which we can, are with its
 * stand-by: that one is asked, too, when there was nothing for us. */
static void ask_standby(struct home *home, coord_jobs_args *ad)
{
    char addr[POOLDIR_ADDR_MAX + 1];
    coord_jobs_res res = {0};
    uint64_t now = pool_now_ms();

    if (now < home->standby_ms || ad->jobs.jobs_len == 0 ||
        peer_on_standby(home->coordinator) ||
        pooldir_addr(&home->pool, POOLDIR_STANDBY, addr, NULL) < 0)
        return;
    struct peer *peer = peer_open(&home->pool, POOLDIR_STANDBY, COORD_PROGRAM,
                                  COORD_V1, STANDBY_ASK_MS, NULL);
    if (peer && coord_jobs_1(ad, &res, peer_client(peer)) == RPC_SUCCESS) {
        if (res.status == 0 && res.coord_jobs_res_u.ok.stations > 0)
            take_answer(home, &res);
        xdr_free((xdrproc_t)xdr_coord_jobs_res, (char *)&res);
    }
    peer_close(peer);
    home->standby_ms = pool_now_ms() + STANDBY_MS + 4 * (pool_now_ms() - now);
}

/* A station that has just become free may not have told the coordinator yet:
 * after a change we ask soon again, then less and less often. */
static void plan_next(struct home *home, uint64_t now)
{
    home->gap_ms = home->eager ? GAP_MS : 2 * home->gap_ms;
    if (home->soon && home->gap_ms > SOON_MS)
        home->gap_ms = SOON_MS;
    if (home->gap_ms > home->settings.cycle_ms || home->gap_ms == 0)
        home->gap_ms = home->settings.cycle_ms;
    home->ask_ms = now + home->gap_ms;
    home->eager = false;
}

/* All but the name is the message's own. */
static void free_ad(coord_jobs_args *ad)
{
    ad->home = NULL;
    xdr_free((xdrproc_t)xdr_coord_jobs_args, (char *)ad);
}

/* Nobody answers: less and less often. */
static void back_off(struct home *home, uint64_t now, const char *why)
{
    if (home->backoff_ms == 0)
        log_line("no coordinator: %s", why);
    snprintf(home->coordinator_why, sizeof home->coordinator_why, "%s", why);
    alone_set(home, true);
    home->soon = false;
    home->backoff_ms = home->backoff_ms ? home->backoff_ms * 2 : 250;
    if (home->backoff_ms > BACKOFF_MAX_MS)
        home->backoff_ms = BACKOFF_MAX_MS;
    home->ask_ms = now + home->backoff_ms;
}

/* When the next question is due. */
static uint64_t due_ms(const struct home *home)
{
    uint64_t rest_ms = home->asked_ms + 2 * home->took_ms;

    if (home->backoff_ms)
        return home->ask_ms;
    if (home->eager || rest_ms > home->ask_ms)
        return rest_ms;
    return home->ask_ms;
}

uint64_t home_ask_wait_ms(const struct home *home, uint64_t now)
{
    uint64_t due = due_ms(home);

    return due > now ? due - now : 0;
}

static uint32_t how_many(struct home *home, uint64_t now)
{
    if (now < home->full_ms)
        return FEW_JOBS;
    home->full_ms = now + home->settings.cycle_ms;
    return COORD_JOBS_MAX;
}

void home_ask(struct home *home, uint64_t now)
{
    coord_jobs_args ad = {.home = home->name, .boot_id = home->boot_id};
    coord_jobs_res res = {0};
    struct ckpt_err err;

    if (home->stopping || now < due_ms(home))
        return;
    plan_next(home, now);
    int rc = gather_idle(home, &ad, how_many(home, now), &err);
    if (rc == 0)
        rc = ask(home, &ad, &res, &err);
    home->asked_ms = pool_now_ms();
    home->took_ms = home->asked_ms - now;
    if (rc == 0) {
        bool nothing =
            res.status == 0 && res.coord_jobs_res_u.ok.matches.matches_len == 0;
        take_answer(home, &res);
        xdr_free((xdrproc_t)xdr_coord_jobs_res, (char *)&res);
        if (nothing)
            ask_standby(home, &ad);
    } else {
        back_off(home, now, err.text);
    }
    free_ad(&ad);
}
