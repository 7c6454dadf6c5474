/* choose.h - which image to restart from when the newest is not whole
 *
 * An increment is worth as much as the weakest of its bases.  When one of them
 * is missing or damaged, or the increment itself, the program goes on from the
 * newest image that is whole: another one of its chain, or one that --keep has
 * kept.
 */
#ifndef CKPT_RESTART_CHOOSE_H
#define CKPT_RESTART_CHOOSE_H

#include "lib/common/err.h"

#include <stddef.h>

/* Only images beside which there is a directory of bases are looked at, so
 * that nothing is read twice without need; increments that may have been
 * written to since their commit are verified.
 *
 * 0: `chosen` is `path`, as it was given; what else may be wrong with it shows
 * when it is restarted.  1: `chosen` is another image; `err` says what is
 * broken.  -1: there is none; `err` says what is broken. */
int ckpt_restart_choose(const char *path, char *chosen, size_t size,
                        struct ckpt_err *err);

#endif
