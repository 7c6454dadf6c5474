/* home.c - the home station: its loop, and the talk with the coordinator */
#include "scheduler/station/home.h"

#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/pool/words.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* made by rpcgen of home.x */
extern ckpt_rpc_dispatch home_program_1;

enum {
    ASK_MS = 2000, /* how long the coordinator may take */
    TICK_MS = 100, /* while jobs are on stations */
    TICK_START_MS = 10,
    GAP_MS = 10,
    STANDBY_MS = 2000, /* then the coordinator is tried again */
    SOON_MS = 200,
    BACKOFF_MAX_MS = 5000,
    STOP_LIMIT_MS = 8000,
    WAITS_AT_ONCE = 256,
};

static struct home self;

int64_t home_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int home_apply(struct home *home, uint64_t id, enum job_event event,
               const struct job_detail *detail)
{
    static const struct job_detail none;
    struct ckpt_err err;
    struct job after;

    if (store_apply(home->store, id, event, detail ? detail : &none,
                    home_wall_ms(), &after, NULL, &err) < 0) {
        log_line("job %llu: %s: %s", (unsigned long long)id,
                 job_event_name(event), err.text);
        return -1;
    }
    log_line("job %llu: %s: now %s%s%s", (unsigned long long)id,
             job_event_name(event), job_state_name(after.state),
             detail && detail->text && detail->text[0] ? ": " : "",
             detail && detail->text ? detail->text : "");
    if (after.state == JOB_IDLE)
        home->eager = true;
    home->logs_due = home->waits_due = true;
    job_clear(&after);
    return 0;
}

/* In pieces: many may wait for one. */
static void settle_waits(struct home *home)
{
    struct ckpt_err err;

    if (!home->waits_due)
        return;
    int n =
        store_waits_settle(home->store, WAITS_AT_ONCE, home_wall_ms(), &err);
    if (n < 0)
        log_line("jobs that wait for others: %s", err.text);
    if (n > 0)
        home->eager = home->logs_due = true;
    home->waits_due = n == WAITS_AT_ONCE;
}

void home_jobdir(const struct home *home, uint64_t id, char *path)
{
    snprintf(path, PATH_MAX, "%.3900s/home/jobs/%llu", home->pool.path,
             (unsigned long long)id);
}

void home_claim_file(const struct home *home, uint64_t id, char *path)
{
    snprintf(path, PATH_MAX, "%.3900s/home/claims/%llu", home->pool.path,
             (unsigned long long)id);
}

/* --- the coordinator -------------------------------------------------------
 */

enum { RETRY_MAX_MS = 60000 }; /* a clock set back delays nothing longer */

struct gather {
    coord_jobs_args *ad;
    int64_t now_ms;
    bool failed;
};

bool home_describe_job(const struct job *job, coord_idle_job *to)
{
    *to = (coord_idle_job){
        .id = job->id,
        .prio = job->prio,
        .submitted = job->submitted_ms / 1000,
        .mem_need = job->spec.mem_need,
        .disk_need = job->spec.disk_need,
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

static int gather_idle(struct home *home, coord_jobs_args *ad,
                       struct ckpt_err *err)
{
    struct store_filter filter = {
        .order = STORE_BY_PRIO, .state = JOB_IDLE, .limit = COORD_JOBS_MAX};
    struct gather g = {.ad = ad, .now_ms = home_wall_ms()};
    uint32_t counts[JOB_STATE_COUNT];

    ad->jobs.jobs_val = calloc(COORD_JOBS_MAX, sizeof *ad->jobs.jobs_val);
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
    for (unsigned i = 0; i < ok->matches.matches_len; i++)
        start_match(home, &ok->matches.matches_val[i]);
    if (ok->matches.matches_len > 0)
        home->eager = true; /* there may be more */
    for (unsigned i = 0; i < ok->orders.orders_len; i++)
        order_take(home, &ok->orders.orders_val[i]);
    home->soon = ok->soon;
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

static void ask_for_stations(struct home *home, uint64_t now)
{
    coord_jobs_args ad = {.home = home->name, .boot_id = home->boot_id};
    coord_jobs_res res = {0};
    struct ckpt_err err;

    if (home->stopping || (now < home->ask_ms && !home->eager) ||
        (home->backoff_ms && now < home->ask_ms))
        return;
    plan_next(home, now);
    int rc = gather_idle(home, &ad, &err);
    if (rc == 0)
        rc = ask(home, &ad, &res, &err);
    if (rc == 0) {
        take_answer(home, &res);
        xdr_free((xdrproc_t)xdr_coord_jobs_res, (char *)&res);
    } else {
        if (home->backoff_ms == 0)
            log_line("no coordinator: %s", err.text);
        snprintf(home->coordinator_why, sizeof home->coordinator_why, "%s",
                 err.text);
        home->soon = false;
        home->backoff_ms = home->backoff_ms ? home->backoff_ms * 2 : 250;
        if (home->backoff_ms > BACKOFF_MAX_MS)
            home->backoff_ms = BACKOFF_MAX_MS;
        home->ask_ms = now + home->backoff_ms;
    }
    free_ad(&ad);
}

/* --- the daemon ------------------------------------------------------------
 */

static void on_signal(void *arg, int sig)
{
    struct home *home = arg;

    if (sig == SIGCHLD) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        return;
    }
    if (!home->stopping)
        home->stopping_ms = pool_now_ms();
    home->stopping = true;
}

static int make_dir(const struct home *home, const char *name,
                    struct ckpt_err *err)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/home/%s", home->pool.path, name);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s", path);
    return 0;
}

