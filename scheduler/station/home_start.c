/* home_start.c - from a match to a running shadow and a told station; and the
 * other calls to stations.  See home.h */
#include "scheduler/station/home.h"

#include "lib/proto/boot.h"
#include "lib/proto/station.h"
#include "scheduler/pool/log.h"
#include "scheduler/pool/program.h"
#include "scheduler/pool/serving.h"
#include "shadow/jobdir.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { CALL_MS = 1500 };

/* --- calls to stations -----------------------------------------------------
 */

static struct peer *station_peer(struct home *home, const char *addr,
                                 struct ckpt_err *err)
{
    return peer_open(&home->pool, addr, STATION_PROGRAM, STATION_V1, CALL_MS,
                     err);
}

static int station_claim_it(struct home *home, struct active *active,
                            const char *owner, struct ckpt_err *err)
{
    station_claim_args args = {.home = home->name,
                               .owner = (char *)(uintptr_t)owner,
                               .job = active->id};
    station_claim_res res = {0};
    struct peer *peer = station_peer(home, active->addr, err);
    int rc = -1;

    if (!peer)
        return -1;
    if (station_claim_1(&args, &res, peer_client(peer)) != RPC_SUCCESS) {
        peer_fail(peer, err);
    } else if (res.status != 0) {
        ckpt_err_set(err, res.status, "%s: %s", active->station,
                     res.station_claim_res_u.why);
    } else {
        memcpy(active->claim, res.station_claim_res_u.ok.claim,
               sizeof active->claim);
        rc = 0;
    }
    int saved = errno;
    xdr_free((xdrproc_t)xdr_station_claim_res, (char *)&res);
    peer_close(peer);
    errno = saved;
    return rc;
}

/* Close, and turn an answer of the common form into a result. */
static int plain_answer(struct peer *peer, enum clnt_stat stat,
                        pool_status_res *res, struct ckpt_err *err)
{
    int rc = 0;

    if (stat != RPC_SUCCESS)
        rc = peer_fail(peer, err);
    else if (res->status != 0)
        rc = ckpt_err_set(err, res->status, "%s", res->why);
    int saved = errno;
    xdr_free((xdrproc_t)xdr_pool_status_res, (char *)res);
    peer_close(peer);
    errno = saved;
    return rc;
}

int station_leave(struct home *home, struct active *active,
                  struct ckpt_err *err)
{
    station_leave_args args = {.kill = active->kill, .reason = active->reason};
    pool_status_res res = {0};
    struct peer *peer = station_peer(home, active->addr, err);

    if (!peer)
        return -1;
    memcpy(args.claim, active->claim, sizeof args.claim);
    enum clnt_stat stat = station_leave_1(&args, &res, peer_client(peer));
    return plain_answer(peer, stat, &res, err);
}

int station_signal(struct home *home, struct active *active, int sig,
                   struct ckpt_err *err)
{
    station_signal_args args = {.signal = sig};
    pool_status_res res = {0};
    struct peer *peer = station_peer(home, active->addr, err);

    if (!peer)
        return -1;
    memcpy(args.claim, active->claim, sizeof args.claim);
    enum clnt_stat stat = station_signal_1(&args, &res, peer_client(peer));
    return plain_answer(peer, stat, &res, err);
}

/* A call that names the claim, and nothing else. */
static int claim_call(struct home *home, const struct active *active,
                      enum clnt_stat (*call)(station_check_args *,
                                             pool_status_res *, CLIENT *),
                      struct ckpt_err *err)
{
    station_check_args args;
    pool_status_res res = {0};
    struct peer *peer = station_peer(home, active->addr, err);

    if (!peer)
        return -1;
    memcpy(args.claim, active->claim, sizeof args.claim);
    enum clnt_stat stat = call(&args, &res, peer_client(peer));
    return plain_answer(peer, stat, &res, err);
}

int station_release(struct home *home, struct active *active,
                    struct ckpt_err *err)
{
    return claim_call(home, active, station_release_1, err);
}

