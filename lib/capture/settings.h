/* settings.h - what a program under checkpointing was told at its start
 *
 * From the environment (CKPT_IMAGE, CKPT_EVERY, ...), or, after a restart,
 * from whoever restarted it.  Plain data, part of the image.
 */
#ifndef CKPT_CAPTURE_SETTINGS_H
#define CKPT_CAPTURE_SETTINGS_H

#include "lib/common/err.h"
#include "lib/image/image.h"

#include <stdint.h>

struct ckpt_settings {
    char image[4096];     /* absolute path; "" in remote mode */
    uint32_t every_ms;    /* 0: no periodic checkpoints */
    uint32_t keep;        /* images kept */
    uint32_t codec;       /* enum ckpt_codec */
    int32_t signal;       /* that asks for a checkpoint */
    int32_t exit_on;      /* signal that checkpoints and exits; 0: none */
    char log[4096];       /* file that gets a line for each event; "" : none */
    uint64_t mtbf_ms;     /* mean time between failures; 0: as observed */
    uint32_t every_auto;  /* periodic, and libckpt says how often */
    uint32_t most_ms;     /* every_auto: at most this far apart; 0: any */
    uint32_t incremental; /* images may be increments */
    uint32_t dirty;       /* enum ckpt_dirty_method; CKPT_DIRTY_OFF: the best */
    uint32_t threads;     /* that compress; 0: as many as processors */
    uint32_t merge;       /* a chain of so many increments; 0: never */
    char merger[4096];    /* the command that does it; "": none */
};

/* Fill in from the environment, with defaults.  0, or -1 with EINVAL and the
 * variable named. */
int ckpt_settings_from_env(struct ckpt_settings *settings,
                           struct ckpt_err *err);

/* May files be made in the directory of `image` (absolute, shorter than
 * PATH_MAX)?  0, or -1 with errno and the directory named.  Safe during
 * capture. */
int ckpt_settings_place(const char *image, struct ckpt_err *err);

/* CKPT_FILES: 0 track (or not set), 1 save; -1 with EINVAL. */
int ckpt_settings_files(struct ckpt_err *err);

#endif
