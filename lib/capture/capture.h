/* capture.h - the handler of the checkpoint signal, and what it does
 *
 *     signal -> handler
 *        a call to park?            ckpt_stop_park()
 *        a request?                 the captor, on a stack of its own:
 *            stop all threads
 *            run the hooks, quiesce remote mode
 *            look at process, files, memory, threads
 *            write the image
 *            release the threads, or exit
 *
 * doc/architecture.md has the whole picture.
 */
#ifndef CKPT_CAPTURE_CAPTURE_H
#define CKPT_CAPTURE_CAPTURE_H

#include "lib/common/err.h"

#include <signal.h>
#include <stdbool.h>

/* Install the handler for the signals of the settings, and the timer.  Used at
 * the start and after a restart.  Async-signal-safe. */
int ckpt_capture_arm(struct ckpt_err *err);

/* The file that this program was executed from. */
const char *ckpt_capture_program(void);

/* The program wants the checkpoint signal for itself: go on with another one.
 * 0, or -1 when that cannot be.  Async-signal-safe. */
int ckpt_capture_yield(void);

/* Map the marker of marker.h. */
int ckpt_capture_mark(struct ckpt_err *err);

/* Handler of the checkpoint signal (SA_SIGINFO, all signals blocked). */
void ckpt_capture_signal(int sig, siginfo_t *info, void *ucontext);

/* --- between capture.c and handler.c ------------------------------------ */

/* Stop the threads, look, write (or have a child write), release.  Runs in the
 * captor (ckpt_capture_state.captor), on libckpt's stack.  0, or -1 with the
 * cause in ckpt_capture_state.err. */
long ckpt_capture_run(void *unused);

/* The thread was interrupted inside the kernel's vdso. */
bool ckpt_capture_in_vdso(const void *ucontext);

/* Where the image of the present request goes: a path, or "home". */
const char *ckpt_capture_image_path(void);

/* Queue `info` as a request to this process or (tid > 0) to one thread. */
void ckpt_capture_requeue(const siginfo_t *info, int tid);

/* Queue the request that was remembered, if any, unless the program is in a
 * critical section. */
void ckpt_capture_requeue_postponed(void);

/* One line into the log file of the settings, and home in remote mode. */
void ckpt_capture_log(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

#endif
