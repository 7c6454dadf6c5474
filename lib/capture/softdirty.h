/* softdirty.h - changed pages by the kernel's soft-dirty bits
 *
 * Bit 55 of /proc/self/pagemap; writing "4" to /proc/self/clear_refs clears
 * them all (admin-guide/mm/soft-dirty).  For kernels that are too old for
 * dirty.h's first way.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_SOFTDIRTY_H
#define CKPT_CAPTURE_SOFTDIRTY_H

#include "lib/capture/dirty.h"

/* A fresh page has the bit; kernels without soft-dirty show none. */
bool ckpt_softdirty_offered(void);
int ckpt_softdirty_scan(int pagemap, uint64_t start, uint64_t end,
                        struct ckpt_runs *runs);
int ckpt_softdirty_clear(void);

#endif
