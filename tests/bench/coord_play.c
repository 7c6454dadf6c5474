/* coord_play.c - plays stations and homes to a real coordinator
 *
 *     coord_play wait POOL HOME SECONDS
 *         a home with one job that waits: prints the station it is given and
 *         after how many milliseconds
 *     coord_play load POOL STATIONS HOMES JOBS SECONDS
 *         STATIONS that advertise once in `poll`, and HOMES with JOBS waiting
 *         jobs each that ask once in a cycle: what the coordinator makes of it
 *
 * Everything goes over the real protocol, a connection each; a station that
 * was matched says that it is claimed, and is idle again after some seconds.
 */
#include "lib/proto/coordinator.h"
#include "lib/proto/rpc.h"
#include "scheduler/pool/peer.h"
#include "scheduler/pool/serving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CALL_MS = 60000, POLL_MS = 5000, CYCLE_MS = 5000, CLAIMED_MS = 10000 };

static struct pooldir pool;

static void die(const char *what, const struct ckpt_err *err)
{
    fprintf(stderr, "coord_play: %s: %s\n", what, err ? err->text : "");
    exit(1);
}

static struct peer *dial(void)
{
    struct ckpt_err err;
    struct peer *peer =
        peer_open(&pool, "coordinator", COORD_PROGRAM, COORD_V1, CALL_MS, &err);

    if (!peer)
        die("connect", &err);
    return peer;
}

static void nap(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    if (ms > 0)
        nanosleep(&pause, NULL);
}

static coord_idle_job job_of(char *owner, uint64_t id)
{
    static char none[] = "";

    return (coord_idle_job){.id = id,
                            .owner = owner,
                            .submitted = 1,
                            .want_station = none,
                            .not_station = none,
                            .requirements = none};
}

/* Ask once; the number of matches, the first one's station. */
static unsigned ask(struct peer *peer, coord_jobs_args *args, char *station)
{
    coord_jobs_res res = {0};

    if (coord_jobs_1(args, &res, peer_client(peer)) != RPC_SUCCESS) {
        struct ckpt_err err;

        peer_fail(peer, &err);
        die("COORD_JOBS", &err);
    }
    unsigned n = res.coord_jobs_res_u.ok.matches.matches_len;
    if (n && station)
        snprintf(station, POOL_NAME_MAX + 1, "%s",
                 res.coord_jobs_res_u.ok.matches.matches_val[0].station);
    xdr_free((xdrproc_t)xdr_coord_jobs_res, (char *)&res);
    return n;
}

static int wait_for_one(char *home, int seconds)
{
    coord_idle_job job = job_of(home, 1);
    coord_jobs_args args = {.home = home, .boot_id = 7, .queued = 1};
    char station[POOL_NAME_MAX + 1];
    struct peer *peer = dial();
    uint64_t start = pool_now_ms(), now;

    args.jobs.jobs_len = 1;
    args.jobs.jobs_val = &job;
    do {
        if (ask(peer, &args, station) > 0) {
            printf("%s %llu\n", station,
                   (unsigned long long)(pool_now_ms() - start));
            peer_close(peer);
            return 0;
        }
        nap(100);
        now = pool_now_ms();
    } while (now - start < (uint64_t)seconds * 1000);
    fprintf(stderr, "coord_play: no station within %d s\n", seconds);
    return 1;
}

/* --- many -------------------------------------------------------------------
 */

struct station {
    struct peer *peer;
    char name[24];
    uint64_t seq, claimed_ms, due_ms;
};

static struct station *stations;
static unsigned n_stations;

static void advertise(struct station *s, unsigned i)
{
    static char addr[] = "127.0.0.1:1", arch[] = "x86_64",
                features[] = "sse4_1 sse4_2 avx avx2", why[] = "owner away",
                none[] = "", home[] = "played";
    bool claimed = s->claimed_ms != 0;
    pool_station ad = {
        .name = s->name,
        .addr = addr,
        .boot_id = 1 + i,
        .seq = ++s->seq,
        .state = claimed ? POOL_ST_CLAIMED : POOL_ST_IDLE,
        .why = why,
        .owner_idle_ms = 3600000,
        .load_milli = i % 7,
        .mem_total = 8ULL << 30,
        .mem_free = 4ULL << 30,
        .disk_free = 100ULL << 30,
        .cpus = 4,
        .arch = arch,
        .features = features,
        .job = claimed ? 1 : 0,
        .home = claimed ? home : none,
        .owner = claimed ? home : none,
    };
    coord_ad_res res = {0};

    if (coord_station_1(&ad, &res, peer_client(s->peer)) != RPC_SUCCESS)
        die("COORD_STATION", NULL);
}

