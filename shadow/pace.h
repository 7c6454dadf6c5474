/* pace.h - how fast images may pass between a job and home
 *
 * Two limits: the job's own, and one for all jobs of a home station together.
 * The second is kept in a file that all its shadows map: the moment at which
 * the line is free again.  Whoever has a piece to pass takes the next free
 * stretch, so that shadows which have many pieces go on in turns.  What was
 * not used is not saved up.
 */
#ifndef CKPT_SHADOW_PACE_H
#define CKPT_SHADOW_PACE_H

#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

struct pace {
    uint64_t job_rate, home_rate; /* bytes in a second; 0: any */
    int64_t job_free_usec;        /* monotonic clock */
    int64_t *home_free_usec;      /* shared; NULL when home_rate is 0 */
};

/* The shared moment is in `file`, relative to dirfd, which is made when it is
 * not there.  0, or -1 with errno. */
int pace_open(struct pace *pace, uint64_t job_rate, uint64_t home_rate,
              int dirfd, const char *file, struct ckpt_err *err);

/* Wait until `len` more bytes may pass.  Nobody else is served meanwhile, so it
 * is never longer than PACE_MOST_MS, which is less than a starter's patience:
 * a piece of 1 MiB passes in that time, however low the limit is. */
enum { PACE_MOST_MS = 5000 };
void pace_wait(struct pace *pace, size_t len);

#endif