int station_stay(struct home *home, struct active *active, struct ckpt_err *err)
{
    return claim_call(home, active, station_stay_1, err);
}

int station_check(struct home *home, struct active *active,
                  struct ckpt_err *err)
{
    station_check_args args;
    station_check_res res = {0};
    struct peer *peer = station_peer(home, active->addr, err);
    int rc = 0;

    if (!peer)
        return -1;
    memcpy(args.claim, active->claim, sizeof args.claim);
    if (station_check_1(&args, &res, peer_client(peer)) != RPC_SUCCESS)
        rc = peer_fail(peer, err);
    else if (res.status != 0)
        rc = ckpt_err_set(err, res.status, "%s", res.station_check_res_u.why);
    else if (res.station_check_res_u.ok.cpu_ms > active->cpu_ms)
        active->cpu_ms = res.station_check_res_u.ok.cpu_ms;
    int saved = errno;
    xdr_free((xdrproc_t)xdr_station_check_res, (char *)&res);
    peer_close(peer);
    errno = saved;
    return rc;
}

static int send_start(struct home *home, struct active *active,
                      const struct ckpt_boot *boot, struct ckpt_err *err)
{
    uint8_t record[CKPT_BOOT_MAX];
    station_start_args args = {.job = active->id, .epoch = active->epoch};
    pool_status_res res = {0};
    struct peer *peer = station_peer(home, active->addr, err);

    if (!peer)
        return -1;
    memcpy(args.claim, active->claim, sizeof args.claim);
    args.boot.boot_val = (char *)record;
    args.boot.boot_len = (unsigned)ckpt_boot_encode(boot, record);
    enum clnt_stat stat = station_start_1(&args, &res, peer_client(peer));
    explicit_bzero(record, sizeof record);
    return plain_answer(peer, stat, &res, err);
}

int start_send(struct home *home, struct active *active, struct ckpt_err *err)
{
    struct ckpt_boot boot = {.job = active->id,
                             .epoch = active->epoch,
                             .plain = !home->settings.encrypt_files};
    char host[JOBDIR_HOST_MAX];

    if (jobdir_addr_read(active->dir, host, &boot.port, err) < 0)
        return -1;
    snprintf(boot.host, sizeof boot.host, "%s", host);
    memcpy(boot.token, active->token, sizeof boot.token);
    int rc = send_start(home, active, &boot, err);
    explicit_bzero(&boot, sizeof boot);
    explicit_bzero(active->token, sizeof active->token);
    return rc;
}

/* --- the shadow ------------------------------------------------------------
 */

/* in, out, err: absolute, from absolute or relative to cwd. */
static char *absolute(const char *cwd, const char *path)
{
    char *full = NULL;

    if (!path || !path[0])
        return NULL;
    if (path[0] == '/')
        return strdup(path);
    return asprintf(&full, "%s/%s", cwd, path) < 0 ? NULL : full;
}

static int write_spec(struct home *home, const struct job *job,
                      const struct active *active, struct ckpt_err *err)
{
    const struct job_spec *from = &job->spec;
    struct jobspec spec;

    jobspec_init(&spec);
    spec.job = active->id;
    spec.epoch = active->epoch;
    spec.user = from->owner;
    spec.executable = from->executable;
    spec.cwd = from->cwd;
    spec.in = absolute(from->cwd, from->in);
    spec.out = absolute(from->cwd, from->out);
    spec.err = absolute(from->cwd, from->err);
    spec.args = from->args;
    spec.env = from->env;
    spec.umask = from->umask;
    rhythm_choose(home, job, active->station, &spec);
    spec.image_rate = home->settings.checkpoint_bandwidth;
    spec.home_rate = home->settings.home_bandwidth;
    spec.keep_images = quota_keep(home);
    spec.lease_sec = home->settings.lease_s;
    spec.plain = !home->settings.encrypt_files;
    spec.maps = from->maps;
    /* Whatever is granted, not the pool's key, queue and journals. */
    char *deny[] = {(char *)(uintptr_t)home->pool.path, NULL};
    spec.deny = deny;
    int rc = home_grants(&spec, from, err);
    if (rc == 0)
        rc = jobspec_write(active->dir, &spec, err);
    free(spec.in);
    free(spec.out);
    free(spec.err);
    for (size_t i = 0; i < spec.grant_count; i++)
        free(spec.grants[i].path);
    free(spec.grants);
    return rc;
}

