/* pool_conf.h - the keys of pool.conf
 *
 * The only place where they are named with type, default and meaning:
 * `ckpt config` and doc/man/pool.conf.5 follow it.  Values are asked for by
 * name with the functions of conf.h.
 */
#ifndef CKPT_SCHEDULER_POOL_CONF_H
#define CKPT_SCHEDULER_POOL_CONF_H

#include "lib/common/conf.h"

extern const struct ckpt_conf_key pool_conf_keys[];

/* The pool's settings: defaults, then DIR/pool.conf when it is there.  NULL
 * with errno and err naming file:line. */
struct ckpt_conf *pool_conf_load(const char *dir, struct ckpt_err *err);

#endif
