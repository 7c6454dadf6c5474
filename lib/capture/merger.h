/* merger.h - a long chain of increments becomes one image, in the background
 *
 *     program ---- writer ---- `ckpt image merge`
 *
 * When its image is durable and everybody has been told, the writing child
 * starts the command on it, with the lowest priorities, and waits for it.  The
 * program goes on, and builds on the merged image as if it had been written
 * whole.  The next checkpoint, or the program's end, does not wait: the command
 * is ended, and leaves the chain as it was (lib/image/merge_file.h).
 *
 * Libckpt has no code to read images inside programs; without the command
 * nothing is merged.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_MERGER_H
#define CKPT_CAPTURE_MERGER_H

#include "lib/capture/child.h"
#include "lib/capture/increment.h"

/* In the writer: merge the durable `image`, which is that of `inc`, unless
 * asked to give up.  All descriptors are closed. */
void ckpt_merger_run(struct ckpt_child_page *page,
                     const struct ckpt_increment *inc, const char *image);

#endif
