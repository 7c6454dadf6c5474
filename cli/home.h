/* home.h - what commands ask the home station, the coordinator and stations
 *
 * One connection each, opened on the first call and again after a failure.
 * Functions return 0, or -1 with errno and err.
 */
#ifndef CKPT_CLI_HOME_H
#define CKPT_CLI_HOME_H

#include "lib/common/err.h"
#include "lib/proto/coordinator.h"
#include "lib/proto/home.h"
#include "lib/proto/station.h"
#include "scheduler/pool/peer.h"
#include "scheduler/pool/pooldir.h"

#include <stdbool.h>

struct home {
    struct pooldir pool;
    struct peer *peer;
};

/* Find the pool.  Ends with home_close(). */
int home_open(struct home *home, struct ckpt_err *err);
void home_close(struct home *home);

/* Call fn for each job: those named (ids; in the queue or finished), or all of
 * the queue, or all that are finished.  A result of fn other than 0 ends it
 * and is returned. */
int home_each(struct home *home, const uint64_t *ids, size_t n, bool finished,
              int (*fn)(const home_job *job, void *arg), void *arg,
              struct ckpt_err *err);

/* Do one thing to many jobs.  Prints an error for each that could not; the
 * number of those, or -1. */
int home_act(struct home *home, const home_act_args *what, const uint64_t *ids,
             size_t n, struct ckpt_err *err);

/* Do it to one job.  0, or -1 with errno; prints nothing. */
int home_act_one(struct home *home, const home_act_args *what, uint64_t id,
                 struct ckpt_err *err);

/* Queue `count` (HOME_BATCH_MAX at most) submissions, all or none; the numbers
 * of their first jobs go to `first`. */
int home_submit(struct home *home, home_submit_args *args, unsigned count,
                u_quad_t *first, struct ckpt_err *err);

/* The caller gives results back with xdr_free(). */
int home_log(struct home *home, uint64_t id, uint64_t offset, home_log_res *res,
             struct ckpt_err *err);
int home_why(struct home *home, uint64_t id, home_why_res *res,
             struct ckpt_err *err);
int home_status(struct home *home, home_status_res *res, struct ckpt_err *err);

/* Stations as the coordinator knows them; `only` one, or NULL. */
int coordinator_each(struct home *home, const char *only,
                     int (*fn)(const pool_station *station, void *arg),
                     void *arg, struct ckpt_err *err);
int coordinator_status(struct home *home, coord_status_res *res,
                       struct ckpt_err *err);

int station_status(struct home *home, const char *where,
                   station_status_res *res, struct ckpt_err *err);
int station_leave(struct home *home, const char *where, const char *reason,
                  struct ckpt_err *err);

#endif
