/* coordinator.c - ckpt-coordinator: finds a station for each job
 *
 * Holds what stations and homes told it, decides in cycles, calls nobody
 * (CON-5).  When it dies, running jobs go on and new matches wait (CON-15); a
 * new one knows everything again after everybody spoke once.
 *
 * A cycle runs when a home asks and something has changed, but never takes
 * more than a tenth of the time.
 *
 * A stand-by is the same program under another name.  It is idle while the
 * coordinator answers, because nobody speaks to it; when the coordinator does
 * not, stations and homes come to it (peer_open()), and go back before long.
 * Two that both hear a part of the pool do no harm: a station is claimed by
 * one home, whoever made the match.
 */
#include "lib/common/stdfds.h"
#include "scheduler/coordinator/balance.h"
#include "scheduler/coordinator/cycle.h"
#include "scheduler/coordinator/plans.h"
#include "scheduler/coordinator/table.h"
#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/pool/settings.h"
#include "scheduler/pool/testpoint.h"
#include "scheduler/pool/words.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* made by rpcgen of coordinator.x */
extern ckpt_rpc_dispatch coord_program_1;

enum {
    CONNS_MAX = 16384,
    BUFFERS_FROM = 65536,
    TICK_MS = 1000,
    TICK_MAX_MS = 5000,
    LIFETIMES = 4,
    LIFETIME_MIN_MS = 6000
};

static struct coordinator {
    struct pooldir pool;
    struct settings settings;
    struct ckpt_serve *serve;
    bool stopped;
    struct table table;
    struct policy_rng rng;
    time_t started;
    uint64_t lifetime_ms;
    uint64_t cycle_at_ms; /* no cycle before */
    uint64_t took_ms;     /* the last one */
    uint64_t took_max_ms;
    uint64_t shares_ms; /* shares were brought up to date */
    uint64_t info_ms;   /* the policy was told of the stations */
} self;

/* rpcgen -M names the service procedures; their context is `self`. */

bool_t coord_null_1_svc(void *args, void *res, struct svc_req *req)
{
    (void)args, (void)res, (void)req;
    return TRUE;
}

bool_t coord_station_1_svc(pool_station *ad, coord_ad_res *res,
                           struct svc_req *req)
{
    (void)req;
    res->lifetime_sec = (unsigned)(self.lifetime_ms / 1000);
    res->status =
        table_hear_station(&self.table, ad, pool_now_ms()) < 0 ? errno : 0;
    return TRUE;
}

static void maybe_cycle(void)
{
    uint64_t start = pool_now_ms();

    if (!self.table.changed || start < self.cycle_at_ms)
        return;
    int made = cycle_run(&self.table, &self.settings, &self.rng, start);
    if (made > 0)
        testpoint("coordinator", "waiting", "matched", "before");
    uint64_t took = pool_now_ms() - start;
    if (made != 0 || took > 100)
        log_line("cycle: %d matches, %zu stations, %zu homes, %llu ms", made,
                 self.table.n_stations, self.table.n_homes,
                 (unsigned long long)took);
    self.cycle_at_ms = start + 10 * took;
    self.took_ms = took;
    if (took > self.took_max_ms)
        self.took_max_ms = took;
}

static bool hand_over(struct known_home *home, coord_jobs_ok *ok)
{
    unsigned n = home->n_matches < COORD_MATCHES_MAX ? home->n_matches
                                                     : COORD_MATCHES_MAX;

    ok->matches.matches_val = calloc(n + 1, sizeof *ok->matches.matches_val);
    if (!ok->matches.matches_val)
        return false;
    for (unsigned i = 0; i < n; i++) {
        ok->matches.matches_val[i] = home->matches[i];
        home->matches[i].station = home->matches[i].addr = NULL;
    }
    ok->matches.matches_len = n;
    table_drop_matches(home);
    return true;
}

bool_t coord_jobs_1_svc(coord_jobs_args *ad, coord_jobs_res *res,
                        struct svc_req *req)
{
    coord_jobs_ok *ok = &res->coord_jobs_res_u.ok;
    char why[POOL_TEXT_MAX + 1] = "";

