/* store_sql.c - see store_sql.h */
#include "scheduler/store/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(type, member, kind)                                             \
    {                                                                          \
#member, kind, offsetof(struct type, member),                          \
            sizeof(((struct type *)0)->member)                                 \
    }

/* jobs and history; the spec is in `specs`. */
const struct store_column store_job_columns[] = {
    COLUMN(job, id, KIND_I64),
    COLUMN(job, cluster, KIND_I64),
    COLUMN(job, proc, KIND_U32),
    COLUMN(job, state, KIND_U32),
    COLUMN(job, epoch, KIND_U32),
    COLUMN(job, prio, KIND_INT),
    COLUMN(job, station, KIND_TEXT),
    COLUMN(job, want_station, KIND_TEXT),
    COLUMN(job, submitted_ms, KIND_I64),
    COLUMN(job, since_ms, KIND_I64),
    COLUMN(job, started_ms, KIND_I64),
    COLUMN(job, finished_ms, KIND_I64),
    COLUMN(job, run_ms, KIND_I64),
    COLUMN(job, saved_ms, KIND_I64),
    COLUMN(job, cpu_usec, KIND_I64),
    COLUMN(job, home_cpu_usec, KIND_I64),
    COLUMN(job, starts, KIND_U32),
    COLUMN(job, evictions, KIND_U32),
    COLUMN(job, suspensions, KIND_U32),
    COLUMN(job, failures, KIND_U32),
    COLUMN(job, image_generation, KIND_U32),
    COLUMN(job, image_size, KIND_I64),
    COLUMN(job, image_ms, KIND_I64),
    COLUMN(job, exit_status, KIND_INT),
    COLUMN(job, hold_code, KIND_U32),
    COLUMN(job, why, KIND_TEXT),
    COLUMN(job, kills, KIND_U32), /* from version 3 on */
    COLUMN(job, sent, KIND_I64),
    COLUMN(job, received, KIND_I64),
};
const size_t store_job_column_count =
    sizeof store_job_columns / sizeof store_job_columns[0];

const struct store_column store_spec_columns[] = {
    COLUMN(job_spec, name, KIND_STR),
    COLUMN(job_spec, owner, KIND_STR),
    COLUMN(job_spec, uid, KIND_U32),
    COLUMN(job_spec, executable, KIND_STR),
    COLUMN(job_spec, args, KIND_LIST),
    COLUMN(job_spec, env, KIND_LIST),
    COLUMN(job_spec, cwd, KIND_STR),
    COLUMN(job_spec, in, KIND_STR),
    COLUMN(job_spec, out, KIND_STR),
    COLUMN(job_spec, err, KIND_STR),
    COLUMN(job_spec, log, KIND_STR),
    COLUMN(job_spec, requirements, KIND_STR),
    COLUMN(job_spec, prio, KIND_INT),
    COLUMN(job_spec, umask, KIND_U32),
    COLUMN(job_spec, mem_need, KIND_I64),
    COLUMN(job_spec, disk_need, KIND_I64),
    COLUMN(job_spec, grants, KIND_LIST), /* from version 2 on */
    COLUMN(job_spec, maps, KIND_LIST),
    COLUMN(job_spec, after, KIND_LIST), /* from version 3 on */
    COLUMN(job_spec, every, KIND_STR),
    COLUMN(job_spec, notify, KIND_STR),
    COLUMN(job_spec, notify_user, KIND_STR),
    COLUMN(job_spec, on_done, KIND_STR),
};
const size_t store_spec_column_count =
    sizeof store_spec_columns / sizeof store_spec_columns[0];

const struct store_column store_entry_columns[] = {
    COLUMN(job_entry, job, KIND_I64),
    COLUMN(job_entry, cluster, KIND_I64),
    COLUMN(job_entry, proc, KIND_U32),
    COLUMN(job_entry, ms, KIND_I64),
    COLUMN(job_entry, event, KIND_U32),
    COLUMN(job_entry, from, KIND_U32),
    COLUMN(job_entry, to, KIND_U32),
    COLUMN(job_entry, station, KIND_TEXT),
    COLUMN(job_entry, text, KIND_TEXT),
    COLUMN(job_entry, image_size, KIND_I64),
    COLUMN(job_entry, checkpointed, KIND_INT),
    COLUMN(job_entry, exit_status, KIND_INT),
    COLUMN(job_entry, hold_code, KIND_U32),
    COLUMN(job_entry, cpu_usec, KIND_I64),
    COLUMN(job_entry, home_cpu_usec, KIND_I64),
    COLUMN(job_entry, total_cpu_usec, KIND_I64),
    COLUMN(job_entry, total_home_cpu_usec, KIND_I64),
    COLUMN(job_entry, sent, KIND_I64), /* from version 3 on */
    COLUMN(job_entry, received, KIND_I64),
    COLUMN(job_entry, total_sent, KIND_I64),
    COLUMN(job_entry, total_received, KIND_I64),
};
const size_t store_entry_column_count =
    sizeof store_entry_columns / sizeof store_entry_columns[0];

_Static_assert(sizeof(enum job_state) == 4 && sizeof(enum job_event) == 4 &&
                   sizeof(enum job_hold) == 4,
               "enums are kept as 32-bit numbers");