static struct station *station_named(const char *name)
{
    unsigned i = (unsigned)strtoul(name + 1, NULL, 10);

    return i < n_stations ? &stations[i] : NULL;
}

static void release_old(struct station *s, uint64_t now)
{
    if (s->claimed_ms && now - s->claimed_ms > CLAIMED_MS)
        s->claimed_ms = 0;
}

static unsigned claim_all(struct peer *peer, coord_jobs_args *args)
{
    coord_jobs_res res = {0};
    uint64_t now = pool_now_ms();

    if (coord_jobs_1(args, &res, peer_client(peer)) != RPC_SUCCESS)
        die("COORD_JOBS", NULL);
    coord_jobs_ok *ok = &res.coord_jobs_res_u.ok;
    unsigned n = ok->matches.matches_len;
    for (unsigned i = 0; i < n; i++) {
        struct station *s = station_named(ok->matches.matches_val[i].station);
        if (s) {
            s->claimed_ms = now;
            s->due_ms = now;
        }
    }
    xdr_free((xdrproc_t)xdr_coord_jobs_res, (char *)&res);
    return n;
}

static void show(struct peer *peer, unsigned long matches, unsigned long ads,
                 double seconds)
{
    coord_status_res res = {0};

    if (coord_status_1(NULL, &res, peer_client(peer)) != RPC_SUCCESS)
        die("COORD_STATUS", NULL);
    printf("stations %u idle %u queued %u matches %lu adverts/s %.0f "
           "cycle_ms %u cycle_max_ms %u pid %d\n",
           res.stations, res.idle, res.queued, matches, (double)ads / seconds,
           res.cycle_ms, res.cycle_max_ms, res.pid);
    fflush(stdout);
    xdr_free((xdrproc_t)xdr_coord_status_res, (char *)&res);
}

static void connect_all(void)
{
    uint64_t start = pool_now_ms();

    for (unsigned i = 0; i < n_stations; i++) {
        stations[i].peer = dial();
        snprintf(stations[i].name, sizeof stations[i].name, "s%u", i);
        advertise(&stations[i], i);
        stations[i].due_ms =
            pool_now_ms() + (uint64_t)(POLL_MS * (double)i / n_stations);
    }
    printf("connected %u in %llu ms\n", n_stations,
           (unsigned long long)(pool_now_ms() - start));
}

static int load(unsigned n, unsigned n_homes, unsigned n_jobs, int seconds)
{
    coord_idle_job *jobs = calloc(n_jobs, sizeof *jobs);
    struct peer *peer;
    uint64_t start, now, home_ms = 0;
    unsigned long ads = 0, matches = 0;
    unsigned at_home = 0;

    n_stations = n;
    stations = calloc(n, sizeof *stations);
    if (!jobs || !stations)
        die("no memory", NULL);
    connect_all();
    peer = dial();
    start = pool_now_ms();
    while ((now = pool_now_ms()) - start < (uint64_t)seconds * 1000) {
        for (unsigned i = 0; i < n; i++) {
            if (stations[i].due_ms > now)
                continue;
            release_old(&stations[i], now);
            advertise(&stations[i], i);
            stations[i].due_ms = now + POLL_MS;
            ads++;
        }
        if (now >= home_ms) {
            char home[16], owner[16];
            coord_jobs_args args = {.home = home, .boot_id = 1};

            snprintf(home, sizeof home, "h%u", at_home);
            snprintf(owner, sizeof owner, "u%u", at_home % 50);
            for (unsigned k = 0; k < n_jobs; k++)
                jobs[k] = job_of(owner, 1 + k);
            args.queued = args.jobs.jobs_len = n_jobs;
            args.jobs.jobs_val = jobs;
            matches += claim_all(peer, &args);
            if (++at_home == n_homes) {
                at_home = 0;
                show(peer, matches, ads, (double)(now - start + 1) / 1000);
            }
            home_ms = now + CYCLE_MS / n_homes;
        }
        nap(1);
    }
    show(peer, matches, ads, seconds);
    for (unsigned i = 0; i < n; i++)
        peer_close(stations[i].peer);
    peer_close(peer);
    free(stations);
    free(jobs);
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    struct ckpt_err err;

    if (argc < 5) {
        fprintf(stderr, "usage: coord_play wait POOL HOME SECONDS | load POOL "
                        "STATIONS HOMES JOBS SECONDS\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (pooldir_open(&pool, argv[2], &err) < 0)
        die(argv[2], &err);
    if (strcmp(argv[1], "wait") == 0)
        return wait_for_one(argv[3], atoi(argv[4]));
    if (argc == 7)
        return load((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]),
                    (unsigned)atoi(argv[5]), atoi(argv[6]));
    return 2;
}
