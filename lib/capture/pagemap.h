/* pagemap.h - PAGEMAP_SCAN as the kernel knows it, Linux 6.7
 *
 * From the kernel's documentation (admin-guide/mm/pagemap); not in the headers
 * of older systems.
 */
#ifndef CKPT_CAPTURE_PAGEMAP_H
#define CKPT_CAPTURE_PAGEMAP_H

#include <linux/ioctl.h>
#include <stdint.h>

struct ckpt_scan_region {
    uint64_t start, end, categories;
};
struct ckpt_scan_arg {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask;
    uint64_t return_mask;
};
#define CKPT_SCAN_CALL _IOWR('f', 16, struct ckpt_scan_arg)

enum {
    CKPT_PAGE_IS_WRITTEN = 1 << 1,
    CKPT_PAGE_IS_FILE = 1 << 2,
    CKPT_PAGE_IS_PRESENT = 1 << 3,
    CKPT_PAGE_IS_SWAPPED = 1 << 4,
    CKPT_PAGE_IS_PFNZERO = 1 << 5,
    CKPT_PAGE_IS_GUARD = 1 << 8, /* Linux 6.15 */
    CKPT_SCAN_PROTECT = 1,
    CKPT_SCAN_CHECK_WPASYNC = 2,
};

#endif
