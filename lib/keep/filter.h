/* filter.h - the calls that are shown to the keeper */
#ifndef CKPT_KEEP_FILTER_H
#define CKPT_KEEP_FILTER_H

#include "lib/common/err.h"

/* Install the filter for this thread and what it makes.  The listener's
 * descriptor, or -1: ENOSYS where the kernel has none, EBUSY where somebody
 * else listens. */
int keep_filter_install(struct ckpt_err *err);

#endif
