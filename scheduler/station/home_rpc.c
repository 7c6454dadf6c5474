/* home_rpc.c - what the commands ask of a home station (home.x) */
#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/pool/words.h"
#include "scheduler/station/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAITS_SAID = 20 };

static struct home *home;

void home_rpc_init(struct home *the_home)
{
    home = the_home;
    home_submit_init(the_home);
}

bool_t home_null_1_svc(void *args, void *res, struct svc_req *req)
{
    (void)args, (void)res, (void)req;
    return TRUE;
}

int home_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xdr, res);
}

/* --- query -----------------------------------------------------------------
 */

static bool describe(const struct job *job, home_job *to)
{
    char command[1024];
    int64_t now = home_wall_ms();
    const struct active *here = active_find(home, job->id);

    job_spec_command(&job->spec, command, sizeof command);
    *to = (home_job){
        .id = job->id,
        .state = (int)job->state,
        .letter = job_state_letter(job->state),
        .prio = job->prio,
        .submitted = job->submitted_ms / 1000,
        .started = job->started_ms / 1000,
        .finished = job->finished_ms / 1000,
        .checkpointed = job->image_ms / 1000,
        .run_ms = (uint64_t)job_run_ms(job, now),
        .saved_ms = (uint64_t)job->saved_ms,
        .cpu_ms = (uint64_t)job->cpu_usec / 1000 + (here ? here->cpu_ms : 0),
        .home_cpu_usec = (uint64_t)job->home_cpu_usec,
        .image_size = job->image_size,
        .epoch = job->epoch,
        .starts = job->starts,
        .evictions = job->evictions,
        .wait_status = job->exit_status,
    };
    const char *name = job->spec.name ? job->spec.name : "";
    return words_copy(&to->name, name) &&
           words_copy(&to->owner, job->spec.owner) &&
           words_copy(&to->station, job_state_is_active(job->state) ||
                                            job->state == JOB_COMPLETED
                                        ? job->station
                                        : "") &&
           words_copy(&to->why, job->why) && words_copy(&to->command, command);
}

struct page {
    home_query_ok *ok;
    bool failed;
};

static int page_add(const struct job *job, void *arg)
{
    struct page *page = arg;
    home_query_ok *ok = page->ok;

    if (ok->jobs.jobs_len == POOL_PAGE_MAX) {
        ok->more = TRUE;
        return 1;
    }
    home_job *to = &ok->jobs.jobs_val[ok->jobs.jobs_len++];
    page->failed = !describe(job, to);
    return page->failed;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const u_quad_t *)a, y = *(const u_quad_t *)b;

    return x < y ? -1 : x > y;
}

static int query_named(home_query_args *args, struct page *page,
                       struct ckpt_err *err)
{
    struct job job;
    int rc = 0;

    qsort(args->ids.ids_val, args->ids.ids_len, sizeof *args->ids.ids_val,
          compare_ids);
    for (unsigned i = 0; i < args->ids.ids_len && rc == 0; i++) {
        if (args->ids.ids_val[i] <= args->after)
            continue;
        if (store_get(home->store, args->ids.ids_val[i], &job, err) < 0) {
            if (errno != ENOENT)
                return -1;
            continue;
        }
        rc = page_add(&job, page);
        job_clear(&job);
    }
    return 0;
}

static int query(home_query_args *args, struct page *page, struct ckpt_err *err)
{
    struct store_filter filter = {
        .table = args->finished ? STORE_HISTORY : STORE_QUEUE,
        .after = args->after,
        .limit = POOL_PAGE_MAX + 1,
    };

    if (args->ids.ids_len > 0)
        return query_named(args, page, err);
    return store_each(home->store, &filter, page_add, page, err) < 0 ? -1 : 0;
}

bool_t home_query_1_svc(home_query_args *args, home_query_res *res,
                        struct svc_req *req)
{
    struct page page = {.ok = &res->home_query_res_u.ok};
    struct ckpt_err err;

