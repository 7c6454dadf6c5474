/* written.h - the kernel's quick way to the pages that were written to
 *
 * A PAGEMAP_SCAN that asks for nothing but written pages, and protects those
 * that it finds in the same pass, looks at each entry of a page table once and
 * at nothing else: 2 ns a page instead of 13.  What it does not tell is made
 * good here:
 *
 *     no page table               counts as written by some kernels, which then
 *                                 make one; so only the page tables are gone
 *                                 through that have any entries.  What is
 *                                 elsewhere is not there.
 *     no entry in a page table    counts as written, once: it is marked then.
 *                                 Whoever reads it finds zeros.
 *     an entry that is marked     as in the base, where it is zero
 *
 * Kernels that take the place of a page that is on its way (migration, swap)
 * for a protected one are not offered this (decision 22).
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_WRITTEN_H
#define CKPT_CAPTURE_WRITTEN_H

#include "lib/capture/dirty.h"

/* `at` is an anonymous page that is followed; it is given back. */
bool ckpt_written_offered(int pagemap, uint64_t at);

/* As ckpt_tracker_scan().  Pages that are not there may be among the changed
 * ones, and among the unchanged ones when the base has none there either. */
int ckpt_written_scan(int pagemap, uint64_t start, uint64_t end,
                      struct ckpt_runs *runs);

#endif
