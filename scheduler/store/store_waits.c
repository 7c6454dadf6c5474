/* store_waits.c - jobs that wait for other jobs
 *
 * A row of `waits` is one job that waits for another; it goes when that one is
 * done (ended with exit code 0).  A job can only wait for jobs that were there
 * before it, so nothing ever waits in a circle.  What became of a job is told
 * to those that wait for it in pieces, after its end is durable:
 *
 *     store_wait_end()       the job goes to `waits_over`
 *     store_waits_settle()   some that wait for it are told...
 *     ... until no row is left untold: it goes from `waits_over`
 *
 * Rows of jobs that failed stay, told, until the job that waited is released
 * or removed: whoever releases it wants it to run without.
 */
#include "scheduler/store/store_sql.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 1000000, NAMED = 8 };

/* Run a statement with one or two ids. */
static int run_ids(struct store *store, sqlite3_stmt *stmt, uint64_t a,
                   uint64_t b, struct ckpt_err *err)
{
    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)a);
    if (sqlite3_bind_parameter_count(stmt) > 1)
        sqlite3_bind_int64(stmt, 2, (sqlite3_int64)b);
    return store_run(store, stmt, "change waits", err);
}

/* --- submission ------------------------------------------------------------
 */

int store_wait_check(struct store *store, char *const *after, uint32_t count,
                     struct ckpt_err *err)
{
    size_t n = job_list_len(after);
    struct job job;

    if (n * count > ROWS_MAX)
        return ckpt_err_set(err, E2BIG,
                            "%u jobs that wait for %zu each: more than %d "
                            "together",
                            count, n, ROWS_MAX);
    for (size_t i = 0; i < n; i++) {
        uint64_t id = strtoull(after[i], NULL, 10);
        if (store_get(store, id, &job, err))
            return ckpt_err_prefix(err, "--after");
        job_clear(&job);
    }
    return 0;
}

static bool is_done(const struct job *job)
{
    return job->state == JOB_COMPLETED && job->exit_status == 0;
}

struct naming {
    char text[JOB_WHY_MAX + 1];
    size_t len;
    uint32_t named;
};

static int add_name(uint64_t pred, void *arg)
{
    struct naming *n = arg;

    if (n->named++ < NAMED)
        n->len +=
            (size_t)snprintf(n->text + n->len, sizeof n->text - n->len,
                             "%s %" PRIu64, n->named > 1 ? "," : "", pred);
    return 0;
}

/* "waits for job 7", "waits for jobs 7, 8 and 12 more" */
static int wait_step(struct store *store, struct job *job, int64_t now_ms,
                     struct ckpt_err *err)
{
    struct naming names = {.text = ""};
    char text[JOB_WHY_MAX + 1];
    struct job_detail detail = {.text = text};
    struct job_entry made;

    if (store_waits_each(store, job->id, 0, add_name, &names, err))
        return -1;
    if (names.named == 0)
        return 0;
    int n = snprintf(text, sizeof text, "waits for job%s%.400s",
                     names.named > 1 ? "s" : "", names.text);
    if (names.named > NAMED)
        snprintf(text + n, sizeof text - (size_t)n, " and %u more",
                 names.named - NAMED);
    return store_step(store, job, JOB_EV_WAIT, &detail, now_ms, &made, err);
}

/* One that has ended already, and not well, is as one that ends soon. */
static int add_wait(struct store *store, uint64_t id, uint64_t pred,
                    struct ckpt_err *err)
{
    struct job job;
    bool done, over;

    if (store_get(store, pred, &job, err))
        return -1;
    done = is_done(&job);
    over = job_state_is_final(job.state);
    job_clear(&job);
    if (done)
        return 0;
    if (run_ids(store,
                store_stmt(store,
                           "INSERT OR IGNORE INTO waits VALUES (?, ?, 0)", err),
                pred, id, err))
        return -1;
    return over ? run_ids(store,
                          store_stmt(store,
                                     "INSERT OR IGNORE INTO waits_over VALUES "
                                     "(?)",
                                     err),
                          pred, 0, err)
                : 0;
}

int store_wait_begin(struct store *store, struct job *job, char *const *after,
                     int64_t now_ms, struct ckpt_err *err)
{
    if (job_list_len(after) == 0)
        return 0;
    for (size_t i = 0; after[i]; i++)
        if (add_wait(store, job->id, strtoull(after[i], NULL, 10), err))
            return -1;
    return wait_step(store, job, now_ms, err);
}

int store_wait_again(struct store *store, struct job *job, int64_t now_ms,
                     struct ckpt_err *err)
{
    /* what it was held for it does without */
    if (run_ids(store,
                store_stmt(store,
                           "DELETE FROM waits WHERE job = ? AND told = 2", err),
                job->id, 0, err) ||
        run_ids(store,
                store_stmt(store,
                           "INSERT OR IGNORE INTO waits_over SELECT pred FROM "
                           "waits WHERE job = ? AND told = 1",
                           err),
                job->id, 0, err) ||
        run_ids(
            store,
            store_stmt(store, "UPDATE waits SET told = 0 WHERE job = ?", err),
            job->id, 0, err))
        return -1;
    return job->state == JOB_IDLE ? wait_step(store, job, now_ms, err) : 0;
}