    (void)req;
    memset(res, 0, sizeof *res);
    page.ok->jobs.jobs_val =
        calloc(POOL_PAGE_MAX, sizeof *page.ok->jobs.jobs_val);
    if (!page.ok->jobs.jobs_val)
        return FALSE;
    if (query(args, &page, &err) == 0 && !page.failed)
        return TRUE;
    int status = page.failed ? ENOMEM : errno;
    xdr_free((xdrproc_t)xdr_home_query_res, (char *)res);
    memset(res, 0, sizeof *res);
    res->status = status ? status : EIO;
    return words_copy(&res->home_query_res_u.why,
                      page.failed ? "no memory" : err.text);
}

/* --- act -------------------------------------------------------------------
 */

static int act_event(uint64_t id, enum job_event event, const char *reason,
                     struct job *after, struct ckpt_err *err)
{
    struct job_detail detail = {.text = reason[0] ? reason : NULL};

    if (store_apply(home->store, id, event, &detail, home_wall_ms(), after,
                    NULL, err) < 0)
        return -1;
    log_line("job %llu: %s: now %s", (unsigned long long)id,
             job_event_name(event), job_state_name(after->state));
    home->eager = home->logs_due = true;
    home->waits_due = home->hooks_due = true;
    return 0;
}

/* The job's state says what the station has to do. */
static void follow(const struct job *job, const char *reason)
{
    struct active *active = active_find(home, job->id);

    if (!active)
        return;
    if (job->state == JOB_REMOVING)
        active_leave(active, true, reason[0] ? reason : "removed");
    else if (job->state == JOB_HOLDING || job->state == JOB_VACATING)
        active_leave(active, false, reason[0] ? reason : "asked to leave");
}

static int signal_one(uint64_t id, int sig, struct ckpt_err *err)
{
    struct active *active = active_find(home, id);

    if (!active)
        return ckpt_err_set(err, ESRCH, "it is not running");
    return station_signal(home, active, sig, err);
}

static int act_one(const home_act_args *args, uint64_t id, struct ckpt_err *err)
{
    static const enum job_event events[] = {
        [HOME_RM] = JOB_EV_REMOVE,       [HOME_HOLD] = JOB_EV_HOLD,
        [HOME_RELEASE] = JOB_EV_RELEASE, [HOME_VACATE] = JOB_EV_VACATE,
        [HOME_MIGRATE] = JOB_EV_VACATE,
    };
    struct job after;

    if (args->action == HOME_PRIO)
        return store_set_prio(home->store, id, args->prio, err);
    if (args->action == HOME_SIGNAL)
        return signal_one(id, args->prio, err);
    if (args->action < HOME_RM || args->action > HOME_MIGRATE)
        return ckpt_err_set(err, EINVAL, "no such action");
    if (args->action == HOME_MIGRATE &&
        store_set_want_station(home->store, id, args->station, err) < 0)
        return -1;
    if (act_event(id, events[args->action], args->reason, &after, err) < 0) {
        /* one that waits need not leave; it will go where it should */
        if (args->action != HOME_MIGRATE || errno != EINVAL)
            return -1;
        home->eager = true;
        return 0;
    }
    job_clear(&after);
    return 0;
}

/* All in one transaction; one that cannot be done leaves the others. */
static int act_all(const home_act_args *args, pool_status_res *results,
                   struct ckpt_err *err)
{
    if (store_begin(home->store, err) < 0)
        return -1;
    for (unsigned i = 0; i < args->ids.ids_len; i++) {
        struct ckpt_err own = {.text = ""};
        if (act_one(args, args->ids.ids_val[i], &own) < 0)
            results[i].status = errno ? errno : EIO;
        if (!words_copy(&results[i].why, own.text)) {
            store_rollback(home->store);
            return ckpt_err_set(err, ENOMEM, "no memory");
        }
    }
    return store_commit(home->store, err);
}

