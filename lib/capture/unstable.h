/* unstable.h - memory that changes by itself while an image is written
 *
 * It is copied before it is hashed, so that the image agrees with its
 * checksums; what stands in it does not matter to a restart.
 */
#ifndef CKPT_CAPTURE_UNSTABLE_H
#define CKPT_CAPTURE_UNSTABLE_H

#include "lib/capture/arena.h"
#include "lib/capture/thread.h"
#include "lib/image/image.h"

/* List it: errno; the table where the dynamic linker notes the functions that
 * libckpt calls for the first time; where the kernel notes the processor for
 * rseq(2); and, when the threads are here and not left behind by fork(), the
 * ends of their stacks: one that has just parked is still on its way to sleep.
 * In order of address, in the arena.  0, or -1 with ENOMEM. */
int ckpt_unstable_list(struct ckpt_arena *arena,
                       const struct ckpt_thread *captor,
                       const struct ckpt_thread *threads,
                       struct ckpt_image_options *options,
                       struct ckpt_err *err);

#endif
