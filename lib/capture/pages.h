/* pages.h - which pages of a mapping hold something
 *
 * PAGEMAP_SCAN (Linux 6.7) where there is one, else /proc/self/pagemap.
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_PAGES_H
#define CKPT_CAPTURE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CKPT_PAGE = 4096 };

struct ckpt_pages {
    int fd; /* /proc/self/pagemap */
    bool no_scan;
    bool no_guards; /* the kernel does not know of any (guards.h) */
};

int ckpt_pages_open(struct ckpt_pages *pages);
void ckpt_pages_close(struct ckpt_pages *pages);

/* The next run of pages at or after `from` that are in memory or swapped out,
 * and, when `changed_only`, that no longer are those of the mapped file.
 * Returns false at the end; otherwise *start < *stop <= end.  -1 in errno
 * cannot happen: when the kernel does not tell, everything is one run. */
bool ckpt_pages_next(struct ckpt_pages *pages, uint64_t from, uint64_t end,
                     bool changed_only, uint64_t *start, uint64_t *stop);

/* All bytes of [at, at + CKPT_PAGE) are zero. */
bool ckpt_page_is_zero(const void *at);

#endif
