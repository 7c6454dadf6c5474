/* unsaved.h - memory that no image contains
 *
 * For keys and for what belongs to this process and not to the program: the
 * pages come back zeroed after a restart.
 */
#ifndef CKPT_CAPTURE_UNSAVED_H
#define CKPT_CAPTURE_UNSAVED_H

#include <stddef.h>

/* Map `len` bytes (rounded up to pages) of zeroed memory at an address that
 * stays the same for the program's life; marked MADV_DONTDUMP and
 * MADV_WIPEONFORK.  NULL with errno.  Async-signal-safe; never freed. */
void *ckpt_unsaved_memory(size_t len);

/* Give the kernel the same advice again, after a restart. */
void ckpt_unsaved_advise(void);

#endif