int store_fail(struct store *store, const char *what, struct ckpt_err *err)
{
    int code = sqlite3_errcode(store->db);
    int errnum = EIO;

    if (code == SQLITE_FULL)
        errnum = ENOSPC;
    else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        errnum = EBUSY;
    else if (code == SQLITE_NOMEM)
        errnum = ENOMEM;
    else if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        errnum = EPROTO;
    return ckpt_err_set(err, errnum, "queue: %s: %s", what,
                        sqlite3_errmsg(store->db));
}

int store_exec(struct store *store, const char *sql, struct ckpt_err *err)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(store, sql, err);
    return 0;
}

sqlite3_stmt *store_stmt(struct store *store, const char *sql,
                         struct ckpt_err *err)
{
    sqlite3_stmt *stmt;

    for (size_t i = 0; i < store->prepared_count; i++)
        if (store->prepared[i].sql == sql)
            return store->prepared[i].stmt;
    if (store->prepared_count == STORE_STATEMENTS) {
        ckpt_err_set(err, ENOMEM, "queue: too many statements");
        return NULL;
    }
    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        store_fail(store, sql, err);
        return NULL;
    }
    store->prepared[store->prepared_count].sql = sql;
    store->prepared[store->prepared_count++].stmt = stmt;
    return stmt;
}

int store_run(struct store *store, sqlite3_stmt *stmt, const char *what,
              struct ckpt_err *err)
{
    int result = 0;

    if (sqlite3_step(stmt) != SQLITE_DONE)
        result = store_fail(store, what, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return result;
}

/* A list as its strings, each with its terminator. */
static int bind_list(sqlite3_stmt *stmt, int at, char *const *list)
{
    char *blob = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&blob, &len);

    if (!out)
        return SQLITE_NOMEM;
    for (size_t i = 0; list && list[i]; i++)
        fwrite(list[i], 1, strlen(list[i]) + 1, out);
    if (fclose(out)) {
        free(blob);
        return SQLITE_NOMEM;
    }
    return sqlite3_bind_blob64(stmt, at, blob, len, free);
}

static int bind_column(sqlite3_stmt *stmt, int at, const struct store_column *c,
                       const char *member)
{
    switch (c->kind) {
    case KIND_U32:
        return sqlite3_bind_int64(stmt, at, *(const uint32_t *)member);
    case KIND_INT:
        if (c->size == 1)
            return sqlite3_bind_int(stmt, at, *(const bool *)member);
        return sqlite3_bind_int(stmt, at, *(const int *)member);
    case KIND_I64:
        return sqlite3_bind_int64(stmt, at, *(const int64_t *)member);
    case KIND_TEXT:
        return sqlite3_bind_text(stmt, at, member, -1, SQLITE_TRANSIENT);
    case KIND_STR:
        return sqlite3_bind_text(stmt, at, *(char *const *)member, -1,
                                 SQLITE_TRANSIENT);
    case KIND_LIST:
        return bind_list(stmt, at, *(char **const *)member);
    }
    return SQLITE_MISUSE;
}

int store_row_bind(sqlite3_stmt *stmt, int first,
                   const struct store_column *columns, size_t count,
                   const void *record)
{
    for (size_t i = 0; i < count; i++)
        if (bind_column(stmt, first + (int)i, &columns[i],
                        (const char *)record + columns[i].offset) != SQLITE_OK)
            return -1;
    return 0;
}

static int read_list(sqlite3_stmt *stmt, int at, char ***list)
{
    const char *blob = sqlite3_column_blob(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
    size_t count = 0;
    char **made;

    if (len && blob[len - 1] != '\0') {
        errno = EPROTO;
        return -1;
    }
    for (size_t i = 0; i < len; i++)
        count += blob[i] == '\0';
    made = calloc(count + 1, sizeof *made);
    for (size_t i = 0; made && i < count; i++, blob += strlen(blob) + 1)
        if (!(made[i] = strdup(blob))) {
            job_list_free(made);
            made = NULL;
        }
    if (!made)
        errno = ENOMEM;
    *list = made;
    return made ? 0 : -1;
}

static int read_text(sqlite3_stmt *stmt, int at, const struct store_column *c,
                     char *member)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);

    if (c->kind == KIND_TEXT) {
        snprintf(member, c->size, "%s", text ? text : "");
        return 0;
    }
    *(char **)member = text ? strdup(text) : NULL;
    if (text && !*(char **)member) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

int store_row_read(sqlite3_stmt *stmt, int first,
                   const struct store_column *columns, size_t count,
                   void *record)
{
    for (size_t i = 0; i < count; i++) {
        const struct store_column *c = &columns[i];
        char *member = (char *)record + c->offset;
        int at = first + (int)i;

        if (c->kind == KIND_U32)
            *(uint32_t *)member = (uint32_t)sqlite3_column_int64(stmt, at);
        else if (c->kind == KIND_INT && c->size == 1)
            *(bool *)member = sqlite3_column_int(stmt, at) != 0;
        else if (c->kind == KIND_INT)
            *(int *)member = sqlite3_column_int(stmt, at);
        else if (c->kind == KIND_I64)
            *(int64_t *)member = sqlite3_column_int64(stmt, at);
        else if (c->kind == KIND_LIST) {
            if (read_list(stmt, at, (char ***)member))
                return -1;
        } else if (read_text(stmt, at, c, member))
            return -1;
    }
    return 0;
}
