/* store_jobs.c - the jobs of the queue: submit, read, change, list */
#include "scheduler/store/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- submissions --------------------------------------------------------- */

static int spec_insert(struct store *store, uint64_t first,
                       const struct job_spec *spec, struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store,
                   "INSERT INTO specs VALUES "
                   "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                   " ?, ?, ?, ?, ?, ?, ?)",
                   err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)first);
    if (store_row_bind(stmt, 2, store_spec_columns, store_spec_column_count,
                       spec))
        return store_fail(store, "bind specification", err);
    return store_run(store, stmt, "add specification", err);
}

/* Read the submission of a cluster into store->spec, unless it is there. */
static int spec_load(struct store *store, uint64_t cluster,
                     struct ckpt_err *err)
{
    sqlite3_stmt *stmt;
    struct job_spec spec = {0};
    int result = 0;

    if (store->spec_cluster == cluster)
        return 0;
    stmt = store_stmt(store, "SELECT * FROM specs WHERE first = ?", err);
    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)cluster);
    if (sqlite3_step(stmt) != SQLITE_ROW)
        result = ckpt_err_set(err, EPROTO, "queue: submission %llu is missing",
                              (unsigned long long)cluster);
    else if (store_row_read(stmt, 1, store_spec_columns,
                            store_spec_column_count, &spec))
        result = ckpt_err_sys(err, "queue: submission %llu",
                              (unsigned long long)cluster);
    sqlite3_reset(stmt);
    if (result) {
        job_spec_clear(&spec);
        return -1;
    }
    job_spec_clear(&store->spec);
    store->spec = spec;
    store->spec_cluster = cluster;
    return 0;
}

static int take_ids(struct store *store, uint32_t count, uint64_t *first,
                    struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store,
                   "UPDATE meta SET value = value + ? WHERE name = 'next_id' "
                   "RETURNING value",
                   err);
    int result = 0;

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, count);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *first = (uint64_t)sqlite3_column_int64(stmt, 0) - count;
    else
        result = store_fail(store, "take job ids", err);
    if (result == 0 && sqlite3_step(stmt) != SQLITE_DONE)
        result = store_fail(store, "take job ids", err);
    sqlite3_reset(stmt);
    return result;
}

#define JOB_VALUES                                                             \
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "    \
    "?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, "   \
    "?29)"

static int job_write(struct store *store, enum store_table table,
                     const struct job *job, struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        table == STORE_HISTORY
            ? store_stmt(store, "INSERT INTO history " JOB_VALUES, err)
            : store_stmt(store, "REPLACE INTO jobs " JOB_VALUES, err);

    if (!stmt)
        return -1;
    if (store_row_bind(stmt, 1, store_job_columns, store_job_column_count, job))
        return store_fail(store, "bind job", err);
    return store_run(store, stmt, "write job", err);
}

static int submit_jobs(struct store *store, const struct job_spec *spec,
                       uint32_t count, int64_t now_ms, uint64_t first,
                       struct ckpt_err *err)
{
    const struct job none = {.state = JOB_NONE};

    if (spec_insert(store, first, spec, err))
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        struct job_spec empty = {.prio = spec->prio};
        struct job_entry entry;
        struct job job;

        job_init(&job, first, i, &empty, now_ms);
        job_entry_fill(&entry, &none, &job, JOB_EV_SUBMIT, NULL, now_ms);
        if (job_write(store, STORE_QUEUE, &job, err) ||
            store_entry_add(store, &entry, err) ||
            store_wait_begin(store, &job, spec->after, now_ms, err))
            return -1;
    }
    return 0;
}

int store_submit(struct store *store, const struct job_spec *spec,
                 uint32_t count, int64_t now_ms, uint64_t *first,
                 struct ckpt_err *err)
{
    uint64_t id = 0;
    int result;

    if (count == 0)
        return ckpt_err_set(err, EINVAL, "a submission of no jobs");
    if (job_spec_check(spec, err) ||
        store_wait_check(store, spec->after, count, err) ||
        store_enter(store, err))
        return -1;
    result = take_ids(store, count, &id, err);
    if (result == 0)
        result = submit_jobs(store, spec, count, now_ms, id, err);
    if (store_leave(store, result, err))
        return -1;
    *first = id;
    return 0;
}

