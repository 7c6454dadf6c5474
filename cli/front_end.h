/* front_end.h - ckpt submit --front-end: how a job will reach its files
 *
 * The choice goes with the job as LIBCKPT_FRONT_END in its environment, which
 * the station reads (scheduler/starter/frontend.h), and one that needs a mount
 * asks for a station that has("mount").
 */
#ifndef CKPT_CLI_FRONT_END_H
#define CKPT_CLI_FRONT_END_H

#include "scheduler/core/spec.h"

/* Put the choice into the spec, whose requirements and env are malloc'ed.
 * `wish` NULL: what pool.conf says.  -1 with EINVAL (a terminal cannot be
 * mounted), ENOMEM, or what is wrong with pool.conf. */
int front_end_apply(struct job_spec *spec, const char *wish,
                    struct ckpt_err *err);

#endif
