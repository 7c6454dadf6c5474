/* hashes.c - see hashes.h */
#include "lib/capture/hashes.h"

#include "lib/common/sys.h"

#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PAGE = 4096 };

struct entry {
    uint64_t start, end, first;
};

struct table {
    uint64_t count;
    struct entry entry[];
};

static struct ckpt_hash *hashes_of(struct table *t)
{
    size_t at = sizeof *t + t->count * sizeof t->entry[0];

    return (struct ckpt_hash *)((uint8_t *)t + ((at + 15) & ~(size_t)15));
}

void *ckpt_hashes_map(const struct ckpt_range *ranges, size_t count,
                      size_t *len, struct ckpt_err *err)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < count; i++)
        pages += (ranges[i].end - ranges[i].start) / PAGE;
    *len = sizeof(struct table) + count * sizeof(struct entry) +
           pages * sizeof(struct ckpt_hash) + 2 * PAGE;
    *len &= ~(size_t)(PAGE - 1);
    long p = ckpt_sys(SYS_mmap, 0, *len, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ckpt_sys_errno(p) == -1) {
        ckpt_err_sys(err, "cannot map %zu bytes for hashes of pages", *len);
        return NULL;
    }
    struct table *t = (struct table *)p;
    t->count = count;
    pages = 0;
    for (size_t i = 0; i < count; i++) {
        t->entry[i] = (struct entry){ranges[i].start, ranges[i].end, pages};
        pages += (ranges[i].end - ranges[i].start) / PAGE;
    }
    return t;
}

void ckpt_hashes_unmap(void *table, size_t len)
{
    if (table)
        ckpt_sys(SYS_munmap, table, len);
}

struct ckpt_hash ckpt_hash_page(const void *page)
{
    XXH128_hash_t h = XXH3_128bits(page, PAGE);

    return (struct ckpt_hash){{h.low64, h.high64}};
}

struct ckpt_hash *ckpt_hashes_entry(void *table, uint64_t page)
{
    struct table *t = table;
    size_t low = 0, high = t ? t->count : 0;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (t->entry[mid].end <= page)
            low = mid + 1;
        else
            high = mid;
    }
    if (!t || low == t->count || t->entry[low].start > page)
        return NULL;
    return hashes_of(t) + t->entry[low].first +
           (page - t->entry[low].start) / PAGE;
}
