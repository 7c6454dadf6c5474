/* hashes.h - the contents of pages as they were in the last image, as hashes
 *
 * For memory whose changes no kernel tells: pages of files, shared and huge
 * mappings; and all memory where nothing better is to be had.  128-bit XXH3 of
 * each page that was saved.  The table lies in memory that is shared with the
 * child that writes the image and fills it in.
 *
 *     count | start, end, number of the first page | ... | hash | hash | ...
 *
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_HASHES_H
#define CKPT_CAPTURE_HASHES_H

#include "lib/common/err.h"
#include "lib/image/notes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckpt_hash {
    uint64_t word[2]; /* both 0: the page was not saved */
};

/* Map an empty table for these ranges, which are in order.  NULL with err. */
void *ckpt_hashes_map(const struct ckpt_range *ranges, size_t count,
                      size_t *len, struct ckpt_err *err);
void ckpt_hashes_unmap(void *table, size_t len);

struct ckpt_hash ckpt_hash_page(const void *page);
static inline bool ckpt_hash_equal(struct ckpt_hash a, struct ckpt_hash b)
{
    return a.word[0] == b.word[0] && a.word[1] == b.word[1];
}

/* The entry of the page at this address; NULL when the table has none.  A NULL
 * table has none. */
struct ckpt_hash *ckpt_hashes_entry(void *table, uint64_t page);

#endif