/* It is durable: the stations hear of it. */
static void follow_all(const home_act_args *args,
                       const pool_status_res *results)
{
    struct job job;

    for (unsigned i = 0; i < args->ids.ids_len; i++) {
        uint64_t id = args->ids.ids_val[i];
        if (results[i].status != 0 || !active_find(home, id) ||
            store_get(home->store, id, &job, NULL) < 0)
            continue;
        follow(&job, args->reason);
        job_clear(&job);
    }
}

bool_t home_act_1_svc(home_act_args *args, home_act_res *res,
                      struct svc_req *req)
{
    unsigned n = args->ids.ids_len;

    (void)req;
    memset(res, 0, sizeof *res);
    res->results.results_val = calloc(n + 1, sizeof *res->results.results_val);
    if (!res->results.results_val)
        return FALSE;
    res->results.results_len = n;
    struct ckpt_err err = {.text = ""};
    if (act_all(args, res->results.results_val, &err) == 0) {
        follow_all(args, res->results.results_val);
        return TRUE;
    }
    int status = errno ? errno : EIO;
    for (unsigned i = 0; i < n; i++) {
        pool_status_res *to = &res->results.results_val[i];
        to->status = status;
        free(to->why);
        if (!words_copy(&to->why, err.text))
            return FALSE;
    }
    return TRUE;
}

/* --- log, why, status ------------------------------------------------------
 */

static int add_entry(const struct job_entry *entry, void *arg)
{
    char *text = job_entry_format(entry, home->name);

    if (text)
        fputs(text, arg);
    free(text);
    return 0;
}

static int read_log(const home_log_args *args, home_log_ok *ok,
                    struct ckpt_err *err)
{
    char *text = NULL;
    size_t len = 0;
    struct job job;

    if (store_get(home->store, args->id, &job, err) < 0)
        return -1;
    ok->last = job_state_is_final(job.state);
    job_clear(&job);
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ckpt_err_sys(err, "no memory");
    int rc = store_entries(home->store, args->id, add_entry, out, err);
    fclose(out);
    size_t from = args->offset < len ? args->offset : len;
    size_t n = len - from < POOL_DATA_MAX ? len - from : POOL_DATA_MAX;
    if (from + n < len)
        ok->last = FALSE;
    ok->data.data_val = malloc(n + 1);
    if (ok->data.data_val) {
        memcpy(ok->data.data_val, text + from, n);
        ok->data.data_len = (unsigned)n;
    }
    free(text);
    return rc < 0 || !ok->data.data_val ? -1 : 0;
}

bool_t home_log_1_svc(home_log_args *args, home_log_res *res,
                      struct svc_req *req)
{
    struct ckpt_err err = {.text = ""};

    (void)req;
    memset(res, 0, sizeof *res);
    if (read_log(args, &res->home_log_res_u.ok, &err) == 0)
        return TRUE;
    int status = errno ? errno : EIO;
    xdr_free((xdrproc_t)xdr_home_log_res, (char *)res);
    memset(res, 0, sizeof *res);
    res->status = status;
    return words_copy(&res->home_log_res_u.why, err.text);
}

static bool add_line(home_why_ok *ok, const char *line)
{
    if (!line[0])
        return true;
    return words_copy(&ok->lines.lines_val[ok->lines.lines_len++], line);
}

static bool say_line(void *ok, const char *line)
{
    return add_line(ok, line);
}

struct saying {
    home_why_ok *ok;
    bool good;
};

static int say_wait(uint64_t id, void *arg)
{
    struct saying *say = arg;
    char line[POOL_TEXT_MAX + 1];
    struct job job;

    if (store_get(home->store, id, &job, NULL) < 0)
        return 0;
    snprintf(line, sizeof line, "job %llu (%.200s) is %s%s%s",
             (unsigned long long)id, job.spec.name ? job.spec.name : "?",
             job_state_name(job.state),
             job_state_is_active(job.state) ? " on " : "",
             job_state_is_active(job.state) ? job.station : "");
    job_clear(&job);
    say->good = add_line(say->ok, line);
    return say->good ? 0 : 1;
}