    (void)req;
    memset(res, 0, sizeof *res);
    struct known_home *home = table_hear_home(&self.table, ad, pool_now_ms());
    if (!home)
        return FALSE;
    maybe_cycle();
    cycle_why(&self.table, &self.settings, home, why, sizeof why);
    ok->why = strdup(why);
    ok->stations = (unsigned)self.table.n_stations;
    for (size_t i = 0; i < self.table.n_stations; i++)
        if (self.table.stations[i]->ad.state == POOL_ST_IDLE)
            ok->idle++;
    if (hand_over(home, ok) && ok->why &&
        plans_orders(&self.table, home, pool_now_ms(), ok)) {
        if (ok->matches.matches_len > 0)
            testpoint("coordinator", "waiting", "matched", "after");
        return TRUE;
    }
    xdr_free((xdrproc_t)xdr_coord_jobs_res, (char *)res);
    return FALSE;
}

static bool list_one(coord_stations_ok *ok, const struct known_station *known)
{
    pool_station *to = &ok->stations.stations_val[ok->stations.stations_len];

    if (!words_copy_station(to, &known->ad))
        return false;
    uint64_t age_ms = pool_now_ms() - known->heard_ms;
    to->seen = time(NULL) - (time_t)(age_ms / 1000);
    ok->stations.stations_len++;
    return true;
}

bool_t coord_list_1_svc(coord_stations_args *args, coord_stations_res *res,
                        struct svc_req *req)
{
    coord_stations_ok *ok = &res->coord_stations_res_u.ok;
    const struct table *t = &self.table;

    (void)req;
    memset(res, 0, sizeof *res);
    ok->stations.stations_val =
        calloc(POOL_PAGE_MAX, sizeof *ok->stations.stations_val);
    if (!ok->stations.stations_val)
        return FALSE;
    if (args->only[0]) {
        const struct known_station *known = table_station(t, args->only);
        return !known || list_one(ok, known);
    }
    size_t i = table_station_after(t, args->after);
    for (; i < t->n_stations && ok->stations.stations_len < POOL_PAGE_MAX; i++)
        if (!list_one(ok, t->stations[i]))
            return FALSE;
    ok->more = i < t->n_stations;
    return TRUE;
}

bool_t coord_status_1_svc(void *args, coord_status_res *res,
                          struct svc_req *req)
{
    const struct table *t = &self.table;

    (void)args, (void)req;
    *res = (coord_status_res){
        .pool = strdup(self.pool.name),
        .pid = getpid(),
        .started = self.started,
        .stations = (unsigned)t->n_stations,
        .homes = (unsigned)t->n_homes,
        .matches = t->matches,
        .policy = strdup(self.settings.policy->name),
        .cycle_ms = (unsigned)self.took_ms,
        .cycle_max_ms = (unsigned)self.took_max_ms,
    };
    for (size_t i = 0; i < t->n_stations; i++)
        if (t->stations[i]->ad.state == POOL_ST_IDLE)
            res->idle++;
    for (size_t i = 0; i < t->n_homes; i++) {
        res->queued += t->homes[i]->queued;
        res->running += t->homes[i]->running;
    }
    return res->pool && res->policy;
}

bool_t coord_withdraw_1_svc(coord_withdraw_args *args, pool_status_res *res,
                            struct svc_req *req)
{
    (void)req;
    table_withdraw(&self.table, args->station, args->boot_id);
    res->status = 0;
    res->why = strdup("");
    return res->why != NULL;
}

int coord_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xdr, res);
}

static void look_around(uint64_t now)
{
    self.info_ms = now;
    cycle_tick(&self.table, &self.settings, &self.rng, now);
    plans_review(&self.table, now);
    if (self.settings.balance &&
        balance_run(&self.table, &self.settings, &self.rng, now) < 0)
        log_line("balancing: no memory");
}