/* --- one job ------------------------------------------------------------- */

static int job_read(struct store *store, sqlite3_stmt *stmt, struct job *job,
                    struct ckpt_err *err)
{
    memset(job, 0, sizeof *job);
    store_row_read(stmt, 0, store_job_columns, store_job_column_count, job);
    if (spec_load(store, job->cluster, err))
        return -1;
    if (job_spec_expand(&job->spec, &store->spec, job->cluster, job->proc))
        return ckpt_err_sys(err, "queue: job %llu",
                            (unsigned long long)job->id);
    return 0;
}

/* 1: found, 0: not there, -1: failed. */
static int job_find(struct store *store, enum store_table table, uint64_t id,
                    struct job *job, struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        table == STORE_HISTORY
            ? store_stmt(store, "SELECT * FROM history WHERE id = ?", err)
            : store_stmt(store, "SELECT * FROM jobs WHERE id = ?", err);
    int step, result = 0;

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)id);
    step = sqlite3_step(stmt);
    if (step == SQLITE_ROW)
        result = job_read(store, stmt, job, err) ? -1 : 1;
    else if (step != SQLITE_DONE)
        result = store_fail(store, "read job", err);
    sqlite3_reset(stmt);
    return result;
}

int store_get(struct store *store, uint64_t id, struct job *job,
              struct ckpt_err *err)
{
    int found = job_find(store, STORE_QUEUE, id, job, err);

    if (found == 0)
        found = job_find(store, STORE_HISTORY, id, job, err);
    if (found == 0)
        return ckpt_err_set(err, ENOENT, "there is no job %llu",
                            (unsigned long long)id);
    return found < 0 ? -1 : 0;
}

static int job_move_to_history(struct store *store, const struct job *job,
                               struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store, "DELETE FROM jobs WHERE id = ?", err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)job->id);
    if (store_run(store, stmt, "remove job", err) ||
        job_write(store, STORE_HISTORY, job, err))
        return -1;
    return store_wait_end(store, job->id, err);
}

static int job_save(struct store *store, const struct job *before,
                    const struct job *job, struct job_entry *entry,
                    struct ckpt_err *err)
{
    if (job_state_is_final(job->state)
            ? job_move_to_history(store, job, err)
            : job_write(store, STORE_QUEUE, job, err))
        return -1;
    return store_station_note(store, before, job, entry->event, err) ||
                   store_hook_note(store, before, job, err) ||
                   store_entry_add(store, entry, err)
               ? -1
               : 0;
}

void store_watch(struct store *store, store_witness *witness)
{
    store->witness = witness;
}

static void show(struct store *store, enum job_state from, enum job_event event,
                 bool durable)
{
    if (store->witness)
        store->witness(from, event, durable);
}

/* Inside a transaction. */
int store_step(struct store *store, struct job *job, enum job_event event,
               const struct job_detail *detail, int64_t now_ms,
               struct job_entry *made, struct ckpt_err *err)
{
    struct job before = *job; /* only its numbers are used */

    if (job_step(job, event, detail, now_ms, err))
        return -1;
    show(store, before.state, event, false);
    job_entry_fill(made, &before, job, event, detail, now_ms);
    return job_save(store, &before, job, made, err);
}

int store_apply(struct store *store, uint64_t id, enum job_event event,
                const struct job_detail *detail, int64_t now_ms,
                struct job *after, struct job_entry *entry,
                struct ckpt_err *err)
{
    struct job job = {.state = JOB_NONE};
    enum job_state from = JOB_NONE;
    struct job_entry made;
    int result;

    if (store_enter(store, err))
        return -1;
    result = store_get(store, id, &job, err);
    from = job.state;
    if (result == 0)
        result = store_step(store, &job, event, detail, now_ms, &made, err);
    if (result == 0 && event == JOB_EV_RELEASE)
        result = store_wait_again(store, &job, now_ms, err);
    result = store_leave(store, result, err);
    if (result == 0)
        show(store, from, event, true);
    if (result == 0 && entry)
        *entry = made;
    if (result == 0 && after)
        *after = job;
    else {
        int errnum = errno;
        job_clear(&job);
        errno = errnum;
    }
    return result;
}