static int open_queue(struct home *home, struct ckpt_err *err)
{
    char path[PATH_MAX + 64];

    if (make_dir(home, "jobs", err) < 0 || make_dir(home, "claims", err) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/home/queue.db", home->pool.path);
    home->store = store_open(path, err);
    return home->store ? 0 : -1;
}

static void find_names(struct home *home)
{
    struct passwd *pw = getpwuid(geteuid());

    if (gethostname(home->name, sizeof home->name - 1) < 0)
        strcpy(home->name, "home");
    snprintf(home->user, sizeof home->user, "%s", pw ? pw->pw_name : "?");
    if (!pw)
        snprintf(home->user, sizeof home->user, "%u", geteuid());
}

static int start(struct home *home, const char *dir, struct ckpt_err *err)
{
    char addr[POOLDIR_ADDR_MAX + 1];

    if (pooldir_open(&home->pool, dir, err) < 0 ||
        settings_load(&home->settings, &home->pool, "", err) < 0 ||
        pooldir_lock(&home->pool, "home", err) < 0 || open_queue(home, err) < 0)
        return -1;
    if (getrandom(&home->boot_id, sizeof home->boot_id, 0) < 0)
        return ckpt_err_sys(err, "getrandom");
    find_names(home);
    home->started = time(NULL);
    home->eager = home->logs_due = true;
    home_rpc_init(home);
    home->serve =
        pool_serve(&home->pool, "home", home->settings.listen, HOME_PROGRAM,
                   HOME_V1, home_program_1, 0, addr, err);
    if (!home->serve)
        return -1;
    if (pool_watch_signals(home->serve, on_signal, home) < 0)
        return ckpt_err_sys(err, "signals");
    log_line("home %s of %s at %s", home->name, home->user, addr);
    return active_adopt_all(home, err);
}

static int wait_ms(const struct home *home)
{
    uint64_t now = pool_now_ms();
    uint64_t wait = home->ask_ms > now ? home->ask_ms - now : 0;

    if (home->eager && !home->backoff_ms)
        return 0;
    if (wait > 1000)
        wait = 1000;
    for (const struct active *a = home->active; a; a = a->next) {
        uint64_t tick = a->phase == ACTIVE_SHADOW ? TICK_START_MS : TICK_MS;
        if (wait > tick)
            wait = tick;
    }
    return (int)wait;
}

/* The stations have been stopped before us and have got their jobs off; what
 * is still there has its time, then goes on when the pool is started again. */
static bool may_stop(const struct home *home, uint64_t now)
{
    return home->stopping &&
           (!home->active || now - home->stopping_ms > STOP_LIMIT_MS);
}

int home_main(const char *dir)
{
    struct home *home = &self;
    struct ckpt_err err;

    if (start(home, dir, &err) < 0) {
        log_line("%s", err.text);
        return 1;
    }
    while (ckpt_serve_step(home->serve, wait_ms(home)) == 0) {
        uint64_t now = pool_now_ms();
        active_step_all(home, now);
        ask_for_stations(home, now);
        settle_waits(home);
        if (home->logs_due)
            home_write_logs(home);
        if (may_stop(home, now))
            break;
    }
    log_line("stopping");
    peer_close(home->coordinator);
    ckpt_serve_destroy(home->serve);
    store_close(home->store);
    return 0;
}
