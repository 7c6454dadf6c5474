/* changes.c - see changes.h
 *
 * To find them in several threads is no quicker: for each page table that is
 * protected anew, all processors that run the program are interrupted.
 */
#include "lib/capture/changes.h"

#include "lib/common/sys.h"
#include "lib/image/workers.h"

#include <string.h>
#include <sys/mman.h>

enum {
    THREADS_MAX = 4,
    ALONE_MAX = 1 << 20, /* bytes: less is copied before a thread has begun */
    RUNS = 32,           /* that a thread takes at once */
    AHEAD = 4,
};

struct copying {
    struct ckpt_runs *runs;
    size_t next; /* run that nobody has taken */
};

/* Most runs are one page: who copies it waits for its address to be looked up
 * and for its first bytes. */
static void prefetch(const struct ckpt_runs *runs, size_t i)
{
    if (i < runs->count && runs->list[i].changed)
        __builtin_prefetch((const void *)(uintptr_t)runs->list[i].start);
}

static void copy_runs(void *arg, unsigned worker)
{
    struct copying *c = arg;
    const struct ckpt_runs *runs = c->runs;
    size_t i;

    (void)worker;
    while ((i = __atomic_fetch_add(&c->next, RUNS, __ATOMIC_RELAXED)) <
           runs->count)
        for (size_t end = i + RUNS; i < end && i < runs->count; i++) {
            const struct ckpt_run *r = &runs->list[i];
            prefetch(runs, i + AHEAD);
            if (r->changed)
                memcpy((uint8_t *)(uintptr_t)r->data,
                       (const void *)(uintptr_t)r->start, r->end - r->start);
        }
}

/* Make the mappings readable that are not and hold something that changed.
 * Whether there were any. */
static bool make_readable(const struct ckpt_memory *memory,
                          const struct ckpt_runs *runs)
{
    bool any = false;
    size_t i = 0;

    for (size_t k = 0; k < memory->nmaps; k++) {
        const struct ckpt_map *m = &memory->maps[k];
        bool changed = false;
        while (i < runs->count && runs->list[i].start < m->end)
            changed |= runs->list[i].changed && runs->list[i].end > m->start,
                i++;
        if (!changed || (m->prot & PROT_READ))
            continue;
        ckpt_sys(SYS_mprotect, m->start, m->end - m->start,
                 m->prot | PROT_READ);
        any = true;
    }
    return any;
}

/* In as many threads as there is room for stacks. */
static void copy(struct copying *c, bool alone, struct ckpt_arena arena)
{
    unsigned n = alone ? 1 : ckpt_workers_cpus();

    n = n < THREADS_MAX ? n : THREADS_MAX;
    void *stacks =
        n > 1 ? ckpt_arena_alloc(&arena, (n - 1) * CKPT_WORKER_STACK) : NULL;
    ckpt_workers_run(stacks ? n : 1, copy_runs, c, stacks);
}

void ckpt_changes_copy(struct ckpt_runs *runs, const struct ckpt_memory *memory,
                       uint8_t *to, const struct ckpt_arena *arena)
{
    struct copying c = {.runs = runs};
    bool unreadable = make_readable(memory, runs);
    size_t at = 0;

    for (size_t i = 0; i < runs->count; i++) {
        struct ckpt_run *r = &runs->list[i];
        if (!r->changed)
            continue;
        r->data = to + at;
        at += r->end - r->start;
    }
    copy(&c, at <= ALONE_MAX, *arena);
    if (unreadable)
        ckpt_memory_restore_protection(memory);
}
