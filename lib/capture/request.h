/* request.h - asking a program for a checkpoint, and the answer
 *
 *     asker                                  program
 *     -----                                  -------
 *     pipe(r, w); close w after opening
 *     sigqueue(SIGUSR2, {magic, mode, r}) -> handler opens /proc/ASKER/fd/r
 *                                            for writing
 *                      <- "taken\n"
 *                                            ... checkpoint ...
 *                      <- "done PATH\n" or "refused TEXT\n"
 *     end of file: the program is gone
 *
 * The signal is no real-time one, so a second request can be swallowed while
 * one is pending; the asker repeats until the request has been taken, and the
 * program recognises a pipe it has answered already.  A signal without the
 * magic (kill -USR2) asks to checkpoint and go on, and wants no answer.
 */
#ifndef CKPT_CAPTURE_REQUEST_H
#define CKPT_CAPTURE_REQUEST_H

#include "lib/common/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ckpt_request_mode {
    CKPT_REQUEST_CONTINUE = 0,
    CKPT_REQUEST_EXIT = 1,  /* exit with CKPT_EXIT_CODE when durable */
    CKPT_REQUEST_CHECK = 2, /* only tell whether it would be refused */
    CKPT_REQUEST_SELF = 15, /* of ckpt_checkpoint(): go on; nobody answers to */
};

enum {
    CKPT_EXIT_CODE = 85,
    CKPT_REQUEST_MAGIC = 0x434b5052,
    CKPT_REQUEST_REPLY_MASK = 0x3fff, /* of its value: where to answer, or 0 */
    CKPT_REQUEST_LINE_MAX = 8192,
};

/* --- the asker (ordinary code) ------------------------------------------ */

/* Ask process `pid` for a checkpoint by signal `sig` (0: the one its marker
 * names), into `path` (NULL or "":
 * where it was told at its start), and wait for the answer for at most
 * timeout_ms (negative: as long as the program lives).  0 with the image's
 * path in `image` (of `image_size` bytes), or -1: EBUSY and the cause when the
 * program refused, ESRCH when there is none or it died, ENOTSUP when it is not
 * under checkpointing, ETIMEDOUT.  SIGPIPE is not raised. */
int ckpt_request_send(pid_t pid, int sig, enum ckpt_request_mode mode,
                      const char *path, int timeout_ms, char *image,
                      size_t image_size, struct ckpt_err *err);

/* --- the program (async-signal-safe) ------------------------------------ */

struct ckpt_request {
    enum ckpt_request_mode mode;
    int reply_fd;      /* -1: nobody waits */
    uint64_t reply_id; /* of the pipe, to know a repetition */
    char path[4096];   /* "" : the default */
};

/* Make a request of a signal's information; true unless it is a repetition of
 * `last_id`.  Opens the reply pipe and answers "taken". */
bool ckpt_request_take(const siginfo_t *info, uint64_t last_id,
                       struct ckpt_request *request);

/* Close the pipe; another process answers. */
void ckpt_request_drop(struct ckpt_request *request);

/* Answer and close the pipe: "done" with `path` when error is NULL. */
void ckpt_request_answer(struct ckpt_request *request, const char *path,
                         const char *error);

#endif
