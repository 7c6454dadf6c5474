/* store_sql.h - inside of the store: statements, and structs to rows
 *
 * A table of columns says once how a struct's members are kept; creating,
 * reading and writing rows follow from it.
 */
#ifndef CKPT_SCHEDULER_STORE_SQL_H
#define CKPT_SCHEDULER_STORE_SQL_H

#include "scheduler/store/store.h"

#include <sqlite3.h>

enum { STORE_STATEMENTS = 64 };

struct store {
    sqlite3 *db;
    uint64_t log_looked; /* entries up to it need no log */
    bool in_batch;       /* between store_begin() and store_commit() */
    store_witness *witness;
    /* Prepared statements, by their SQL text's address. */
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
    } prepared[STORE_STATEMENTS];
    size_t prepared_count;
    /* The submission read last: neighbours in the queue share it. */
    uint64_t spec_cluster;
    struct job_spec spec;
};

enum store_kind {
    KIND_U32,
    KIND_INT,
    KIND_I64,
    KIND_TEXT,
    KIND_STR,
    KIND_LIST
};

struct store_column {
    const char *name;
    enum store_kind kind;
    size_t offset;
    size_t size; /* KIND_TEXT: of the array.  KIND_STR: a char * */
};

extern const struct store_column store_job_columns[];
extern const size_t store_job_column_count;
extern const struct store_column store_spec_columns[];
extern const size_t store_spec_column_count;
extern const struct store_column store_entry_columns[];
extern const size_t store_entry_column_count;

/* SQLite's last error as errno and text: `what` says what was tried. */
int store_fail(struct store *store, const char *what, struct ckpt_err *err);
int store_exec(struct store *store, const char *sql, struct ckpt_err *err);

/* The statement for a string literal, prepared once and reset; NULL on
 * failure. */
sqlite3_stmt *store_stmt(struct store *store, const char *sql,
                         struct ckpt_err *err);
/* Run a statement that gives no rows; resets it. */
int store_run(struct store *store, sqlite3_stmt *stmt, const char *what,
              struct ckpt_err *err);

/* Bind a struct to parameters first..., read one from columns first... .
 * store_row_read() allocates KIND_STR and KIND_LIST; -1 with ENOMEM or EPROTO
 * (the row does not fit the struct). */
int store_row_bind(sqlite3_stmt *stmt, int first,
                   const struct store_column *columns, size_t count,
                   const void *record);
int store_row_read(sqlite3_stmt *stmt, int first,
                   const struct store_column *columns, size_t count,
                   void *record);

/* Make the tables, or bring them up to date. */
int store_schema(struct store *store, struct ckpt_err *err);

/* One transaction around a change, unless a batch is open. */
int store_enter(struct store *store, struct ckpt_err *err);
int store_leave(struct store *store, int result, struct ckpt_err *err);

/* Inside a transaction: job_step(), the row and the entry. */
int store_step(struct store *store, struct job *job, enum job_event event,
               const struct job_detail *detail, int64_t now_ms,
               struct job_entry *made, struct ckpt_err *err);

/* --- store_waits.c, inside a transaction ---------------------------------- */

/* May a submission of `count` jobs wait for these?  ENOENT: there is no such
 * job (so that no job ever waits for itself, by whatever way). */
int store_wait_check(struct store *store, char *const *after, uint32_t count,
                     struct ckpt_err *err);
/* A job that was just submitted: it waits, if there is something to wait for.
 */
int store_wait_begin(struct store *store, struct job *job, char *const *after,
                     int64_t now_ms, struct ckpt_err *err);
/* One that was released goes on waiting.  What failed before it was held for
 * it is forgiven. */
int store_wait_again(struct store *store, struct job *job, int64_t now_ms,
                     struct ckpt_err *err);
/* A job has ended: it waits no more, and those that wait for it are due. */
int store_wait_end(struct store *store, uint64_t id, struct ckpt_err *err);

/* --- store_books.c, inside a transaction -----------------------------------
 */

/* Book how long the job has run on its station, and whether it lost it. */
int store_station_note(struct store *store, const struct job *before,
                       const struct job *after, enum job_event event,
                       struct ckpt_err *err);
/* Its owner is to be told of the state it has come to: note that. */
int store_hook_note(struct store *store, const struct job *before,
                    const struct job *after, struct ckpt_err *err);

int store_entry_add(struct store *store, struct job_entry *entry,
                    struct ckpt_err *err);

#endif
