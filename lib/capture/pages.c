/* pages.c - see pages.h */
#include "lib/capture/pages.h"

#include "lib/capture/pagemap.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <string.h>

int ckpt_pages_open(struct ckpt_pages *pages)
{
    pages->no_scan = pages->no_guards = false;
    pages->fd = (int)ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap",
                              O_RDONLY | O_CLOEXEC);
    return pages->fd < 0 ? -1 : 0;
}

void ckpt_pages_close(struct ckpt_pages *pages)
{
    if (pages->fd >= 0)
        ckpt_sys(SYS_close, pages->fd);
    pages->fd = -1;
}

static long scan(const struct ckpt_pages *pages, uint64_t from, uint64_t end,
                 bool changed_only, struct ckpt_scan_region *region)
{
    uint64_t never = CKPT_PAGE_IS_PFNZERO |
                     (changed_only ? CKPT_PAGE_IS_FILE : 0) |
                     (pages->no_guards ? 0 : CKPT_PAGE_IS_GUARD);
    struct ckpt_scan_arg arg = {
        .size = sizeof arg,
        .start = from,
        .end = end,
        .vec = (uint64_t)(uintptr_t)region,
        .vec_len = 1,
        .category_inverted = never,
        .category_mask = never,
        .category_anyof_mask = CKPT_PAGE_IS_PRESENT | CKPT_PAGE_IS_SWAPPED,
        .return_mask = CKPT_PAGE_IS_FILE,
    };
    return ckpt_sys(SYS_ioctl, pages->fd, CKPT_SCAN_CALL, &arg);
}

static bool wanted(uint64_t entry, bool changed_only)
{
    bool present = entry >> 63 & 1, swapped = entry >> 62 & 1;
    bool of_file = entry >> 61 & 1, guard = entry >> 58 & 1;

    return !guard && (present || swapped) && !(changed_only && of_file);
}

/* The same with eight bytes for each page. */
static bool read_entries(const struct ckpt_pages *pages, uint64_t from,
                         uint64_t end, bool changed_only, uint64_t *start,
                         uint64_t *stop)
{
    uint64_t entry[512];
    bool in_run = false;

    for (uint64_t at = from; at < end;) {
        uint64_t n = (end - at) / CKPT_PAGE;
        n = n < 512 ? n : 512;
        ssize_t got = ckpt_pread_full(pages->fd, entry, n * 8,
                                      (off_t)(at / CKPT_PAGE * 8));
        if (got < (ssize_t)(n * 8))
            memset(entry, 0x80, sizeof entry); /* not told: all present */
        for (uint64_t i = 0; i < n; i++, at += CKPT_PAGE) {
            bool want = wanted(entry[i], changed_only && got > 0);
            if (want && !in_run) {
                *start = at;
                in_run = true;
            } else if (!want && in_run) {
                *stop = at;
                return true;
            }
        }
    }
    *stop = end;
    return in_run;
}

bool ckpt_pages_next(struct ckpt_pages *pages, uint64_t from, uint64_t end,
                     bool changed_only, uint64_t *start, uint64_t *stop)
{
    struct ckpt_scan_region region;

    if (from >= end)
        return false;
    if (!pages->no_scan) {
        long n = scan(pages, from, end, changed_only, &region);
        if (n == -EINVAL && !pages->no_guards) {
            pages->no_guards = true;
            n = scan(pages, from, end, changed_only, &region);
        }
        if (n == 0)
            return false;
        if (n == 1) {
            *start = region.start;
            *stop = region.end;
            return true;
        }
        pages->no_scan = true;
    }
    return read_entries(pages, from, end, changed_only, start, stop);
}

bool ckpt_page_is_zero(const void *at)
{
    const uint64_t *word = at;

    for (size_t i = 0; i < CKPT_PAGE / 8; i += 8)
        if (word[i] | word[i + 1] | word[i + 2] | word[i + 3] | word[i + 4] |
            word[i + 5] | word[i + 6] | word[i + 7])
            return false;
    return true;
}
