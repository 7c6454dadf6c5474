/* exec_calls.c - the calls of station.x */
#include "scheduler/station/exec.h"

#include "scheduler/pool/log.h"
#include "scheduler/pool/words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool_t station_null_1_svc(void *args, void *res, struct svc_req *req)
{
    (void)args, (void)res, (void)req;
    return TRUE;
}

static bool answer(pool_status_res *res, int status, const char *why)
{
    res->status = status;
    res->why = strdup(why);
    return res->why != NULL;
}

bool_t station_claim_1_svc(station_claim_args *args, station_claim_res *res,
                           struct svc_req *req)
{
    (void)req;
    exec_settle(&exec_self);
    if (exec_self.state != STATION_IDLE) {
        res->status = EBUSY;
        res->station_claim_res_u.why = strdup(exec_self.why);
        return res->station_claim_res_u.why != NULL;
    }
    claim_begin(&exec_self, args);
    exec_event(&exec_self, STATION_EV_CLAIM, "claimed");
    res->status = 0;
    memcpy(res->station_claim_res_u.ok.claim, exec_self.claim.id,
           POOL_CLAIM_LEN);
    res->station_claim_res_u.ok.lease_sec =
        (unsigned)((exec_self.claim.until_ms - pool_now_ms()) / 1000);
    exec_advertise(&exec_self);
    return TRUE;
}

bool_t station_start_1_svc(station_start_args *args, pool_status_res *res,
                           struct svc_req *req)
{
    struct ckpt_err err;

    (void)req;
    if (!claim_is(&exec_self, args->claim) || args->job != exec_self.claim.job)
        return answer(res, ESTALE, "this claim is over");
    if (exec_self.claim.starter)
        return answer(res, EALREADY, "the job was started before");
    if (claim_start(&exec_self, args, &err) == 0)
        return answer(res, 0, "");
    int status = errno;
    log_line("job %llu: %s", (unsigned long long)args->job, err.text);
    exec_event(&exec_self, STATION_EV_JOB_GONE, "the job could not be started");
    return answer(res, status, err.text);
}

bool_t station_check_1_svc(station_check_args *args, station_check_res *res,
                           struct svc_req *req)
{
    station_check_ok *ok = &res->station_check_res_u.ok;

    (void)req;
    memset(res, 0, sizeof *res);
    if (!claim_is(&exec_self, args->claim)) {
        res->status = exec_self.clearing ? EAGAIN : ESTALE;
        res->station_check_res_u.why = strdup("this claim is over");
        return res->station_check_res_u.why != NULL;
    }
    ok->state = (pool_station_state)exec_self.state;
    ok->pid = exec_self.claim.pid;
    ok->cpu_ms = exec_job_cpu_ms(&exec_self);
    ok->why = strdup(exec_self.why);
    return ok->why != NULL;
}

bool_t station_leave_1_svc(station_leave_args *args, pool_status_res *res,
                           struct svc_req *req)
{
    (void)req;
    if (!claim_is(&exec_self, args->claim))
        return answer(res, ESTALE, "no such job is here");
    if (!exec_self.claim.starter) {
        exec_event(&exec_self, STATION_EV_JOB_GONE, args->reason);
        return answer(res, 0, "");
    }
    if (args->kill) /* first, so that it is not asked for a checkpoint */
        claim_kill(&exec_self, args->reason);
    exec_event(&exec_self, STATION_EV_LEAVE, args->reason);
    return answer(res, 0, "");
}

bool_t station_release_1_svc(station_check_args *args, pool_status_res *res,
                             struct svc_req *req)
{
    (void)req;
    if (!claim_is(&exec_self, args->claim))
        return answer(res, ESTALE, "this claim is over");
    if (exec_self.claim.starter)
        return answer(res, EBUSY, "a job runs under this claim");
    exec_event(&exec_self, STATION_EV_JOB_GONE, "the claim was given back");
    return answer(res, 0, "");
}

bool_t station_stay_1_svc(station_check_args *args, pool_status_res *res,
                          struct svc_req *req)
{
    (void)req;
    if (!claim_is(&exec_self, args->claim))
        return answer(res, ESTALE, "this claim is over");
    if (exec_self.state != STATION_VACATING || exec_self.claim.killed ||
        exec_self.claim.ended || exec_self.stopping)
        return answer(res, EINVAL, "the job is not leaving, or is to go");
    exec_event(&exec_self, STATION_EV_STAY, "the job could not leave");
    exec_settle(&exec_self);
    return answer(res, 0, "");
}

