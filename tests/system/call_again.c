/* call_again.c - says to a pool's daemons what was said before
 *
 *     call_again POOL STATION
 *
 * What calls that are repeated after a lost connection, or come late, do to a
 * coordinator and to an idle station: nothing.  Tells what is wrong.
 */
#include "lib/proto/coordinator.h"
#include "lib/proto/station.h"
#include "scheduler/pool/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pooldir pool;
static int wrong;

static void expect(const char *what, int is, int should)
{
    if (is != should) {
        printf("%s: %d (%s) instead of %d (%s)\n", what, is, strerror(is),
               should, strerror(should));
        wrong = 1;
    }
}

/* A connection for each call, as after a lost one. */
static struct peer *dial(const char *where, unsigned program)
{
    struct ckpt_err err;
    struct peer *peer = peer_open(&pool, where, program, 1, 5000, &err);

    if (!peer) {
        printf("%s\n", err.text);
        exit(1);
    }
    return peer;
}

static void check_call(struct peer *peer, enum clnt_stat stat)
{
    if (stat != RPC_SUCCESS) {
        printf("a call failed: %d\n", (int)stat);
        exit(1);
    }
    peer_close(peer);
}

/* --- a station that is ours alone, as the coordinator hears of it --------- */

static char none[] = "", name[] = "ghost", home[] = "play", arch[] = "x86_64";

static int advertise(uint64_t boot, uint64_t seq, pool_station_state state)
{
    pool_station ad = {.name = name,
                       .addr = none,
                       .boot_id = boot,
                       .seq = seq,
                       .state = state,
                       .why = none,
                       .owner_idle_ms = 3600000,
                       .mem_total = 1 << 30,
                       .mem_free = 1 << 30,
                       .disk_free = 1 << 30,
                       .cpus = 1,
                       .arch = arch,
                       .features = none,
                       .home = none,
                       .owner = none};
    coord_ad_res res = {0};
    struct peer *peer = dial("coordinator", COORD_PROGRAM);

    check_call(peer, coord_station_1(&ad, &res, peer_client(peer)));
    return res.status;
}

/* How often job 1, which wants this station only, is given it. */
static int ask(void)
{
    coord_idle_job job = {.id = 1,
                          .owner = home,
                          .submitted = 1,
                          .want_station = name,
                          .not_station = none,
                          .requirements = none};
    coord_jobs_args args = {
        .home = home, .boot_id = 7, .queued = 1, .jobs = {1, &job}};
    coord_jobs_res res = {0};
    struct peer *peer = dial("coordinator", COORD_PROGRAM);

    check_call(peer, coord_jobs_1(&args, &res, peer_client(peer)));
    int n = (int)res.coord_jobs_res_u.ok.matches.matches_len;
    xdr_free((xdrproc_t)xdr_coord_jobs_res, (char *)&res);
    return n;
}

static void say_to_coordinator(void)
{
    expect("an advertisement", advertise(1, 5, POOL_ST_CLAIMED), 0);
    expect("the same again", advertise(1, 5, POOL_ST_CLAIMED), ESTALE);
    expect("an older one", advertise(1, 4, POOL_ST_IDLE), ESTALE);
    expect("matches with a station that is claimed", ask(), 0);
    expect("a newer one", advertise(1, 6, POOL_ST_IDLE), 0);
    expect("a match", ask(), 1);
    expect("the same question again", ask(), 0);
    expect("as it was before the match", advertise(1, 6, POOL_ST_IDLE), ESTALE);
    expect("and again", ask(), 0);
}

/* --- a real station --------------------------------------------------------
 */

static int claim_station(const char *station, uint64_t job, char *claim)
{
    station_claim_args args = {.home = home, .owner = home, .job = job};
    station_claim_res res = {0};
    struct peer *peer = dial(station, STATION_PROGRAM);

    check_call(peer, station_claim_1(&args, &res, peer_client(peer)));
    int status = res.status;
    if (status == 0)
        memcpy(claim, res.station_claim_res_u.ok.claim, POOL_CLAIM_LEN);
    xdr_free((xdrproc_t)xdr_station_claim_res, (char *)&res);
    return status;
}

static int start(const char *station, const char *claim, uint64_t job)
{
    station_start_args args = {.job = job, .epoch = 1};
    pool_status_res res = {0};
    struct peer *peer = dial(station, STATION_PROGRAM);

    memcpy(args.claim, claim, POOL_CLAIM_LEN);
    check_call(peer, station_start_1(&args, &res, peer_client(peer)));
    int status = res.status;
    xdr_free((xdrproc_t)xdr_pool_status_res, (char *)&res);
    return status;
}

static int leave(const char *station, const char *claim)
{
    station_leave_args args = {.kill = true, .reason = none};
    pool_status_res res = {0};
    struct peer *peer = dial(station, STATION_PROGRAM);

    memcpy(args.claim, claim, POOL_CLAIM_LEN);
    check_call(peer, station_leave_1(&args, &res, peer_client(peer)));
    int status = res.status;
    xdr_free((xdrproc_t)xdr_pool_status_res, (char *)&res);
    return status;
}

static int release_claim(const char *station, const char *claim)
{
    station_check_args args;
    pool_status_res res = {0};
    struct peer *peer = dial(station, STATION_PROGRAM);

    memcpy(args.claim, claim, POOL_CLAIM_LEN);
    check_call(peer, station_release_1(&args, &res, peer_client(peer)));
    int status = res.status;
    xdr_free((xdrproc_t)xdr_pool_status_res, (char *)&res);
    return status;
}

static void say_to_station(const char *station)
{
    char first[POOL_CLAIM_LEN], second[POOL_CLAIM_LEN];

    expect("a claim", claim_station(station, 1, first), 0);
    expect("the same claim again", claim_station(station, 1, second), EBUSY);
    expect("a late claim of another", claim_station(station, 2, second), EBUSY);
    expect("a start of another job", start(station, first, 2), ESTALE);
    expect("a release", release_claim(station, first), 0);
    expect("the same release again", release_claim(station, first), ESTALE);
    expect("the next claim", claim_station(station, 2, second), 0);
    expect("an old release", release_claim(station, first), ESTALE);
    expect("an old start", start(station, first, 1), ESTALE);
    expect("an old order to leave", leave(station, first), ESTALE);
    /* its boot record is no good, but it is started, once */
    expect("a start", start(station, second, 2), 0);
    int again = start(station, second, 2);
    if (again != ESTALE) /* it is over already */
        expect("the same start again", again, EALREADY);
}

int main(int argc, char **argv)
{
    struct ckpt_err err;

    if (argc != 3)
        return 2;
    if (pooldir_open(&pool, argv[1], &err) < 0) {
        printf("%s\n", err.text);
        return 1;
    }
    say_to_coordinator();
    say_to_station(argv[2]);
    return wrong;
}