int store_wait_end(struct store *store, uint64_t id, struct ckpt_err *err)
{
    if (run_ids(store,
                store_stmt(store, "DELETE FROM waits WHERE job = ?", err), id,
                0, err))
        return -1;
    return run_ids(store,
                   store_stmt(store,
                              "INSERT OR IGNORE INTO waits_over SELECT ?1 "
                              "WHERE EXISTS (SELECT 1 FROM waits WHERE pred = "
                              "?1)",
                              err),
                   id, 0, err);
}

/* --- telling ---------------------------------------------------------------
 */

int store_waits_each(struct store *store, uint64_t id, uint32_t limit,
                     int (*fn)(uint64_t pred, void *arg), void *arg,
                     struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store, "SELECT pred FROM waits WHERE job = ? ORDER BY pred LIMIT ?",
        err);
    int result = 0, step = SQLITE_DONE;

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)id);
    sqlite3_bind_int64(stmt, 2, limit ? (sqlite3_int64)limit : -1);
    while (result == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW)
        result = fn((uint64_t)sqlite3_column_int64(stmt, 0), arg);
    if (result == 0 && step != SQLITE_DONE)
        result = store_fail(store, "read waits", err);
    sqlite3_reset(stmt);
    return result;
}

struct wait {
    uint64_t pred;
    uint64_t job;
};

static int read_due(struct store *store, struct wait *due, uint32_t limit,
                    struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store,
        "SELECT waits.pred, job FROM waits_over JOIN waits ON waits.pred = "
        "waits_over.pred WHERE told = 0 LIMIT ?",
        err);
    int n = 0, step;

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, limit);
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
        due[n++] = (struct wait){(uint64_t)sqlite3_column_int64(stmt, 0),
                                 (uint64_t)sqlite3_column_int64(stmt, 1)};
    sqlite3_reset(stmt);
    return step == SQLITE_DONE ? n : store_fail(store, "read waits", err);
}

static int count_one(uint64_t pred, void *arg)
{
    (void)pred;
    ++*(int *)arg;
    return 0;
}

/* The one it waited for is done. */
static int tell_done(struct store *store, struct job *job, uint64_t pred,
                     int64_t now_ms, struct ckpt_err *err)
{
    struct job_entry made;
    int left = 0;

    if (run_ids(store,
                store_stmt(store,
                           "DELETE FROM waits WHERE pred = ? AND job = "
                           "?",
                           err),
                pred, job->id, err) ||
        store_waits_each(store, job->id, 1, count_one, &left, err))
        return -1;
    if (left > 0 || job->state != JOB_WAITING)
        return 0;
    return store_step(store, job, JOB_EV_READY, NULL, now_ms, &made, err);
}

/* 2: it is held for this; 1: it was held anyway, and will be told again. */
static int mark_told(struct store *store, uint64_t pred, uint64_t job,
                     bool held, struct ckpt_err *err)
{
    return run_ids(store,
                   held ? store_stmt(store,
                                     "UPDATE waits SET told = 2 WHERE pred = ? "
                                     "AND job = ?",
                                     err)
                        : store_stmt(store,
                                     "UPDATE waits SET told = 1 WHERE pred = ? "
                                     "AND job = ?",
                                     err),
                   pred, job, err);
}

static int tell_failed(struct store *store, struct job *job,
                       const struct job *pred, int64_t now_ms,
                       struct ckpt_err *err)
{
    char how[128], text[JOB_WHY_MAX + 1];
    struct job_detail detail = {.text = text, .hold_code = JOB_HOLD_AFTER};
    struct job_entry made;
    bool hold = job->state == JOB_WAITING;
    bool held =
        hold || (job->state == JOB_HELD && job->hold_code == JOB_HOLD_AFTER);

    if (mark_told(store, pred->id, job->id, held, err))
        return -1;
    if (!hold)
        return 0;
    notify_outcome(pred, how, sizeof how);
    snprintf(text, sizeof text,
             "job %" PRIu64 " (%.200s), which it waited for, %s", pred->id,
             pred->spec.name ? pred->spec.name : "?", how);
    return store_step(store, job, JOB_EV_FAULT, &detail, now_ms, &made, err);
}

static int tell(struct store *store, const struct wait *wait, int64_t now_ms,
                struct ckpt_err *err)
{
    struct job pred = {.state = JOB_NONE}, job = {.state = JOB_NONE};
    int result = -1;

    if (store_get(store, wait->pred, &pred, err) == 0 &&
        store_get(store, wait->job, &job, err) == 0)
        result = is_done(&pred)
                     ? tell_done(store, &job, wait->pred, now_ms, err)
                     : tell_failed(store, &job, &pred, now_ms, err);
    int errnum = errno;
    job_clear(&pred);
    job_clear(&job);
    errno = errnum;
    return result;
}

int store_waits_settle(struct store *store, uint32_t limit, int64_t now_ms,
                       struct ckpt_err *err)
{
    struct wait *due = calloc(limit ? limit : 1, sizeof *due);
    int n = due ? read_due(store, due, limit, err)
                : ckpt_err_set(err, ENOMEM, "queue: out of memory");
    int result = n < 0 ? -1 : 0;

    if (n == 0) {
        /* without a WHERE an empty table would be written, too */
        sqlite3_stmt *stmt =
            store_stmt(store, "DELETE FROM waits_over WHERE pred > 0", err);
        result = stmt ? store_run(store, stmt, "change waits", err) : -1;
    } else if (n > 0 && (result = store_enter(store, err)) == 0) {
        for (int i = 0; i < n && result == 0; i++)
            result = tell(store, &due[i], now_ms, err);
        result = store_leave(store, result, err);
    }
    free(due);
    return result ? -1 : n;
}