static int start_shadow(struct home *home, const struct job *job,
                        struct active *active, struct ckpt_err *err)
{
    char program[PATH_MAX];

    if (write_spec(home, job, active, err) < 0 ||
        program_find("ckpt-shadow", program, err) < 0)
        return -1;
    if (getrandom(active->token, sizeof active->token, 0) !=
        (ssize_t)sizeof active->token)
        return ckpt_err_sys(err, "getrandom");
    pid_t pid = jobdir_shadow_start(program, active->dir, home->settings.listen,
                                    active->token, err);
    if (pid < 0)
        return -1;
    active->shadow = pid;
    active->phase_ms = pool_now_ms(); /* writing things down may take long */
    log_line("job %llu epoch %u: shadow is process %d, for %s",
             (unsigned long long)active->id, active->epoch, (int)pid,
             active->station);
    return 0;
}

int shadow_resume(struct home *home, struct active *active,
                  struct ckpt_err *err)
{
    char program[PATH_MAX];

    if (program_find("ckpt-shadow", program, err) < 0)
        return -1;
    pid_t pid =
        jobdir_shadow_resume(program, active->dir, home->settings.listen, err);
    if (pid > 0)
        log_line("job %llu epoch %u: shadow is process %d, the one before was "
                 "killed",
                 (unsigned long long)active->id, active->epoch, (int)pid);
    active->resumed = pid > 0 ? pid : 0;
    return pid < 0 ? -1 : 0;
}

/* So that a home station that starts anew can ask the station. */
static int write_claim(const struct home *home, const struct active *active,
                       struct ckpt_err *err)
{
    char path[PATH_MAX], line[256], hex[2 * POOL_CLAIM_LEN + 1];

    for (size_t i = 0; i < POOL_CLAIM_LEN; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)active->claim[i]);
    int n = snprintf(line, sizeof line, "%u %s %s %s\n", active->epoch,
                     active->station, active->addr, hex);
    home_claim_file(home, active->id, path);
    return pooldir_put_file(path, line, (size_t)n, 0600, err);
}

static void give_back(struct home *home, struct active *active)
{
    struct ckpt_err err;

    if (station_release(home, active, &err) < 0)
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
}

/* With the station claimed: a new incarnation. */
static void begin(struct home *home, struct active *active,
                  const struct job *job)
{
    struct job_detail detail = {.station = active->station};
    struct ckpt_err err;

    if (home_apply(home, active->id, JOB_EV_MATCHED, &detail) < 0) {
        give_back(home, active);
        active_drop(home, active);
        return;
    }
    active->epoch = job->epoch + 1;
    if (write_claim(home, active, &err) == 0 &&
        start_shadow(home, job, active, &err) == 0)
        return;
    log_line("job %llu: %s", (unsigned long long)active->id, err.text);
    detail = (struct job_detail){.text = err.text, .hold_code = JOB_HOLD_FILES};
    home_apply(home, active->id, JOB_EV_FAULT, &detail);
    give_back(home, active);
    active_drop(home, active);
}

void start_match(struct home *home, const coord_match *match)
{
    struct ckpt_err err;
    struct job job;

    if (home->stopping || active_find(home, match->job) ||
        store_get(home->store, match->job, &job, &err) < 0)
        return;
    if (job.state == JOB_IDLE) {
        struct active *active = active_add(home, job.id, job.epoch + 1,
                                           match->station, match->addr);
        if (active &&
            station_claim_it(home, active, job.spec.owner, &err) < 0) {
            log_line("job %llu: no claim: %s", (unsigned long long)job.id,
                     err.text);
            store_set_why(home->store, job.id, err.text, NULL);
            active_drop(home, active);
        } else if (active) {
            begin(home, active, &job);
        }
    }
    job_clear(&job);
}
