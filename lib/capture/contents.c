/* contents.c - which pages of the mappings are worth saving; see memory.h
 *
 *     present, not zero, not excluded      a segment, with small gaps filled
 *     ... and as it was in the base        held (increments only)
 *     anything else                        zero
 */
#include "lib/capture/memory.h"

#include "lib/capture/hashes.h"
#include "lib/capture/pages.h"
#include "lib/common/sys.h"

#include <sys/mman.h>

enum {
    SEGMENTS_MAX = 60000,
    /* A gap of fewer zero pages than this is written rather than split: each
     * segment costs a header and a mapping at restart. */
    GAP_PAGES = 16,
    AHEAD = 16 * CKPT_PAGE,
};

struct look {
    struct ckpt_memory *memory;
    struct ckpt_arena *arena;
    const struct ckpt_memory_rules *rules;
    struct ckpt_pages pages;
    uint64_t gap;    /* bytes */
    size_t next_run; /* of the tracked ones */
    uint64_t map_start;
    size_t room;
    struct ckpt_err *err;
};

static int add_segment(struct look *l, const struct ckpt_map *m, uint64_t at,
                       uint64_t filesz, uint64_t memsz)
{
    struct ckpt_memory *mem = l->memory;

    /* what an increment does not say is the base's or zero */
    if (l->rules->since && l->rules->since->increment)
        memsz = filesz;
    if (memsz == 0)
        return 0;
    if (mem->nsegments == l->room) {
        errno = E2BIG;
        return -1;
    }
    mem->segments[mem->nsegments++] = (struct ckpt_segment){
        .vaddr = at,
        .filesz = filesz,
        .memsz = memsz,
        .data = (const void *)(uintptr_t)at,
        .prot = m->prot,
        .unstable = m->ino != 0,
    };
    mem->saved_bytes += filesz;
    return 0;
}

/* Note that the base has [start, end) of the present mapping.  False when there
 * is no more room. */
static bool hold(const struct look *l, uint64_t start, uint64_t end)
{
    struct ckpt_since *since = l->rules->since;
    struct ckpt_range *last =
        since->nheld ? &since->held[since->nheld - 1] : NULL;

    if (last && last->end == start && last->start >= l->map_start)
        last->end = end;
    else if (since->nheld < since->room)
        since->held[since->nheld++] = (struct ckpt_range){start, end};
    else
        return false;
    return true;
}

/* The page is in the table of hashes: remember what it is now, and see whether
 * the base has the same. */
static bool is_held(const struct look *l, uint64_t page)
{
    struct ckpt_since *since = l->rules->since;
    struct ckpt_hash *now = since ? ckpt_hashes_entry(since->now, page) : NULL;

    if (!now)
        return false;
    *now = ckpt_hash_page((const void *)(uintptr_t)page);
    const struct ckpt_hash *before = ckpt_hashes_entry(since->before, page);
    return since->increment && before && ckpt_hash_equal(*before, *now) &&
           hold(l, page, page + CKPT_PAGE);
}

/* What lies there is not to be touched. */
static bool guarded(const struct look *l, uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < l->rules->nguards; i++)
        if (l->rules->guards[i].start < end && l->rules->guards[i].end > start)
            return true;
    return false;
}

static bool worth_saving(const struct look *l, uint64_t page, const void *data)
{
    return !guarded(l, page, page + CKPT_PAGE) &&
           !ckpt_ranges_hold(l->rules->exclude, l->rules->nexclude, page,
                             page + CKPT_PAGE) &&
           !ckpt_page_is_zero(data) && !is_held(l, page);
}

/* Split one run of present pages by content.  `*from` is where the segment
 * that is being made begins (its contents reach to *upto). */
struct run {
    uint64_t start, upto;
    bool open;
};

static int extend(struct look *l, const struct ckpt_map *m, struct run *run,
                  uint64_t page)
{
    if (run->open && (page - run->upto > l->gap ||
                      (page > run->upto && guarded(l, run->upto, page)))) {
        if (add_segment(l, m, run->start, run->upto - run->start,
                        page - run->start) < 0)
            return -1;
        run->open = false;
    }
    if (!run->open) {
        run->start = page;
        run->open = true;
    }
    run->upto = page + CKPT_PAGE;
    return 0;
}

static int look_run(struct look *l, const struct ckpt_map *m, uint64_t start,
                    uint64_t stop, struct run *run)
{
    for (uint64_t page = start; page < stop; page += CKPT_PAGE) {
        /* most pages are told by their first bytes: a wait for memory each */
        __builtin_prefetch((const void *)(uintptr_t)(page + AHEAD));
        if (!worth_saving(l, page, (const void *)(uintptr_t)page))
            continue;
        if (!run->open && page > run->start &&
            add_segment(l, m, run->start, 0, page - run->start) < 0)
            return -1;
        if (extend(l, m, run, page) < 0)
            return -1;
    }
    return 0;
}

/* The contents of an unreadable mapping are made readable first; the note
 * keeps the true protection. */
static void make_readable(const struct ckpt_map *m)
{
    if (!(m->prot & PROT_READ))
        ckpt_sys(SYS_mprotect, m->start, m->end - m->start,
                 m->prot | PROT_READ);
}

