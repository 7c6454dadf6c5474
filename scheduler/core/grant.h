/* grant.h - what a job may reach at home, and what of it lies on the station
 *
 * As the user writes it (ckpt submit, submit files), and as it is kept:
 *
 *     DIR[:ro|:rw][,limit=SIZE]     "ro PATH", "rw PATH", "rw,limit=N PATH"
 *     PREFIX=local|home|fetch       "local PATH", "home PATH", "fetch PATH"
 *
 * PATH is absolute; N is in bytes.  The kept form is that of job.conf.  Pure.
 */
#ifndef CKPT_SCHEDULER_GRANT_H
#define CKPT_SCHEDULER_GRANT_H

#include "lib/common/err.h"

/* Both give the kept form, malloc'ed, of a text that may be relative to `cwd`
 * and hold $(Process); NULL with EINVAL and the reason, or ENOMEM. */
char *grant_parse(const char *text, const char *cwd, struct ckpt_err *err);
char *grant_map_parse(const char *text, const char *cwd, struct ckpt_err *err);

/* A map of this kind for one path. */
char *grant_map_make(const char *kind, const char *path, const char *cwd,
                     struct ckpt_err *err);

/* The path in a kept form of either kind. */
const char *grant_path(const char *kept);

/* 0, or -1 with EINVAL: not a kept form. */
int grant_check(const char *kept, struct ckpt_err *err);
int grant_map_check(const char *kept, struct ckpt_err *err);

#endif
