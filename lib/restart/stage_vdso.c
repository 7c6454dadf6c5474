/* stage_vdso.c - this kernel's vdso, and the one that the program knows */
#include "lib/restart/stage_impl.h"
#include "lib/restart/vdso.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool ckpt_stage_is_special(const char *name)
{
    return strcmp(name, "[vdso]") == 0 || strncmp(name, "[vvar", 5) == 0;
}

static const struct ckpt_map *image_map(const struct staging *s,
                                        const char *name)
{
    for (size_t i = 0; i < s->notes->nmaps; i++)
        if (strcmp(s->notes->maps[i].path, name) == 0)
            return &s->notes->maps[i];
    return NULL;
}

static const struct own_map *own_map(const struct staging *s, const char *name)
{
    for (size_t i = 0; i < s->nown; i++)
        if (strcmp(s->own[i].name, name) == 0)
            return &s->own[i];
    return NULL;
}

/* The image's vdso, as it was; malloc'ed. */
static uint8_t *read_vdso(struct staging *s, const struct ckpt_map *theirs)
{
    uint64_t len = theirs->end - theirs->start;
    uint8_t *copy = calloc(1, len);

    if (!copy)
        ckpt_err_sys(s->err, "the image's vdso");
    else if (ckpt_stage_fill(s, theirs, (uint64_t)(uintptr_t)copy) < 0 ||
             ckpt_stage_load(s) < 0) {
        free(copy);
        copy = NULL;
    }
    return copy;
}

/* Move the kernel's vdso and its data to `to`, before the unmapping. */
static void move_vdso(struct staging *s, const struct own_map *ours,
                      uint64_t to)
{
    for (size_t i = 0; i < s->nown; i++)
        if (ckpt_stage_is_special(s->own[i].name))
            ckpt_stage_add_move(s, s->own[i].start,
                                to + (s->own[i].start - ours->start),
                                s->own[i].end - s->own[i].start);
}

/* The same kernel: its vdso goes to where the image had it. */
static void stage_own_vdso(struct staging *s, const struct ckpt_map *theirs,
                           const struct own_map *ours)
{
    struct ckpt_bare_plan *p = s->stage->plan;
    uint64_t parked = s->stage->region_end - CKPT_STAGE_VDSO_ROOM / 2;

    move_vdso(s, ours, parked);
    p->nearly = p->nmoves;
    for (size_t i = 0; i < p->nearly; i++)
        ckpt_stage_add_move(s, p->moves[i].to,
                            theirs->start + (p->moves[i].to - parked),
                            p->moves[i].len);
}

/* Another kernel: its vdso stays behind the hole, and the image's is memory
 * full of jumps. */
static int stage_foreign_vdso(struct staging *s, const struct ckpt_map *theirs,
                              const struct own_map *ours, uint8_t *copy)
{
    uint64_t len = theirs->end - theirs->start;
    uint64_t home = s->stage->region_end - CKPT_STAGE_VDSO_ROOM / 2;

    if (s->notes->meta.flags & CKPT_META_IN_VDSO)
        return ckpt_err_set(s->err, ENOTSUP,
                            "the image was made under kernel %s, in the middle "
                            "of its vdso, which differs from this kernel's",
                            s->notes->meta.kernel);
    if (ckpt_vdso_redirect(copy, len, (const uint8_t *)ours->start,
                           ours->end - ours->start, home, s->err) < 0)
        return -1;
    move_vdso(s, ours, home);
    s->stage->plan->nearly = s->stage->plan->nmoves;
    s->stage->hole_end = s->stage->region_end - CKPT_STAGE_VDSO_ROOM;
    void *stubs = ckpt_stage_take(s, len, PROT_READ | PROT_WRITE);
    if (!stubs)
        return -1;
    memcpy(stubs, copy, len);
    if (mprotect(stubs, len, PROT_READ | PROT_EXEC) < 0)
        return ckpt_err_sys(s->err, "mprotect");
    ckpt_stage_add_move(s, (uint64_t)(uintptr_t)stubs, theirs->start, len);
    return 0;
}

int ckpt_stage_vdso(struct staging *s)
{
    const struct ckpt_map *theirs = image_map(s, "[vdso]");
    const struct own_map *ours = own_map(s, "[vdso]");

    s->stage->hole_end = s->stage->region_end;
    if (!theirs)
        return 0;
    if (!ours)
        return ckpt_err_set(s->err, ENOTSUP, "this kernel has no vdso");
    uint8_t *copy = read_vdso(s, theirs);
    if (!copy)
        return -1;
    uint64_t len = theirs->end - theirs->start;
    int rc = 0;
    if (!s->options->foreign_vdso && ours->end - ours->start == len &&
        memcmp(copy, (const void *)ours->start, len) == 0)
        stage_own_vdso(s, theirs, ours);
    else
        rc = stage_foreign_vdso(s, theirs, ours, copy);
    free(copy);
    return rc;
}
