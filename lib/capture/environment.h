/* environment.h - the settings in the program's environment
 *
 * Programs that this one starts are not under checkpointing: they would write
 * over its image.  So the settings are taken out of the environment at the
 * start; a program that this process becomes (exec) gets them again.
 */
#ifndef CKPT_CAPTURE_ENVIRONMENT_H
#define CKPT_CAPTURE_ENVIRONMENT_H

#include <stddef.h>

/* Take the settings out of the environment and remember them in
 * ckpt_capture_state.  Before main. */
void ckpt_environment_take(void);

/* The environment for a program that this process is to become: `given` with
 * the settings, in `room` for `n` entries.  Returns `room`, or `given` when it
 * does not fit.  Async-signal-safe. */
char *const *ckpt_environment_give(char *const *given, char **room, size_t n);

#endif
