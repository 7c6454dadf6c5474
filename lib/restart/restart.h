/* restart.h - from an image to the running program
 *
 *     verify the image, decode its notes
 *     check that this machine can run it
 *     put files back that are kept          (kept.h)
 *     have its process id                   (ids.h)
 *     stage its memory                      (stage.h)
 *     check and open its files              (files.h)
 *     set what belongs to the process       (process.h)
 *     ------ point of no return ------
 *     roll files back, jump                 (lib/bare)
 *
 * Everything that can fail comes before the point of no return, leaves the
 * image and the files as they were (or, where they are kept, as they were at
 * the checkpoint), and says why.  Ordinary code, for a process with one thread.
 */
#ifndef CKPT_RESTART_RESTART_H
#define CKPT_RESTART_RESTART_H

#include "lib/capture/settings.h"
#include "lib/common/err.h"
#include "lib/restart/ids.h"

#include <stdbool.h>

/* When the memory's checksums are checked.  (Headers and notes always are,
 * first.) */
enum ckpt_verify {
    CKPT_VERIFY_AUTO,  /* first, unless the image is known to be whole and not
                          to have been written since (stamp.h): then lazily */
    CKPT_VERIFY_FIRST, /* before the program goes on */
    CKPT_VERIFY_LAZY,  /* while it runs, when its memory is mapped: a program
                          that met damage is ended with a message */
    CKPT_VERIFY_NO,
};

struct ckpt_restart_options {
    bool force; /* go on although files have changed */
    enum ckpt_verify verify;
    bool foreign_vdso; /* as on another kernel (for tests) */
    enum ckpt_ids_mode ids;
    void (*notice)(const char *text); /* told what will not be as it was; may
                                         be NULL */
    const char *program;  /* refuse the image of another one; NULL: any */
    bool want_kept;       /* refuse an image whose files are not kept */
    uint64_t files_limit; /* of what is kept of files; 0: the usual */
    const char *log;      /* of the keeper; NULL: none */
    int remote_fd;        /* boot record for remote mode, or -1 */
    const struct ckpt_settings *settings; /* NULL: those of the image, with the
                                             image's own path */
};

/* Become the program in the image at `path`, or the parent that ends as it
 * does.  Returns only on failure: -1 with errno and err. */
int ckpt_restart(const char *path, const struct ckpt_restart_options *options,
                 struct ckpt_err *err);

#endif
