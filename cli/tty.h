/* tty.h - a job that has this terminal */
#ifndef CKPT_CLI_TTY_H
#define CKPT_CLI_TTY_H

#include <stdint.h>

/* The name of the terminal at descriptor 0, or NULL: a job's --in, --out and
 * --err. */
const char *tty_name(void);

/* Stay at the terminal until the job is finished: pass on its signals, keep its
 * attributes.  The exit code, as of `ckpt wait`. */
int tty_attend(uint64_t job);

#endif
