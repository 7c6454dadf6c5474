/* store_books.c - what befell jobs on stations; what is to be told to users */
#include "scheduler/store/store_sql.h"

/* --- stations ------------------------------------------------------------ */

static bool loses_station(const struct job *before, enum job_event event)
{
    return (event == JOB_EV_EVICTED || event == JOB_EV_LOST) &&
           before->state != JOB_STARTING && before->state != JOB_REMOVING &&
           before->state != JOB_HOLDING;
}

int store_station_note(struct store *store, const struct job *before,
                       const struct job *after, enum job_event event,
                       struct ckpt_err *err)
{
    int64_t ran = after->run_ms - before->run_ms;
    bool lost = loses_station(before, event);

    if (!after->station[0] || (ran == 0 && !lost))
        return 0;
    sqlite3_stmt *stmt =
        store_stmt(store,
                   "INSERT INTO stations VALUES (?1, ?2, ?3) ON CONFLICT "
                   "(name) DO UPDATE SET run_ms = run_ms + ?2, losses = losses "
                   "+ ?3",
                   err);
    if (!stmt)
        return -1;
    sqlite3_bind_text(stmt, 1, after->station, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, ran);
    sqlite3_bind_int(stmt, 3, lost);
    return store_run(store, stmt, "note station", err);
}

int store_station_books(struct store *store, const char *station,
                        int64_t *run_ms, uint32_t *losses, struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store,
        "SELECT coalesce(sum(run_ms), 0), coalesce(sum(losses), 0) FROM "
        "stations WHERE ?1 = '' OR name = ?1",
        err);
    int result = 0;

    if (!stmt)
        return -1;
    sqlite3_bind_text(stmt, 1, station, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        *run_ms = sqlite3_column_int64(stmt, 0);
        *losses = (uint32_t)sqlite3_column_int64(stmt, 1);
    } else {
        result = store_fail(store, "read station", err);
    }
    sqlite3_reset(stmt);
    return result;
}

/* --- hooks --------------------------------------------------------------- */

static int hook_add(struct store *store, uint64_t job, enum notify_how how,
                    struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store, "INSERT INTO hooks VALUES (NULL, ?, ?)", err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)job);
    sqlite3_bind_int(stmt, 2, (int)how);
    return store_run(store, stmt, "note hook", err);
}

int store_hook_note(struct store *store, const struct job *before,
                    const struct job *after, struct ckpt_err *err)
{
    if (after->state == before->state)
        return 0;
    if (notify_due(after, NOTIFY_COMMAND) &&
        hook_add(store, after->id, NOTIFY_COMMAND, err))
        return -1;
    return notify_due(after, NOTIFY_MAIL)
               ? hook_add(store, after->id, NOTIFY_MAIL, err)
               : 0;
}

int store_hooks_each(struct store *store, uint64_t after, uint32_t limit,
                     int (*fn)(const struct store_hook *hook, void *arg),
                     void *arg, struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store,
        "SELECT seq, job, how FROM hooks WHERE seq > ? ORDER BY seq LIMIT ?",
        err);
    int result = 0, step = SQLITE_DONE;

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)after);
    sqlite3_bind_int64(stmt, 2, limit);
    while (result == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct store_hook hook = {
            .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
            .job = (uint64_t)sqlite3_column_int64(stmt, 1),
            .how = (enum notify_how)sqlite3_column_int(stmt, 2)};
        result = fn(&hook, arg);
    }
    if (result == 0 && step != SQLITE_DONE)
        result = store_fail(store, "read hooks", err);
    sqlite3_reset(stmt);
    return result;
}

int store_hook_done(struct store *store, uint64_t seq, struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store, "DELETE FROM hooks WHERE seq = ?", err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
    return store_run(store, stmt, "remove hook", err);
}
