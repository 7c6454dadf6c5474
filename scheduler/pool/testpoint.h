/* testpoint.h - instants at which a test can stop a daemon
 *
 * With CKPT_TESTPOINT=FILE in its environment a daemon looks into FILE at each
 * of its points; when it finds the point's words there it writes its process id
 * to FILE.at, removes FILE and stops itself (SIGSTOP), for the test to kill
 * whom it likes.  FILE.log gets a line for each point that was passed.  Without
 * the variable a point costs nothing.
 *
 *     WHO FROM EVENT WHEN      e.g. job running owner-back after
 */
#ifndef CKPT_SCHEDULER_TESTPOINT_H
#define CKPT_SCHEDULER_TESTPOINT_H

#include <stdbool.h>

bool testpoint_wanted(void);

/* Blanks within `from` and `event` become '-'. */
void testpoint(const char *who, const char *from, const char *event,
               const char *when);

/* Wait as long as FILE.hold has exactly these words: what lasts a moment lasts
 * as long as a test wants. */
void testpoint_hold(const char *words);

#endif
