/* space.c - see space.h */
#include "lib/restart/space.h"

#include <stdlib.h>

static int by_start(const void *a, const void *b)
{
    const struct ckpt_extent *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

uint64_t ckpt_space_find(struct ckpt_extent *used, size_t n, uint64_t low,
                         uint64_t high, uint64_t len, uint64_t align)
{
    uint64_t at = low, best = 0;

    qsort(used, n, sizeof *used, by_start);
    for (size_t i = 0; i <= n; i++) {
        uint64_t end = i < n ? used[i].start : high;
        if (end > high)
            end = high;
        if (end > at && end - at >= len) {
            uint64_t start = (end - len) / align * align;
            if (start >= at)
                best = start;
        }
        if (i < n && used[i].end > at)
            at = used[i].end;
    }
    return best;
}
