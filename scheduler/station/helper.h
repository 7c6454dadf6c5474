/* helper.h - ckpt-input, which reads the input devices that a station may not
 *
 * See ckpt-input(8).  It is started with its standard output to us, and ends
 * when we close that; the station's loop reaps it.
 */
#ifndef CKPT_SCHEDULER_HELPER_H
#define CKPT_SCHEDULER_HELPER_H

/* Start it, with `dir` to read in place of /dev/input unless NULL.  Returns
 * the end to read from, non-blocking: 'r' when it reads devices, then an 'a'
 * for each activity.  -1 with errno. */
int helper_start(const char *program, const char *dir);

#endif
