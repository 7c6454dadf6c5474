/* pool_edit.h - change keys in a pool.conf, keeping what people wrote there */
#ifndef CKPT_CLI_POOL_EDIT_H
#define CKPT_CLI_POOL_EDIT_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Put the settings ("KEY=VALUE") into dir/pool.conf: the line of a key that is
 * there is replaced, others are added at the end.  All are checked before the
 * file is written whole.  *changed tells whether anything is different now;
 * when `frozen` a difference is an error (EBUSY).  -1 with EINVAL or errno. */
int pool_edit(const char *dir, char *const *settings, size_t n, bool frozen,
              bool *changed, struct ckpt_err *err);

#endif
