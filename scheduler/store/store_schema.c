/* store_schema.c - the tables of the queue, made from the columns
 *
 * user_version holds the schema's version, application_id says that the file
 * is a queue of ours.  A later version adds its columns at the end of the
 * tables in store_sql.c, and its ALTER TABLE to `upgrades`, by which a queue of
 * an older version becomes one of this.
 */
#include "scheduler/store/store_sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_VERSION = 2, APPLICATION_ID = 0x434b5051 }; /* "CKPQ" */

/* upgrades[n]: from version n + 1 to n + 2. */
static const char *const upgrades[SCHEMA_VERSION - 1] = {
    "ALTER TABLE specs ADD COLUMN grants BLOB;"
    "ALTER TABLE specs ADD COLUMN maps BLOB",
};

static const char *column_type(enum store_kind kind)
{
    switch (kind) {
    case KIND_TEXT:
    case KIND_STR:
        return "TEXT";
    case KIND_LIST:
        return "BLOB";
    default:
        return "INTEGER NOT NULL";
    }
}

/* CREATE TABLE `table` with `key` first. */
static int create_table(struct store *store, const char *table, const char *key,
                        const struct store_column *columns, size_t count,
                        struct ckpt_err *err)
{
    char *sql = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&sql, &len);
    int result;

    if (!out)
        return ckpt_err_set(err, ENOMEM, "queue: out of memory");
    fprintf(out, "CREATE TABLE %s (%s", table, key ? key : "");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\"%s\" %s", i || key ? ", " : "", columns[i].name,
                i == 0 && !key ? "INTEGER PRIMARY KEY"
                               : column_type(columns[i].kind));
    fputs(") STRICT", out);
    if (fclose(out)) {
        free(sql);
        return ckpt_err_set(err, ENOMEM, "queue: out of memory");
    }
    result = store_exec(store, sql, err);
    free(sql);
    return result;
}

static int create(struct store *store, struct ckpt_err *err)
{
    char pragmas[96];

    snprintf(pragmas, sizeof pragmas,
             "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
             SCHEMA_VERSION);
    if (create_table(store, "jobs", NULL, store_job_columns,
                     store_job_column_count, err) ||
        create_table(store, "history", NULL, store_job_columns,
                     store_job_column_count, err) ||
        create_table(store, "specs", "first INTEGER PRIMARY KEY",
                     store_spec_columns, store_spec_column_count, err) ||
        create_table(store, "events", "seq INTEGER PRIMARY KEY AUTOINCREMENT",
                     store_entry_columns, store_entry_column_count, err) ||
        store_exec(store,
                   "CREATE INDEX events_job ON events(job);"
                   "CREATE INDEX jobs_prio ON jobs(state, prio DESC, id);"
                   "CREATE TABLE meta (name TEXT PRIMARY KEY,"
                   " value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                   "INSERT INTO meta VALUES ('next_id', 1), ('logged', 0)",
                   err))
        return -1;
    return store_exec(store, pragmas, err);
}

static int pragma_value(struct store *store, const char *sql, int *value,
                        struct ckpt_err *err)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return store_fail(store, sql, err);
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        store_fail(store, sql, err);
        sqlite3_finalize(stmt);
        return -1;
    }
    *value = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return 0;
}

static int upgrade(struct store *store, int version, struct ckpt_err *err)
{
    char pragma[48];

    for (; version < SCHEMA_VERSION; version++)
        if (store_exec(store, upgrades[version - 1], err))
            return -1;
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", SCHEMA_VERSION);
    return store_exec(store, pragma, err);
}

int store_schema(struct store *store, struct ckpt_err *err)
{
    int id, version, tables;

    if (pragma_value(store, "PRAGMA application_id", &id, err) ||
        pragma_value(store, "PRAGMA user_version", &version, err) ||
        pragma_value(store, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return -1;
    if (tables == 0)
        return store_leave(
            store, store_enter(store, err) ? -1 : create(store, err), err);
    if (id != APPLICATION_ID)
        return ckpt_err_set(err, EPROTO, "this is no queue of ckpt");
    if (version > 0 && version < SCHEMA_VERSION)
        return store_leave(
            store, store_enter(store, err) ? -1 : upgrade(store, version, err),
            err);
    if (version != SCHEMA_VERSION)
        return ckpt_err_set(err, EPROTO,
                            "the queue has version %d, this program knows "
                            "%d; use the ckpt that wrote it",
                            version, SCHEMA_VERSION);
    return 0;
}
