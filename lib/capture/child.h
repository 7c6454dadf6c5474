/* child.h - the child that writes an image, and how its parent learns of it
 *
 * An image is durable a while before its writer has ended: with the name the
 * old image loses its last one, and the writer frees that, which takes half a
 * second for 2 GiB on some file systems.  Who waits in ckpt_checkpoint() is
 * told before, by a page that both share; it is mapped after the mappings were
 * listed, and gone before they are listed again.  Whoever else asked is
 * answered by the writer itself.
 *
 * Async-signal-safe.  There is never more than one writer.
 */
#ifndef CKPT_CAPTURE_CHILD_H
#define CKPT_CAPTURE_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

/* The process is called so, later so. */
#define CKPT_WRITER_NAME "ckpt-writer"
#define CKPT_MERGER_NAME "ckpt-merger"

/* What the two share. */
struct ckpt_child_page {
    uint32_t durable; /* the image is */
    uint32_t give_up; /* merging (merger.h) */
    uint32_t merged;
    uint64_t merging_ns; /* processor time of it */
};

/* Before the child is made.  NULL when there is no room: then its end tells. */
struct ckpt_child_page *ckpt_child_page(void);

/* In the parent: this is the writer (pid < 0: there is none after all). */
void ckpt_child_made(long pid, struct ckpt_child_page *page);

/* In the child: the image is durable. */
void ckpt_child_tell(struct ckpt_child_page *page);

/* Wait until the image of the writer in flight is durable, or will not be.
 * True if it is, or there is no writer. */
bool ckpt_child_durable(void);

/* Wait for the end of the writer in flight; the same result.  It gives up
 * merging. */
bool ckpt_child_end(void);

uint64_t ckpt_child_cpu_ns(const struct rusage *usage);

#endif
