/* guards.c - see guards.h */
#include "lib/capture/guards.h"

#include "lib/capture/pagemap.h"
#include "lib/common/sys.h"

#include <fcntl.h>

static long next_guard(long pagemap, uint64_t from, uint64_t end,
                       struct ckpt_scan_region *region)
{
    struct ckpt_scan_arg arg = {
        .size = sizeof arg,
        .start = from,
        .end = end,
        .vec = (uint64_t)(uintptr_t)region,
        .vec_len = 1,
        .category_mask = CKPT_PAGE_IS_GUARD,
        .return_mask = CKPT_PAGE_IS_GUARD,
    };
    return ckpt_sys(SYS_ioctl, pagemap, CKPT_SCAN_CALL, &arg);
}

static int look_map(struct ckpt_guards *g, long pagemap,
                    const struct ckpt_map *m, struct ckpt_err *err)
{
    struct ckpt_scan_region r = {0, m->start, 0};
    long n;

    while ((n = next_guard(pagemap, r.end, m->end, &r)) > 0) {
        if (g->count == CKPT_GUARDS_MAX)
            return ckpt_err_set(err, EBUSY,
                                "more than %d pieces of memory are guards "
                                "(MADV_GUARD_INSTALL)",
                                CKPT_GUARDS_MAX);
        g->list[g->count++] = (struct ckpt_range){r.start, r.end};
    }
    /* before Linux 6.15 they are not told of, and before 6.13 there are none */
    return n == 0 || atomic_load(&g->given) == 0
               ? 0
               : ckpt_err_set(err, EBUSY,
                              "it has guards in its memory "
                              "(MADV_GUARD_INSTALL), and this kernel does "
                              "not tell where");
}

static bool may_have(const struct ckpt_map *m)
{
    return m->kind == CKPT_MAP_ANON || m->kind == CKPT_MAP_SHARED ||
           m->kind == CKPT_MAP_FILE;
}

int ckpt_guards_look(struct ckpt_guards *g, const struct ckpt_memory *memory,
                     bool incremental, struct ckpt_err *err)
{
    int rc = 0;

    g->count = 0;
    long pagemap = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap",
                            O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        return ckpt_err_set(err, EACCES, "cannot read /proc/self/pagemap");
    for (size_t i = 0; i < memory->nmaps && rc == 0; i++)
        if (may_have(&memory->maps[i]))
            rc = look_map(g, pagemap, &memory->maps[i], err);
    ckpt_sys(SYS_close, pagemap);
    if (rc == 0 && g->count > 0 && incremental)
        return ckpt_err_set(err, EBUSY,
                            "it has guards in its memory "
                            "(MADV_GUARD_INSTALL), which increments do not "
                            "know");
    return rc;
}

void ckpt_guards_give(const struct ckpt_guards *g)
{
    for (size_t i = 0; i < g->count; i++)
        ckpt_sys(SYS_madvise, g->list[i].start,
                 g->list[i].end - g->list[i].start, CKPT_GUARD_INSTALL);
}
