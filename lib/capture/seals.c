/* seals.c - see seals.h */
#include "lib/capture/seals.h"

#include "lib/capture/pages.h"
#include "lib/common/sys.h"

#include <sys/mman.h>
#include <sys/personality.h>

enum { SYS_SEAL = 462, PERSONALITY_ASK = -1 };

/* To set the protection that a mapping has changes nothing, except under an old
 * personality that makes readable memory executable. */
static bool can_ask(void)
{
    return ckpt_sys(SYS_SEAL, 0, 0, 0) == 0 &&
           !(ckpt_sys(SYS_personality, PERSONALITY_ASK) & READ_IMPLIES_EXEC);
}

static bool is_sealed(const struct ckpt_map *m)
{
    return (m->kind == CKPT_MAP_ANON || m->kind == CKPT_MAP_SHARED ||
            m->kind == CKPT_MAP_FILE) &&
           ckpt_sys(SYS_mprotect, m->start, m->end - m->start, m->prot) ==
               -EPERM;
}

static bool has_contents(const struct ckpt_map *m)
{
    struct ckpt_pages pages;
    uint64_t start, stop;

    if (m->kind == CKPT_MAP_SHARED || ckpt_pages_open(&pages) < 0)
        return true;
    bool some =
        ckpt_pages_next(&pages, m->start, m->end, m->ino != 0, &start, &stop);
    ckpt_pages_close(&pages);
    return some;
}

static int refuse(const struct ckpt_map *m, const char *what,
                  struct ckpt_err *err)
{
    return ckpt_err_set(
        err, EBUSY, "the mapping at %llx-%llx is sealed (mseal), %s",
        (unsigned long long)m->start, (unsigned long long)m->end, what);
}

int ckpt_seals_look(struct ckpt_seals *seals, const struct ckpt_memory *memory,
                    struct ckpt_err *err)
{
    seals->count = 0;
    if (!can_ask())
        return 0;
    for (size_t i = 0; i < memory->nmaps; i++) {
        const struct ckpt_map *m = &memory->maps[i];
        if (!is_sealed(m))
            continue;
        if (!(m->prot & PROT_READ) && has_contents(m))
            return refuse(m, "and what it holds cannot be read", err);
        if (seals->count == CKPT_SEALS_MAX)
            return refuse(m, "and too many others are", err);
        seals->list[seals->count++] = (struct ckpt_range){m->start, m->end};
    }
    return 0;
}

void ckpt_seals_give(const struct ckpt_seals *seals)
{
    for (size_t i = 0; i < seals->count; i++)
        ckpt_sys(SYS_SEAL, seals->list[i].start,
                 seals->list[i].end - seals->list[i].start, 0);
}
