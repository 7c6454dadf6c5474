/* stage_region.c - the region that memory is staged in
 *
 *     region  [ bare | plan | moves | args | stack | vdso room | staged ... ]
 */
#include "lib/restart/lazy.h"
#include "lib/restart/space.h"
#include "lib/restart/stage_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOW_END 0x10000ull
#define HIGH_END 0x7ffffffff000ull
/* room under a stack to grow into: what a restarted program may need */
#define STACK_ROOM (64ull << 20)
#define BARE_STACK (64ull << 10)

static uint64_t page_up(uint64_t n)
{
    return (n + CKPT_STAGE_PAGE - 1) / CKPT_STAGE_PAGE * CKPT_STAGE_PAGE;
}

/* --- this process's own mappings ---------------------------------------- */

static int read_own_maps(struct staging *s)
{
    char line[8192];
    size_t room = 0;
    FILE *maps = fopen("/proc/self/maps", "re");

    if (!maps)
        return ckpt_err_sys(s->err, "/proc/self/maps");
    while (fgets(line, sizeof line, maps)) {
        unsigned long long start, end;
        int at = 0;
        if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &start, &end, &at) < 2)
            continue;
        if (s->nown == room) {
            room = room ? room * 2 : 64;
            struct own_map *more = realloc(s->own, room * sizeof *more);
            if (!more) {
                fclose(maps);
                return ckpt_err_sys(s->err, "list of mappings");
            }
            s->own = more;
        }
        struct own_map *m = &s->own[s->nown++];
        m->start = start;
        m->end = end;
        snprintf(m->name, sizeof m->name, "%.*s", (int)strcspn(line + at, "\n"),
                 at ? line + at : "");
    }
    fclose(maps);
    return 0;
}

/* --- the region --------------------------------------------------------- */

static size_t lazy_bytes(const struct staging *s)
{
    const struct ckpt_lazy_table *t = s->options->lazy->table;

    return t ? t->bytes : 0;
}

/* The vdso's mappings move twice; what is mapped from the image divides a
 * mapping. */
static size_t moves_max(const struct staging *s)
{
    const struct ckpt_lazy_table *t = s->options->lazy->table;

    return s->notes->nmaps * 2 + 16 + (t ? t->npieces * 2 : 0);
}

static uint64_t bytes_needed(const struct staging *s)
{
    uint64_t bytes = BARE_STACK + 64 * CKPT_STAGE_PAGE +
                     page_up(sizeof(struct ckpt_revive_args) + CKPT_AUXV_MAX) +
                     page_up(moves_max(s) * sizeof(struct ckpt_bare_move)) +
                     page_up(lazy_bytes(s));

    for (size_t i = 0; i < s->notes->nmaps; i++)
        bytes += s->notes->maps[i].end - s->notes->maps[i].start +
                 2 * CKPT_STAGE_HUGE;
    return bytes;
}

static int reserve_region(struct staging *s)
{
    size_t n = s->nown + s->notes->nmaps, k = 0;
    uint64_t len = bytes_needed(s);
    struct ckpt_extent *used = calloc(n, sizeof *used);

    if (!used)
        return ckpt_err_sys(s->err, "list of %zu mappings", n);
    for (size_t i = 0; i < s->nown; i++)
        used[k++] = (struct ckpt_extent){s->own[i].start, s->own[i].end};
    for (size_t i = 0; i < s->notes->nmaps; i++) {
        const struct ckpt_map *m = &s->notes->maps[i];
        uint64_t room =
            m->flags & CKPT_MAPF_STACK ? STACK_ROOM : CKPT_STAGE_PAGE;
        used[k++] = (struct ckpt_extent){m->start > room ? m->start - room : 0,
                                         m->end + CKPT_STAGE_PAGE};
    }
    uint64_t start =
        ckpt_space_find(used, k, LOW_END, HIGH_END, len, CKPT_STAGE_HUGE);
    free(used);
    if (start == 0)
        return ckpt_err_set(s->err, ENOMEM,
                            "no %llu MB of address space are free beside the "
                            "image's",
                            (unsigned long long)(len >> 20));
    void *p =
        mmap((void *)start, len, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
             -1, 0);
    if (p == MAP_FAILED)
        return ckpt_err_sys(s->err, "cannot reserve address space");
    s->stage->region_start = start;
    s->stage->region_end = start + len;
    s->at = start;
    return 0;
}

/* Take `len` bytes of the region, readable and writable. */
void *ckpt_stage_take(struct staging *s, uint64_t len, int prot)
{
    void *p = (void *)s->at;

    len = page_up(len);
    if (mprotect(p, len, prot) < 0) {
        ckpt_err_sys(s->err, "mprotect");
        return NULL;
    }
    s->at += len;
    return p;
}

/* The table that the revived program takes over. */
static int place_lazy(struct staging *s)
{
    const struct ckpt_lazy_table *t = s->options->lazy->table;

    if (!t)
        return 0;
    void *copy = ckpt_stage_take(s, t->bytes, PROT_READ | PROT_WRITE);
    if (!copy)
        return -1;
    memcpy(copy, t, t->bytes);
    s->stage->args->lazy = (uint64_t)(uintptr_t)copy;
    return 0;
}

static int place_bare(struct staging *s)
{
    size_t len = (size_t)(__stop_ckpt_bare - __start_ckpt_bare);
    struct ckpt_stage *st = s->stage;
    uint8_t *code = ckpt_stage_take(s, len, PROT_READ | PROT_WRITE);
    uint8_t *stack = ckpt_stage_take(s, BARE_STACK, PROT_READ | PROT_WRITE);

    st->plan = ckpt_stage_take(s, sizeof *st->plan, PROT_READ | PROT_WRITE);
    /* the auxiliary vector lies behind the arguments */
    st->args = ckpt_stage_take(s, sizeof *st->args + CKPT_AUXV_MAX,
                               PROT_READ | PROT_WRITE);
    struct ckpt_bare_move *moves = ckpt_stage_take(
        s, moves_max(s) * sizeof *moves, PROT_READ | PROT_WRITE);
    if (!code || !stack || !st->plan || !st->args || !moves)
        return -1;
    memcpy(code, __start_ckpt_bare, len);
    if (mprotect(code, page_up(len), PROT_READ | PROT_EXEC) < 0)
        return ckpt_err_sys(s->err, "mprotect");
    st->bare = (uint64_t)code + ((uint64_t)(uintptr_t)ckpt_bare_run -
                                 (uint64_t)(uintptr_t)__start_ckpt_bare);
    st->stack_top = (uint64_t)stack + BARE_STACK;
    st->plan->moves = moves;
    st->plan->region_start = st->region_start;
    st->plan->region_end = st->region_end;
    return place_lazy(s);
}

void ckpt_stage_add_move(struct staging *s, uint64_t from, uint64_t to,
                         uint64_t len)
{
    struct ckpt_bare_plan *p = s->stage->plan;

    p->moves[p->nmoves++] = (struct ckpt_bare_move){from, to, len};
}

int ckpt_stage_region(struct staging *s)
{
    if (read_own_maps(s) < 0 || reserve_region(s) < 0)
        return -1;
    return place_bare(s);
}
