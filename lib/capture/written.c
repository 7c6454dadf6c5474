/* written.c - see written.h */
#include "lib/capture/written.h"

#include "lib/capture/pagemap.h"
#include "lib/common/sys.h"

#include <errno.h>
#include <sys/mman.h>

enum { PAGE = 4096, REGIONS = 512, GUARD_INSTALL = 102 };

static const uint64_t TABLE = 2 << 20; /* what one page table is for */

static uint64_t table_of(uint64_t at)
{
    return at & ~(TABLE - 1);
}

/* The first page of [at, end) that has an entry; `end` when there is none. */
static long next_entry(int pagemap, uint64_t at, uint64_t end, uint64_t *found)
{
    struct ckpt_scan_region region;
    struct ckpt_scan_arg arg = {
        .size = sizeof arg,
        .start = at,
        .end = end,
        .vec = (uint64_t)(uintptr_t)&region,
        .vec_len = 1,
        .max_pages = 1,
        .category_anyof_mask = CKPT_PAGE_IS_PRESENT | CKPT_PAGE_IS_SWAPPED,
        .return_mask = CKPT_PAGE_IS_PRESENT,
    };
    long n = ckpt_sys(SYS_ioctl, pagemap, CKPT_SCAN_CALL, &arg);

    *found = n > 0 ? region.start : end;
    return n;
}

/* Nothing else may be asked for, or the kernel takes its slow way. */
static long ask(int pagemap, struct ckpt_scan_arg *arg, uint64_t flags)
{
    arg->size = sizeof *arg;
    arg->flags = flags | CKPT_SCAN_CHECK_WPASYNC;
    arg->category_mask = CKPT_PAGE_IS_WRITTEN;
    arg->return_mask = CKPT_PAGE_IS_WRITTEN;
    return ckpt_sys(SYS_ioctl, pagemap, CKPT_SCAN_CALL, arg);
}

/* All of [at, end) has entries: what is not written to is as it was. */
static long scan_tables(int pagemap, uint64_t at, uint64_t end,
                        struct ckpt_runs *runs)
{
    struct ckpt_scan_region region[REGIONS];
    struct ckpt_scan_arg arg = {
        .start = at,
        .end = end,
        .vec = (uint64_t)(uintptr_t)region,
        .vec_len = REGIONS,
    };

    while (arg.start < end) {
        long n = ask(pagemap, &arg, CKPT_SCAN_PROTECT);
        if (n < 0)
            return n;
        for (long i = 0; i < n; at = region[i++].end) {
            if (at < region[i].start)
                ckpt_runs_add(runs, at, region[i].start, false);
            ckpt_runs_add(runs, region[i].start, region[i].end, true);
        }
        if (arg.walk_end <= arg.start)
            return -EIO;
        arg.start = arg.walk_end;
    }
    if (at < end)
        ckpt_runs_add(runs, at, end, false);
    return 0;
}

/* The next page tables in a row that have entries.  1, 0: there are none, or
 * -errno. */
static long next_tables(int pagemap, uint64_t at, uint64_t end,
                        struct ckpt_range *row)
{
    uint64_t found;
    long rc = next_entry(pagemap, at, end, &found);

    if (rc <= 0)
        return rc;
    row->start = table_of(found) > at ? table_of(found) : at;
    do {
        row->end = table_of(found) + TABLE;
        if (row->end >= end) {
            row->end = end;
            return 1;
        }
        rc =
            next_entry(pagemap, row->end,
                       end - row->end < TABLE ? end : row->end + TABLE, &found);
    } while (rc > 0);
    return rc < 0 ? rc : 1;
}

int ckpt_written_scan(int pagemap, uint64_t start, uint64_t end,
                      struct ckpt_runs *runs)
{
    struct ckpt_range row;
    long rc;

    for (uint64_t at = start; (rc = next_tables(pagemap, at, end, &row)) > 0;
         at = row.end) {
        rc = scan_tables(pagemap, row.start, row.end, runs);
        if (rc < 0)
            break;
    }
    return (int)ckpt_sys_errno(rc);
}

/* A guard is neither a page nor protected, and its entry looks like that of a
 * page on its way: a kernel that says it was written to looks properly. */
bool ckpt_written_offered(int pagemap, uint64_t at)
{
    struct ckpt_scan_region region;
    struct ckpt_scan_arg arg = {
        .start = at,
        .end = at + PAGE,
        .vec = (uint64_t)(uintptr_t)&region,
        .vec_len = 1,
    };

    return ckpt_sys(SYS_madvise, at, PAGE, GUARD_INSTALL) == 0 &&
           ask(pagemap, &arg, 0) == 1;
}