/* Where readable contents end: a file may be shorter than its mapping. */
static uint64_t readable_end(const struct ckpt_map *m)
{
    if (m->ino == 0 || m->kind == CKPT_MAP_SHARED || m->size == 0)
        return m->end;
    uint64_t file_end = (m->size + CKPT_PAGE - 1) & ~(uint64_t)(CKPT_PAGE - 1);
    uint64_t len = file_end > m->offset ? file_end - m->offset : 0;
    return len < m->end - m->start ? m->start + len : m->end;
}

/* A run that was copied: its pages lie together in the copy only. */
static int look_copy(struct look *l, const struct ckpt_map *m,
                     const struct ckpt_run *r)
{
    uint64_t at = r->start;

    while (at < r->end) {
        while (at < r->end && !worth_saving(l, at, r->data + (at - r->start)))
            at += CKPT_PAGE;
        uint64_t from = at;
        while (at < r->end && worth_saving(l, at, r->data + (at - r->start)))
            at += CKPT_PAGE;
        if (add_segment(l, m, from, at - from, at - from) < 0)
            return -1;
        if (at > from)
            l->memory->segments[l->memory->nsegments - 1].data =
                r->data + (from - r->start);
    }
    return 0;
}

/* The mapping is tracked: its runs are known. */
static int look_tracked(struct look *l, const struct ckpt_map *m)
{
    struct ckpt_since *since = l->rules->since;
    struct run run = {.start = m->start};
    const struct ckpt_runs *runs = since->runs;

    for (; l->next_run < runs->count && runs->list[l->next_run].start < m->end;
         l->next_run++) {
        const struct ckpt_run *r = &runs->list[l->next_run];
        if (!r->changed && since->increment && hold(l, r->start, r->end))
            continue;
        if (r->data) {
            if (look_copy(l, m, r) < 0)
                return -1;
            continue;
        }
        make_readable(m);
        if (look_run(l, m, r->start, r->end, &run) < 0)
            return -1;
    }
    return add_segment(l, m, run.start, run.open ? run.upto - run.start : 0,
                       m->end - run.start);
}

static bool is_tracked(const struct look *l, const struct ckpt_map *m)
{
    const struct ckpt_since *since = l->rules->since;

    return since && since->increment &&
           ckpt_ranges_hold(since->tracked, since->ntracked, m->start, m->end);
}

static int look_contents(struct look *l, const struct ckpt_map *m)
{
    bool whole = m->kind == CKPT_MAP_SHARED || m->kind == CKPT_MAP_VDSO ||
                 (m->kind == CKPT_MAP_ANON && m->ino != 0 &&
                  !(m->flags & CKPT_MAPF_HUGETLB));
    uint64_t end = readable_end(m), start, stop;
    struct run run = {.start = m->start};

    l->map_start = m->start;
    if (m->kind == CKPT_MAP_ZERO || m->kind == CKPT_MAP_VVAR ||
        (m->kind == CKPT_MAP_FILE && (m->flags & CKPT_MAPF_SHARED)))
        return add_segment(l, m, m->start, 0, m->end - m->start);
    if (is_tracked(l, m))
        return look_tracked(l, m);
    if (whole) {
        make_readable(m);
        if (look_run(l, m, m->start, end, &run) < 0)
            return -1;
    } else {
        for (uint64_t at = m->start;
             ckpt_pages_next(&l->pages, at, end, m->ino != 0, &start, &stop);
             at = stop) {
            make_readable(m);
            if (look_run(l, m, start, stop, &run) < 0)
                return -1;
        }
    }
    return add_segment(l, m, run.start, run.open ? run.upto - run.start : 0,
                       m->end - run.start);
}

/* Too many segments: try again with larger gaps filled. */
static int look_segments(struct look *l)
{
    struct ckpt_memory *mem = l->memory;

    bool increment = l->rules->since && l->rules->since->increment;

    for (l->gap = (increment ? 1 : GAP_PAGES) * CKPT_PAGE;; l->gap *= 8) {
        size_t i = 0;
        mem->nsegments = 0;
        mem->saved_bytes = 0;
        l->next_run = 0;
        if (l->rules->since)
            l->rules->since->nheld = 0;
        while (i < mem->nmaps && look_contents(l, &mem->maps[i]) == 0)
            i++;
        if (i == mem->nmaps)
            return 0;
        if (l->gap >= UINT64_MAX / 16)
            return ckpt_err_set(l->err, E2BIG, "more than %zu mappings",
                                l->room);
    }
}

int ckpt_memory_look(struct ckpt_memory *memory, struct ckpt_arena *arena,
                     const struct ckpt_memory_rules *rules,
                     struct ckpt_err *err)
{
    struct look l = {
        .memory = memory, .arena = arena, .rules = rules, .err = err};

    if (ckpt_pages_open(&l.pages) < 0)
        return ckpt_err_set(err, EACCES, "cannot read /proc/self/pagemap");
    l.room = memory->nmaps + SEGMENTS_MAX;
    memory->segments =
        ckpt_arena_reserve(arena, l.room * sizeof *memory->segments);
    int rc = memory->segments
                 ? look_segments(&l)
                 : ckpt_err_sys(err, "list of %zu segments", l.room);
    ckpt_pages_close(&l.pages);
    return rc;
}
