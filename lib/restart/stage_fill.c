/* stage_fill.c - the contents of staged memory
 *
 * What is to be read is noted mapping by mapping, and read by several threads
 * when all is noted.
 */
#include "lib/restart/lazy.h"
#include "lib/restart/stage_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* The segments inside a mapping: the index of the first, their number in
 * *count. */
static size_t segments_of(const struct staging *s, const struct ckpt_map *m,
                          size_t *count)
{
    const struct ckpt_image_segment *seg;
    size_t n = ckpt_image_segments(s->image, &seg), low = 0, high = n;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (seg[mid].vaddr < m->start)
            low = mid + 1;
        else
            high = mid;
    }
    *count = 0;
    while (low + *count < n && seg[low + *count].vaddr < m->end)
        ++*count;
    return low;
}

static int want(struct staging *s, uint64_t offset, uint64_t len, uint64_t to)
{
    if (s->npieces == s->pieces_room) {
        size_t room = s->pieces_room ? 2 * s->pieces_room : 256;
        void *more = realloc(s->pieces, room * sizeof *s->pieces);
        if (!more)
            return ckpt_err_sys(s->err, "list of segments");
        s->pieces = more;
        s->pieces_room = room;
    }
    s->pieces[s->npieces++] = (struct ckpt_image_piece){offset, len, to};
    return 0;
}

/* Note what is to be read into the mapping, which is staged there. */
int ckpt_stage_fill(struct staging *s, const struct ckpt_map *m,
                    uint64_t staged)
{
    const struct ckpt_image_segment *seg;
    size_t count, first = segments_of(s, m, &count);

    ckpt_image_segments(s->image, &seg);
    for (size_t i = first; i < first + count; i++) {
        if (seg[i].filesz > m->end - seg[i].vaddr)
            return ckpt_err_set(
                s->err, EPROTO,
                "a segment reaches over the end of its mapping");
        if (seg[i].filesz > 0 &&
            !ckpt_lazy_covers(s->options->lazy, seg[i].vaddr) &&
            want(s, seg[i].offset, seg[i].filesz,
                 staged + (seg[i].vaddr - m->start)) < 0)
            return -1;
    }
    return 0;
}

int ckpt_stage_load(struct staging *s)
{
    int rc = ckpt_image_load(s->image, s->pieces, s->npieces, s->err);

    s->npieces = 0;
    for (size_t i = 0; rc == 0 && i < s->nprotections; i++) {
        const struct protection *p = &s->protections[i];
        if (mprotect(p->at, p->len, p->prot) < 0)
            rc = ckpt_err_sys(s->err, "mprotect");
    }
    return rc;
}

bool ckpt_stage_has_contents(const struct staging *s, const struct ckpt_map *m)
{
    const struct ckpt_image_segment *seg;
    size_t count, first = segments_of(s, m, &count);

    ckpt_image_segments(s->image, &seg);
    for (size_t i = first; i < first + count; i++)
        if (seg[i].filesz > 0)
            return true;
    return false;
}
