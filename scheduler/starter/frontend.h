/* frontend.h - how a job reaches its files at home
 *
 *     trap    its calls are caught in the process (lib/remote): one process
 *     mount   the kernel asks ckpt-mount (view.h): any program, with children
 *
 * A mounted program that was asked for by name has libckpt in it, unless it is
 * static; one that was chosen because it starts others all the time has not.
 *
 * LIBCKPT_FRONT_END=trap or =mount in the job's environment says which (`ckpt
 * submit --front-end`).  Else programs that must start others, or cannot be
 * trapped, are mounted: shells, scripts for them, make, static programs that
 * were not relinked.  Where nothing can be mounted, and at a terminal, a shell
 * is trapped, and its fork refused.
 */
#ifndef CKPT_SCHEDULER_FRONTEND_H
#define CKPT_SCHEDULER_FRONTEND_H

#include "lib/common/err.h"
#include "lib/proto/shadow.h"

#include <stdbool.h>

enum frontend {
    FRONTEND_TRAP,
    FRONTEND_MOUNT,      /* libckpt is in the program: one that is alone can be
                            checkpointed */
    FRONTEND_MOUNT_PLAIN /* it is not */
};

/* Which one for the program at `path`, a copy of start->executable; NULL
 * for its image, which is one of the first two.  -1 with ENOTSUP when it needs
 * a mount and that cannot be had. */
int frontend_choose(const shadow_start_ok *start,
                    const shadow_grants_ok *grants, const char *path,
                    const char *scratch, enum frontend *frontend,
                    struct ckpt_err *err);

/* The value of a variable of the job's environment, or NULL. */
const char *frontend_variable(const shadow_start_ok *start, const char *name);

#endif