static bool say_waits(const struct job *job, home_why_ok *ok)
{
    struct saying say = {.ok = ok, .good = true};

    if (job->state == JOB_WAITING &&
        store_waits_each(home->store, job->id, WAITS_SAID, say_wait, &say,
                         NULL) < 0)
        return false;
    return say.good;
}

static bool say_why(const struct job *job, home_why_ok *ok)
{
    char line[POOL_TEXT_MAX + 1];

    if (job_state_is_active(job->state))
        snprintf(line, sizeof line, "%s on %s", job_state_name(job->state),
                 job->station);
    else
        snprintf(line, sizeof line, "%s", job_state_name(job->state));
    bool good = add_line(ok, line);
    if (job->state == JOB_HELD) {
        snprintf(line, sizeof line, "held: %s (code %d)",
                 job_hold_name(job->hold_code), (int)job->hold_code);
        good = good && add_line(ok, line);
    }
    good = good && add_line(ok, job->why) && say_waits(job, ok);
    if (job->state == JOB_IDLE && job_retry_ms(job) > home_wall_ms()) {
        snprintf(line, sizeof line,
                 "lost or not started %u times; waits %lld s", job->failures,
                 (long long)(job_retry_ms(job) - home_wall_ms()) / 1000 + 1);
        good = good && add_line(ok, line);
    } else if (job->state == JOB_IDLE) {
        good = good && add_line(ok, home->coordinator_why);
    }
    if (job->want_station[0]) {
        snprintf(line, sizeof line, "is to run on %s (ckpt migrate)",
                 job->want_station);
        good = good && add_line(ok, line);
    }
    if (job->image_generation > 0) {
        snprintf(line, sizeof line,
                 "newest checkpoint: number %u, %llu bytes, %lld s ago",
                 job->image_generation, (unsigned long long)job->image_size,
                 (long long)(home_wall_ms() - job->image_ms) / 1000);
        good = good && add_line(ok, line);
    }
    const struct active *active = active_find(home, job->id);
    if (active && active->cost[0])
        good = good && add_line(ok, active->cost);
    return good && rhythm_say(home, job, say_line, ok);
}

bool_t home_why_1_svc(home_why_args *args, home_why_res *res,
                      struct svc_req *req)
{
    home_why_ok *ok = &res->home_why_res_u.ok;
    struct ckpt_err err;
    struct job job;

    (void)req;
    memset(res, 0, sizeof *res);
    if (store_get(home->store, args->id, &job, &err) < 0) {
        res->status = errno;
        return words_copy(&res->home_why_res_u.why, err.text);
    }
    ok->lines.lines_val = calloc(POOL_PAGE_MAX, sizeof *ok->lines.lines_val);
    bool good = ok->lines.lines_val && say_why(&job, ok);
    job_clear(&job);
    return good;
}

bool_t home_status_1_svc(void *args, home_status_res *res, struct svc_req *req)
{
    uint32_t counts[JOB_STATE_COUNT] = {0};
    struct ckpt_err err;

    (void)args, (void)req;
    if (store_count(home->store, counts, &err) < 0)
        log_line("%s", err.text);
    *res = (home_status_res){
        .pid = getpid(),
        .started = home->started,
        .queued = counts[JOB_IDLE] + counts[JOB_WAITING],
        .running = counts[JOB_STARTING] + counts[JOB_RUNNING] +
                   counts[JOB_SUSPENDED] + counts[JOB_VACATING],
        .held = counts[JOB_HELD] + counts[JOB_HOLDING],
        .coordinator_seen = home->coordinator_seen,
    };
    return words_copy(&res->name, home->name);
}