/* What a terminal sends, and what goes with it. */
static bool is_terminals(int sig)
{
    return sig == SIGINT || sig == SIGQUIT || sig == SIGTSTP ||
           sig == SIGSTOP || sig == SIGCONT || sig == SIGWINCH ||
           sig == SIGHUP || sig == SIGTERM;
}

bool_t station_signal_1_svc(station_signal_args *args, pool_status_res *res,
                            struct svc_req *req)
{
    (void)req;
    if (!claim_is(&exec_self, args->claim) || exec_self.claim.pid <= 0)
        return answer(res, ESTALE, "no such job is here");
    if (!is_terminals(args->signal))
        return answer(res, EINVAL, "not a signal of a terminal");
    /* one that we keep stopped for the owner stays stopped */
    if (args->signal == SIGCONT && exec_self.state == STATION_SUSPENDED)
        return answer(res, EBUSY, "it is suspended");
    if (kill(-exec_self.claim.pid, args->signal) < 0)
        return answer(res, errno, strerror(errno));
    return answer(res, 0, "");
}

static bool copy_source(station_source *to, const struct owner_source *from)
{
    to->name = strdup(from->name);
    to->says = strdup(from->says);
    to->trusted = from->trusted;
    to->activity = 0;
    if (from->active_ms)
        to->activity =
            time(NULL) - (time_t)((pool_now_ms() - from->active_ms) / 1000);
    return to->name && to->says;
}

/* The load is a source, too. */
static bool load_source(station_source *to)
{
    char says[64];

    snprintf(says, sizeof says, "%.2f cores busy with others' work",
             exec_self.load.cores);
    to->name = strdup("load");
    to->says = strdup(exec_self.load.known ? says : "not known yet");
    to->trusted = exec_self.load.known;
    return to->name && to->says;
}

static bool closed_sources(station_source *to, size_t *count)
{
    const struct closed *c = &exec_self.closed;
    char says[64] = "not known";

    if (c->pressure >= 0)
        snprintf(says, sizeof says, "%.1f%% of the last 10 s", c->pressure);
    to[*count].name = strdup("memory pressure");
    to[*count].says = strdup(says);
    to[(*count)++].trusted = c->pressure >= 0;
    to[*count].name = strdup("logind sessions");
    to[*count].says = strdup(c->sessions.says);
    to[(*count)++].trusted = c->sessions.known;
    for (size_t i = *count - 2; i < *count; i++)
        if (!to[i].name || !to[i].says)
            return false;
    return true;
}

static int later_first(const void *a, const void *b)
{
    const struct owner_source *x = *(const struct owner_source *const *)a;
    const struct owner_source *y = *(const struct owner_source *const *)b;

    if (x->active_ms != y->active_ms)
        return x->active_ms > y->active_ms ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* There may be more than fit: those that spoke last come first. */
static bool copy_sources(station_status_res *res)
{
    const struct owner_source *present[OWNER_SOURCES_MAX];
    size_t n, shown = 0, count = 0;
    const struct owner_source *known = owner_sources(exec_self.owner, &n);
    station_source *to = res->sources.sources_val;

    for (size_t i = 0; i < n; i++)
        if (known[i].present)
            present[shown++] = &known[i];
    qsort(present, shown, sizeof present[0], later_first);
    bool good = load_source(&to[count++]) && closed_sources(to, &count);
    for (size_t i = 0; good && i < shown && count < POOL_SOURCES_MAX; i++)
        good = copy_source(&to[count++], present[i]);
    res->sources.sources_len = (unsigned)count;
    return good;
}

bool_t station_status_1_svc(void *args, station_status_res *res,
                            struct svc_req *req)
{
    pool_station ad;

    (void)args, (void)req;
    memset(res, 0, sizeof *res);
    exec_describe(&exec_self, &ad);
    res->pid = getpid();
    res->sources.sources_val =
        calloc(POOL_SOURCES_MAX, sizeof *res->sources.sources_val);
    return res->sources.sources_val && words_copy_station(&res->station, &ad) &&
           copy_sources(res);
}

int station_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xdr, res);
}