static void tick(void)
{
    uint64_t now = pool_now_ms();

    table_expire(&self.table, now, self.lifetime_ms);
    if ((double)(now - self.info_ms) >=
        self.settings.params.info_period_s * 1000)
        look_around(now);
    if (now - self.shares_ms < TICK_MS)
        return;
    for (size_t i = 0; i < self.table.n_users; i++)
        policy_share_pass(&self.table.users[i].share,
                          &self.settings.params.shares,
                          (double)(now - self.shares_ms) / 1000);
    self.shares_ms = now;
}

/* What is due: the policy's look around, and who has gone silent. */
static int tick_ms(void)
{
    double period = self.settings.params.info_period_s * 1000;
    double ms = (double)(self.lifetime_ms / LIFETIMES);

    if (period < ms)
        ms = period;
    return ms < TICK_MS ? TICK_MS : ms > TICK_MAX_MS ? TICK_MAX_MS : (int)ms;
}

static void on_signal(void *arg, int sig)
{
    (void)arg;
    if (sig == SIGCHLD)
        return;
    log_line("stopping");
    self.stopped = true;
}

/* A connection for each station of a large pool.  Of its buffers little is ever
 * touched, if they come fresh from the kernel: malloc is told to keep to its
 * threshold, which it otherwise raises with the first that is freed. */
static void allow_connections(void)
{
    struct rlimit files;

    mallopt(M_MMAP_THRESHOLD, BUFFERS_FROM);
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 ||
        files.rlim_cur >= CONNS_MAX + 64)
        return;
    files.rlim_cur =
        files.rlim_max < CONNS_MAX + 64 ? files.rlim_max : CONNS_MAX + 64;
    setrlimit(RLIMIT_NOFILE, &files);
}

static int start(const char *dir, const char *name, struct ckpt_err *err)
{
    char addr[POOLDIR_ADDR_MAX + 1];
    uint64_t seed = 0;

    if (pooldir_open(&self.pool, dir, err) < 0 ||
        settings_load(&self.settings, &self.pool, "", err) < 0 ||
        pooldir_lock(&self.pool, name, err) < 0)
        return -1;
    (void)!getrandom(&seed, sizeof seed, 0);
    policy_rng_init(&self.rng, seed, 0);
    log_limit(self.settings.log_max);
    self.started = time(NULL);
    self.shares_ms = self.info_ms = pool_now_ms();
    policy_memory_init(&self.table.memory, &self.settings.params);
    self.lifetime_ms = LIFETIMES * self.settings.poll_ms;
    if (self.lifetime_ms < LIFETIME_MIN_MS)
        self.lifetime_ms = LIFETIME_MIN_MS;
    self.serve =
        pool_serve(&self.pool, name, self.settings.listen, COORD_PROGRAM,
                   COORD_V1, coord_program_1, CONNS_MAX, addr, err);
    if (!self.serve)
        return -1;
    if (pool_watch_signals(self.serve, on_signal, NULL) < 0)
        return ckpt_err_sys(err, "signals");
    log_line("pool %s, policy %s, at %s", self.pool.name,
             self.settings.policy->name, addr);
    return 0;
}

static int usage(FILE *out, int rc)
{
    fprintf(out, "usage: ckpt-coordinator --dir DIR [--standby]\n"
                 "Match waiting jobs and idle stations; started by "
                 "ckpt-master.  A stand-by is asked when the coordinator does "
                 "not answer.\nexample: ckpt-coordinator --dir ~/.ckpt\n");
    return rc;
}

int main(int argc, char **argv)
{
    bool standby = argc == 4 && strcmp(argv[3], "--standby") == 0;
    const char *name = standby ? POOLDIR_STANDBY : POOLDIR_COORDINATOR;
    struct ckpt_err err;

    ckpt_stdfds_fill(O_RDWR);
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if ((argc != 3 && !standby) || strcmp(argv[1], "--dir") != 0)
        return usage(stderr, 2);
    log_name(name);
    umask(077);
    allow_connections();
    if (start(argv[2], name, &err) < 0) {
        log_line("%s", err.text);
        return 1;
    }
    while (!self.stopped && ckpt_serve_step(self.serve, tick_ms()) == 0)
        tick();
    ckpt_serve_destroy(self.serve);
    table_clear(&self.table);
    return 0;
}
