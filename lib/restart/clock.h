/* clock.h - the program's clocks must not run back
 *
 * CLOCK_MONOTONIC counts from the machine's start.  On a machine that was
 * started later it is behind what the program has seen, and what waits for a
 * moment by this clock would wait too long.  A time namespace sets it forward.
 */
#ifndef CKPT_RESTART_CLOCK_H
#define CKPT_RESTART_CLOCK_H

#include "lib/common/err.h"
#include "lib/image/notes.h"
#include "lib/restart/namespace.h"

#include <stdbool.h>

/* How far CLOCK_MONOTONIC and CLOCK_BOOTTIME here are behind those of the
 * image: in `ns`, with CLONE_NEWTIME among its flags when they are. */
void ckpt_clock_compare(const struct ckpt_meta *meta,
                        struct ckpt_namespace *ns);

/* Set the clocks of this process forward as `ns` says; *new_user tells that it
 * took a new user namespace.  0, or -1 with err and nothing done. */
int ckpt_clock_shift(const struct ckpt_namespace *ns, bool *new_user,
                     struct ckpt_err *err);

#endif
