/* huge.c - see huge.h */
#include "lib/capture/huge.h"

#include "lib/capture/capture.h"
#include "lib/capture/pages.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SIZE_SHIFT = 26 /* MAP_HUGE_SHIFT */, KB_SHIFT = 10 };

static int add(struct ckpt_huge *huge, const struct ckpt_map *m,
               struct ckpt_err *err)
{
    if (huge->count == CKPT_HUGE_MAX)
        return ckpt_err_set(err, EBUSY,
                            "more than %d pieces of memory are of reserved "
                            "huge pages (MAP_HUGETLB)",
                            CKPT_HUGE_MAX);
    huge->list[huge->count].start = m->start;
    huge->list[huge->count].end = m->end;
    huge->list[huge->count].prot = m->prot;
    huge->list[huge->count++].page_kb = 0;
    return 0;
}

/* A mapping's first line begins with its addresses, all others with a name in
 * capitals. */
static void parse_sizes(struct ckpt_huge *huge, const char *text)
{
    static const char name[] = "KernelPageSize:";
    size_t at = huge->count;

    for (const char *line = text; *line;) {
        if (*line < 'A' || *line > 'Z') {
            uint64_t start = strtoull(line, NULL, 16);
            for (at = 0; at < huge->count && huge->list[at].start != start;)
                at++;
        } else if (at < huge->count &&
                   strncmp(line, name, sizeof name - 1) == 0) {
            huge->list[at].page_kb =
                (uint32_t)strtoul(line + sizeof name - 1, NULL, 10);
        }
        const char *next = strchr(line, '\n');
        line = next ? next + 1 : line + strlen(line);
    }
}

static int look_sizes(struct ckpt_huge *huge, struct ckpt_arena *arena,
                      struct ckpt_err *err)
{
    size_t room;
    char *text = ckpt_arena_rest(arena, &room);
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/smaps",
                       O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : ckpt_read_full((int)fd, text, room - 1);

    if (fd >= 0)
        ckpt_sys(SYS_close, fd);
    if (n < 0 || (size_t)n == room - 1)
        return ckpt_err_set(err, EIO, "/proc/self/smaps cannot be read");
    text[n] = '\0';
    parse_sizes(huge, text);
    for (size_t i = 0; i < huge->count; i++)
        if (huge->list[i].page_kb == 0)
            return ckpt_err_set(err, EBUSY,
                                "the size of its reserved huge pages "
                                "(MAP_HUGETLB) is not told");
    return 0;
}

int ckpt_huge_look(struct ckpt_huge *huge, const struct ckpt_memory *memory,
                   struct ckpt_arena *arena, struct ckpt_err *err)
{
    huge->count = 0;
    for (size_t i = 0; i < memory->nmaps; i++)
        if ((memory->maps[i].flags & CKPT_MAPF_HUGETLB) &&
            add(huge, &memory->maps[i], err) < 0)
            return -1;
    return huge->count > 0 ? look_sizes(huge, arena, err) : 0;
}

/* What was never touched takes no page. */
static void copy_touched(uint8_t *to, const uint8_t *from, uint64_t len)
{
    for (uint64_t at = 0; at < len; at += CKPT_PAGE)
        if (!ckpt_page_is_zero(from + at))
            memcpy(to + at, from + at, CKPT_PAGE);
}

/* Move the contents of [start, start + len) into huge pages, and these to their
 * place.  0, or -errno: everything is as it was. */
static long replace(uint64_t start, uint64_t len, uint32_t prot,
                    uint32_t page_kb)
{
    long size = KB_SHIFT + __builtin_ctz(page_kb);
    long new = ckpt_sys(SYS_mmap, 0, len, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
                            (size << SIZE_SHIFT),
                        -1, 0);

    if (new < 0 && new > -4096)
        return new;
    ckpt_sys(SYS_mprotect, start, len, PROT_READ);
    copy_touched((uint8_t *)new, (const uint8_t *)(uintptr_t)start, len);
    ckpt_sys(SYS_mprotect, new, len, prot);
    long rc = ckpt_sys(SYS_mremap, new, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
                       start);
    if (rc >= 0 || rc <= -4096)
        return 0;
    ckpt_sys(SYS_munmap, new, len);
    ckpt_sys(SYS_mprotect, start, len, prot);
    return rc;
}

void ckpt_huge_give(const struct ckpt_huge *huge)
{
    uint64_t missing = 0;

    for (size_t i = 0; i < huge->count; i++) {
        uint64_t start = huge->list[i].start, len = huge->list[i].end - start;
        if (replace(start, len, huge->list[i].prot, huge->list[i].page_kb) == 0)
            continue;
        ckpt_sys(SYS_madvise, start, len, MADV_HUGEPAGE);
        missing += len;
    }
    if (missing > 0)
        ckpt_capture_log("%llu MB of reserved huge pages (MAP_HUGETLB) cannot "
                         "be had here, and are ordinary memory now",
                         (unsigned long long)missing >> 20);
}
