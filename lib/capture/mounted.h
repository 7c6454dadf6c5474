/* mounted.h - a program whose files are mounted from home (ckpt-mount)
 *
 * It is local in all but this: its image goes to a file of the mount,
 * CKPT_MOUNTED_IMAGE, whose fsync commits it at home together with its files;
 * so it must stand still until then.  What it says goes to CKPT_MOUNTED_LOG.
 */
#ifndef CKPT_CAPTURE_MOUNTED_H
#define CKPT_CAPTURE_MOUNTED_H

#include "lib/common/mounted.h"
#include "lib/image/image.h"

#include <stdbool.h>

bool ckpt_mounted(void);

/* What lies in the job's /tmp or /dev/shm would not be there elsewhere: EBUSY
 * naming it.  Safe during capture. */
int ckpt_mounted_refuse(struct ckpt_err *err);

/* One at a time; valid until commit or abort.  The commit writes shared
 * mappings back first. */
int ckpt_mounted_sink(struct ckpt_sink **sink, struct ckpt_err *err);

#endif
