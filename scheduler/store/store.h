/* store.h - the queue of a home station, in SQLite
 *
 * One process has it open: the home station (an exclusive lock keeps others
 * out); everybody else asks by home.x.  Each function is one transaction, in
 * WAL mode with synchronous=FULL: when it returns 0 the change survives kill
 * -9 and a power loss, and when it does not return the change happened whole
 * or not at all.  Between store_begin() and store_commit() many changes share
 * one transaction, and one fsync.
 *
 * Tables: `specs` one row for each submission; `jobs` the queue; `history`
 * finished jobs, moved there by the transition that ended them; `events` one
 * row for each event; `waits`, which job waits for which; `hooks`, what is to
 * be told to users; `stations`, what befell jobs there; `meta`.  The file is
 * 0600.  A schema of another version is refused.
 *
 * Functions return 0, or -1 with errno: EIO for what SQLite reports (in err),
 * ENOSPC when the disk is full.  They block on the disk.
 */
#ifndef CKPT_SCHEDULER_STORE_H
#define CKPT_SCHEDULER_STORE_H

#include "scheduler/core/job.h"
#include "scheduler/core/job_log.h"
#include "scheduler/core/notify.h"

#include <stddef.h>

struct store;

/* Open or make the queue at `path`.  NULL with EBUSY (another process has it),
 * EPROTO (not a queue, damaged, or from a newer version), or as above. */
struct store *store_open(const char *path, struct ckpt_err *err);
void store_close(struct store *store);

/* Many changes in one transaction.  They do not nest. */
int store_begin(struct store *store, struct ckpt_err *err);
int store_commit(struct store *store, struct ckpt_err *err);
void store_rollback(struct store *store);

/* Queue `count` jobs; ids are *first ... *first + count - 1 and never used
 * again.  `spec` is kept once and expanded for each job when it is read. */
int store_submit(struct store *store, const struct job_spec *spec,
                 uint32_t count, int64_t now_ms, uint64_t *first,
                 struct ckpt_err *err);

/* A job, in the queue or finished.  The caller clears it (job_clear()).
 * ENOENT: there is none. */
int store_get(struct store *store, uint64_t id, struct job *job,
              struct ckpt_err *err);

/* Let an event happen to a job (job_step()) and keep the entry.  EINVAL: it
 * cannot happen in its state.  `after` and `entry` (each may be NULL) receive
 * the job as it is then, which the caller clears, and the entry as kept. */
int store_apply(struct store *store, uint64_t id, enum job_event event,
                const struct job_detail *detail, int64_t now_ms,
                struct job *after, struct job_entry *entry,
                struct ckpt_err *err);

/* Jobs that wait for others (spec.after): tell at most `limit` of them what
 * became of one.  The last one done makes a job idle; one that failed or was
 * removed has it held.  Returns how many were told, 0: nothing is due; or -1.
 */
int store_waits_settle(struct store *store, uint32_t limit, int64_t now_ms,
                       struct ckpt_err *err);
/* Which ones it still waits for, in order, at most `limit`. */
int store_waits_each(struct store *store, uint64_t id, uint32_t limit,
                     int (*fn)(uint64_t pred, void *arg), void *arg,
                     struct ckpt_err *err);

/* What is to be told to users, oldest first.  A hook stays until it is said to
 * be done: after a crash it runs again. */
struct store_hook {
    uint64_t seq;
    uint64_t job;
    enum notify_how how;
};
int store_hooks_each(struct store *store, uint64_t after, uint32_t limit,
                     int (*fn)(const struct store_hook *hook, void *arg),
                     void *arg, struct ckpt_err *err);
int store_hook_done(struct store *store, uint64_t seq, struct ckpt_err *err);

/* How long jobs have run on a station, and how often they lost it (evicted or
 * lost); "": on all of them together. */
int store_station_books(struct store *store, const char *station,
                        int64_t *run_ms, uint32_t *losses,
                        struct ckpt_err *err);

/* For tests: be called at each change of a job's state, before it is written
 * and (store_apply(), store_submit() alone) when it is durable. */
typedef void store_witness(enum job_state from, enum job_event event,
                           bool durable);
void store_watch(struct store *store, store_witness *witness);

/* Of a job in the queue.  ENOENT: it is not there. */
int store_set_prio(struct store *store, uint64_t id, int prio,
                   struct ckpt_err *err);
int store_set_want_station(struct store *store, uint64_t id,
                           const char *station, struct ckpt_err *err);

/* Keep the reason why an idle job does not run, for `ckpt why`. */
int store_set_why(struct store *store, uint64_t id, const char *why,
                  struct ckpt_err *err);

/* The time of day was set: jobs that compute have not computed for longer, or
 * less, because of it. */
int store_clock_set(struct store *store, int64_t moved_ms,
                    struct ckpt_err *err);

enum store_table { STORE_QUEUE = 0, STORE_HISTORY = 1 };
enum store_order {
    STORE_BY_ID = 0,
    STORE_BY_PRIO = 1, /* the queue's jobs in `state`: higher first, then by
                          id; `after` is ignored */
};

struct store_filter {
    enum store_table table;
    enum store_order order;
    enum job_state state; /* JOB_NONE: any */
    uint64_t after;       /* only ids above */
    uint32_t limit;       /* 0: all */
};

/* Call fn for each job; a result other than 0 stops it and is returned.  fn
 * must not change the store and borrows the job. */
int store_each(struct store *store, const struct store_filter *filter,
               int (*fn)(const struct job *job, void *arg), void *arg,
               struct ckpt_err *err);

/* How many jobs of the queue are in each state. */
int store_count(struct store *store, uint32_t counts[JOB_STATE_COUNT],
                struct ckpt_err *err);

/* The entries of a job in order. */
int store_entries(struct store *store, uint64_t job,
                  int (*fn)(const struct job_entry *entry, void *arg),
                  void *arg, struct ckpt_err *err);

/* Entries that were not yet written to the user's log file, of jobs that have
 * one, oldest first, at most `limit`; and the word that all up to `seq` were.
 * A crash between the two writes a record twice rather than never. */
int store_unlogged(struct store *store, uint32_t limit,
                   int (*fn)(const struct job_entry *entry, void *arg),
                   void *arg, struct ckpt_err *err);
int store_logged(struct store *store, uint64_t seq, struct ckpt_err *err);

#endif
