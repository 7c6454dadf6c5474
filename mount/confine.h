/* confine.h - ckpt-mount gives up what serving does not take */
#ifndef CKPT_MOUNT_CONFINE_H
#define CKPT_MOUNT_CONFINE_H

#include "lib/common/err.h"

/* No files but those that are open, where the kernel has Landlock; no new
 * privileges, no core dump.  For threads that are started later, too. */
int confine_files(struct ckpt_err *err);

/* No system calls but those that serving takes, in all threads; others fail
 * with EPERM.  After confine_files(). */
int confine_calls(struct ckpt_err *err);

#endif