/* An UPDATE of one job in the queue, its id the last parameter. */
static int job_update(struct store *store, sqlite3_stmt *stmt, uint64_t id,
                      struct ckpt_err *err)
{
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)id);
    if (store_run(store, stmt, "change job", err))
        return -1;
    if (sqlite3_changes(store->db) == 0)
        return ckpt_err_set(err, ENOENT, "there is no job %llu in the queue",
                            (unsigned long long)id);
    return 0;
}

int store_clock_set(struct store *store, int64_t moved_ms, struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store, "UPDATE jobs SET since_ms = since_ms + ?1 WHERE state = ?2",
        err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, moved_ms);
    sqlite3_bind_int(stmt, 2, JOB_RUNNING);
    return store_run(store, stmt, "follow the clock", err);
}

int store_set_prio(struct store *store, uint64_t id, int prio,
                   struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store, "UPDATE jobs SET prio = ? WHERE id = ?", err);

    if (!stmt)
        return -1;
    sqlite3_bind_int(stmt, 1, prio);
    return job_update(store, stmt, id, err);
}

int store_set_want_station(struct store *store, uint64_t id,
                           const char *station, struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store, "UPDATE jobs SET want_station = ? WHERE id = ?", err);

    if (!stmt)
        return -1;
    sqlite3_bind_text(stmt, 1, station, -1, SQLITE_TRANSIENT);
    return job_update(store, stmt, id, err);
}

int store_set_why(struct store *store, uint64_t id, const char *why,
                  struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store, "UPDATE jobs SET why = ? WHERE id = ?", err);

    if (!stmt)
        return -1;
    sqlite3_bind_text(stmt, 1, why, -1, SQLITE_TRANSIENT);
    return job_update(store, stmt, id, err);
}

/* --- listings ------------------------------------------------------------ */

/* ?1: id above, ?2: state or 0, ?3: limit or -1 */
#define LISTING(table, order)                                                  \
    "SELECT * FROM " table " WHERE id > ?1 AND (?2 = 0 OR state = ?2) "        \
    "ORDER BY " order " LIMIT ?3"

static sqlite3_stmt *listing(struct store *store,
                             const struct store_filter *filter,
                             struct ckpt_err *err)
{
    if (filter->order == STORE_BY_PRIO)
        return store_stmt(store,
                          "SELECT * FROM jobs WHERE ?1 <= id AND state = ?2 "
                          "ORDER BY prio DESC, id LIMIT ?3",
                          err);
    if (filter->table == STORE_HISTORY)
        return store_stmt(store, LISTING("history", "id"), err);
    return store_stmt(store, LISTING("jobs", "id"), err);
}

int store_each(struct store *store, const struct store_filter *filter,
               int (*fn)(const struct job *job, void *arg), void *arg,
               struct ckpt_err *err)
{
    sqlite3_stmt *stmt = listing(store, filter, err);
    int result = 0, step = SQLITE_DONE;

    if (!stmt)
        return -1;
    sqlite3_bind_int64(
        stmt, 1,
        filter->order == STORE_BY_PRIO ? 0 : (sqlite3_int64)filter->after);
    sqlite3_bind_int64(stmt, 2, filter->state);
    sqlite3_bind_int64(stmt, 3,
                       filter->limit ? (sqlite3_int64)filter->limit : -1);
    while (result == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct job job;
        result = job_read(store, stmt, &job, err);
        if (result == 0)
            result = fn(&job, arg);
        job_clear(&job);
    }
    if (result == 0 && step != SQLITE_DONE)
        result = store_fail(store, "list jobs", err);
    sqlite3_reset(stmt);
    return result;
}

int store_count(struct store *store, uint32_t counts[JOB_STATE_COUNT],
                struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store, "SELECT state, count(*) FROM jobs GROUP BY state", err);
    int step;

    if (!stmt)
        return -1;
    memset(counts, 0, JOB_STATE_COUNT * sizeof counts[0]);
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        int state = sqlite3_column_int(stmt, 0);
        if (state >= 0 && state < JOB_STATE_COUNT)
            counts[state] = (uint32_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_reset(stmt);
    return step == SQLITE_DONE ? 0 : store_fail(store, "count jobs", err);
}
