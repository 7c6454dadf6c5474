/* quota.h - how much the files below one grant may hold
 *
 * The limit is for the lengths of all files below the grant together, whoever
 * wrote them.  What was there is measured once; from then on the job's own
 * changes are counted, with the length of each file before and after.  A file
 * without a name counts until it is closed.
 */
#ifndef CKPT_SHADOW_QUOTA_H
#define CKPT_SHADOW_QUOTA_H

#include <stdint.h>
#include <sys/types.h>

struct quota {
    uint64_t limit; /* bytes */
    uint64_t used;
};

/* Measure the directory or file.  NULL with errno.  free() it. */
struct quota *quota_create(const char *path, uint64_t limit);

/* A file of `size` bytes is to have `next`: 0, or -1 with EDQUOT.  A NULL
 * quota has room for everything. */
int quota_check(const struct quota *quota, off_t size, off_t next);
/* It had `size` and has `now` bytes. */
void quota_count(struct quota *quota, off_t size, off_t now);

#endif
