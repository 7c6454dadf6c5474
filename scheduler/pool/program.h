/* program.h - where the other programs of libckpt are
 *
 * Beside the running one, in the build tree's bin/, or where `make install`
 * puts them.
 */
#ifndef CKPT_SCHEDULER_PROGRAM_H
#define CKPT_SCHEDULER_PROGRAM_H

#include "lib/common/err.h"

/* Put the absolute path of `name` ("ckpt-shadow", "ckpt", "libckpt.so") into
 * `path` (PATH_MAX bytes).  -1 with ENOENT. */
int program_find(const char *name, char *path, struct ckpt_err *err);

#endif
