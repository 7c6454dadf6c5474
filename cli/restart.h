/* restart.h - what ckpt run and ckpt restart share */
#ifndef CKPT_CLI_RESTART_H
#define CKPT_CLI_RESTART_H

/* The image to restart from: `path`, or an older one when that is broken, which
 * is said on standard error.  NULL when there is none, which has been said. */
const char *restart_choose(const char *path);

#endif
