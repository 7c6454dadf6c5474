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

enum { SCHEMA_VERSION = 3, APPLICATION_ID = 0x434b5051 }; /* "CKPQ" */

/* Which job waits for which; `told` says that it knows what became of that
 * one; `waits_over` holds those that ended and have somebody to be told.
 * `hooks`: commands and mails that are due.  `stations`: what befell jobs
 * there. */
#define VERSION_3_TABLES                                                       \
    "CREATE TABLE waits (pred INTEGER NOT NULL, job INTEGER NOT NULL,"         \
    " told INTEGER NOT NULL, PRIMARY KEY (pred, job)) STRICT, WITHOUT ROWID;"  \
    "CREATE INDEX waits_job ON waits(job);"                                    \
    "CREATE TABLE waits_over (pred INTEGER PRIMARY KEY) STRICT;"               \
    "CREATE TABLE hooks (seq INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER "  \
    "NOT NULL,"                                                                \
    " how INTEGER NOT NULL) STRICT;"                                           \
    "CREATE TABLE stations (name TEXT PRIMARY KEY, run_ms INTEGER NOT NULL,"   \
    " losses INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

/* upgrades[n]: from version n + 1 to n + 2. */
static const char *const upgrades[SCHEMA_VERSION - 1] = {
    "ALTER TABLE specs ADD COLUMN grants BLOB;"
    "ALTER TABLE specs ADD COLUMN maps BLOB",

    "ALTER TABLE jobs ADD COLUMN kills INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN received INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE history ADD COLUMN kills INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE history ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE history ADD COLUMN received INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE specs ADD COLUMN \"after\" BLOB;"
    "ALTER TABLE specs ADD COLUMN every TEXT;"
    "ALTER TABLE specs ADD COLUMN notify TEXT;"
    "ALTER TABLE specs ADD COLUMN notify_user TEXT;"
    "ALTER TABLE specs ADD COLUMN on_done TEXT;"
    "ALTER TABLE events ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE events ADD COLUMN received INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE events ADD COLUMN total_sent INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE events ADD COLUMN total_received INTEGER NOT NULL DEFAULT "
    "0;" VERSION_3_TABLES,
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
                   "INSERT INTO meta VALUES ('next_id', 1), ('logged', "
                   "0);" VERSION_3_TABLES,
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
