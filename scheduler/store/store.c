/* store.c - see store.h */
#include "scheduler/store/store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite gives its -wal file the mode of the database, so making that first
 * keeps all of it private. */
static int make_private(const char *path, struct ckpt_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    if (fchmod(fd, 0600)) {
        ckpt_err_sys(err, "%s: chmod 0600", path);
        close(fd);
        return -1;
    }
    close(fd);
    return 0;
}

/* The lock is taken by the first read and kept: WAL without shared memory. */
static int configure(struct store *store, struct ckpt_err *err)
{
    if (store_exec(store,
                   "PRAGMA locking_mode=EXCLUSIVE;"
                   "PRAGMA journal_mode=WAL;"
                   "PRAGMA synchronous=FULL;"
                   "PRAGMA trusted_schema=OFF;",
                   err) ||
        store_exec(store, "BEGIN IMMEDIATE; COMMIT", err))
        return -1;
    return store_schema(store, err);
}

struct store *store_open(const char *path, struct ckpt_err *err)
{
    struct store *store = calloc(1, sizeof *store);

    if (!store) {
        ckpt_err_set(err, ENOMEM, "queue: out of memory");
        return NULL;
    }
    if (make_private(path, err))
        goto fail;
    if (sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                            SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK) {
        store_fail(store, "open", err);
        goto fail;
    }
    sqlite3_extended_result_codes(store->db, 0);
    if (configure(store, err)) {
        if (errno == EBUSY)
            ckpt_err_set(err, EBUSY, "queue: another process has it open");
        goto fail;
    }
    return store;
fail:
    ckpt_err_prefix(err, "%s", path);
    {
        int errnum = errno;
        store_close(store);
        errno = errnum;
    }
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->prepared_count; i++)
        sqlite3_finalize(store->prepared[i].stmt);
    sqlite3_close(store->db);
    job_spec_clear(&store->spec);
    free(store);
}

/* --- transactions -------------------------------------------------------- */

int store_begin(struct store *store, struct ckpt_err *err)
{
    if (store_exec(store, "BEGIN IMMEDIATE", err))
        return -1;
    store->in_batch = true;
    return 0;
}

int store_commit(struct store *store, struct ckpt_err *err)
{
    int result = store_exec(store, "COMMIT", err);

    if (result)
        store_rollback(store);
    store->in_batch = false;
    return result;
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->in_batch = false;
}

/* Inside a batch a change is a savepoint, so that one that fails leaves no
 * half of it behind. */
int store_enter(struct store *store, struct ckpt_err *err)
{
    return store_exec(
        store, store->in_batch ? "SAVEPOINT change" : "BEGIN IMMEDIATE", err);
}

int store_leave(struct store *store, int result, struct ckpt_err *err)
{
    int errnum;

    if (result == 0)
        result = store_exec(store,
                            store->in_batch ? "RELEASE change" : "COMMIT", err);
    if (result == 0)
        return 0;
    errnum = errno;
    if (store->in_batch)
        sqlite3_exec(store->db, "ROLLBACK TO change; RELEASE change", NULL,
                     NULL, NULL);
    else if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    errno = errnum;
    return -1;
}

/* --- entries ------------------------------------------------------------- */

int store_entry_add(struct store *store, struct job_entry *entry,
                    struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store,
                   "INSERT INTO events VALUES "
                   "(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                   " ?, ?, ?, ?)",
                   err);

    if (!stmt)
        return -1;
    if (store_row_bind(stmt, 1, store_entry_columns, store_entry_column_count,
                       entry))
        return store_fail(store, "bind entry", err);
    if (store_run(store, stmt, "add entry", err))
        return -1;
    entry->seq = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return 0;
}

static int each_entry(struct store *store, sqlite3_stmt *stmt,
                      int (*fn)(const struct job_entry *, void *), void *arg,
                      struct ckpt_err *err)
{
    int result = 0, step = SQLITE_DONE;

    while (result == 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct job_entry entry = {0};
        entry.seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        store_row_read(stmt, 1, store_entry_columns, store_entry_column_count,
                       &entry);
        result = fn(&entry, arg);
    }
    if (result == 0 && step != SQLITE_DONE)
        result = store_fail(store, "read entries", err);
    sqlite3_reset(stmt);
    return result;
}

int store_entries(struct store *store, uint64_t job,
                  int (*fn)(const struct job_entry *entry, void *arg),
                  void *arg, struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store, "SELECT * FROM events WHERE job = ? ORDER BY seq", err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)job);
    return each_entry(store, stmt, fn, arg, err);
}

static int newest_entry(struct store *store, uint64_t *seq,
                        struct ckpt_err *err)
{
    sqlite3_stmt *stmt =
        store_stmt(store, "SELECT coalesce(max(seq), 0) FROM events", err);
    int result = 0;

    if (!stmt)
        return -1;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    else
        result = store_fail(store, "find newest entry", err);
    sqlite3_reset(stmt);
    return result;
}

struct unlogged {
    int (*fn)(const struct job_entry *entry, void *arg);
    void *arg;
    uint64_t count;
};

static int count_and_call(const struct job_entry *entry, void *arg)
{
    struct unlogged *u = arg;

    u->count++;
    return u->fn(entry, u->arg);
}

/* Most jobs have no log: what was looked through once in vain is not looked
 * through again. */
int store_unlogged(struct store *store, uint32_t limit,
                   int (*fn)(const struct job_entry *entry, void *arg),
                   void *arg, struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store,
        "SELECT events.* FROM events JOIN specs ON first = cluster "
        "WHERE seq > max((SELECT value FROM meta WHERE name = 'logged'), ?1) "
        "AND log IS NOT NULL ORDER BY seq LIMIT ?2",
        err);
    struct unlogged u = {.fn = fn, .arg = arg};
    uint64_t newest = 0;
    int result;

    if (!stmt || newest_entry(store, &newest, err))
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)store->log_looked);
    sqlite3_bind_int64(stmt, 2, limit);
    result = each_entry(store, stmt, count_and_call, &u, err);
    if (result == 0 && u.count == 0)
        store->log_looked = newest;
    return result;
}

int store_logged(struct store *store, uint64_t seq, struct ckpt_err *err)
{
    sqlite3_stmt *stmt = store_stmt(
        store, "UPDATE meta SET value = ? WHERE name = 'logged'", err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
    return store_run(store, stmt, "note what was logged", err);
}
