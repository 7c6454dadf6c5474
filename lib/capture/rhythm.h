/* rhythm.h - when the next periodic checkpoint is due (--every auto)
 *
 * What a checkpoint costs is measured: the pause, and the processor time of the
 * child that writes, divided among the processors that the program may use.
 * The mean time to failure is given, or observed: a restart from an image from
 * which the program was to go on is a failure.  Daly's formula makes the
 * interval of both (lib/common/interval.h).
 *
 * Part of the image: what was learnt is not forgotten.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_RHYTHM_H
#define CKPT_CAPTURE_RHYTHM_H

#include "lib/image/notes.h"

#include <stdint.h>

struct ckpt_rhythm {
    uint64_t began_ns;  /* of the capture that is on... */
    uint64_t pause_ns;  /* ...or was last */
    uint64_t writer_ns; /* processor time of its child */
    uint64_t cost_ns;   /* of a checkpoint, smoothed; 0: none was taken */
    uint64_t interval_ns;
    uint64_t ran_ns;   /* so long the program has run in all, up to... */
    uint64_t since_ns; /* ...this time, CLOCK_MONOTONIC */
    uint32_t failures;
    char reason[CKPT_REASON_MAX];
};

/* Create the timer and start it, if periodic checkpoints are wanted.  0 or -1
 * with errno. */
int ckpt_rhythm_start(void);

/* Around the time that the program stands still. */
void ckpt_rhythm_pause(void);
void ckpt_rhythm_release(void);

/* The writing child has ended, having used so much processor time. */
void ckpt_rhythm_written(uint64_t cpu_ns);

/* In the restarted program; `planned` when it was to end after the image. */
void ckpt_rhythm_revive(int planned);

/* How often the station is lost, and what is the longest interval (seconds), is
 * known better now.  In the restarted program. */
void ckpt_rhythm_given(uint32_t most_sec, uint32_t mtbf_sec);

/* For the image. */
void ckpt_rhythm_tell(struct ckpt_taken *taken);

#endif
