/* lazy.c - see lazy.h */
#include "lib/restart/lazy.h"

#include "lib/image/format.h"
#include "lib/restart/pager.h"

#include <linux/magic.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

enum {
    PIECE_MIN = 1 << 20,  /* smaller ones are read: a mapping each is dear */
    TOTAL_MIN = 16 << 20, /* below that reading takes no time */
    PIECES_MAX = 8192,    /* of the kernel's 65530 mappings */
};

/* Where nobody else can change or withdraw the file while it is mapped. */
static bool is_local(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return false;
    switch ((unsigned long)fs.f_type) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
        return true;
    default:
        return false;
    }
}

static bool is_unlimited(const struct ckpt_notes *notes, int resource)
{
    struct rlimit now;

    return getrlimit((__rlimit_resource_t)resource, &now) == 0 &&
           now.rlim_cur == RLIM_INFINITY &&
           notes->process.rlimit_cur[resource] == RLIM_INFINITY;
}

/* Its libckpt can do it, and the kernel can trap what must wait. */
static bool is_able(const struct ckpt_notes *notes, uint32_t flag)
{
    return !(notes->meta.flags & CKPT_META_REMOTE) &&
           (notes->meta.flags & flag) &&
           prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0) ==
               0;
}

static bool is_plain(const struct ckpt_image *image)
{
    return ckpt_image_codec(image) == CKPT_CODEC_NONE &&
           !ckpt_image_base(image); /* else its memory is in many files */
}

static bool can_map(const struct ckpt_image *image,
                    const struct ckpt_notes *notes)
{
    return is_plain(image) && is_able(notes, CKPT_META_LAZY) &&
           is_local(ckpt_image_fd(image)) && is_unlimited(notes, RLIMIT_AS) &&
           is_unlimited(notes, RLIMIT_DATA);
}

static bool can_page(const struct ckpt_image *image,
                     const struct ckpt_notes *notes)
{
    const struct ckpt_image *one;

    for (one = image; one; one = ckpt_image_base(one))
        if (!is_local(ckpt_image_fd(one)))
            return false;
    return !is_plain(image) && is_able(notes, CKPT_META_PAGED) &&
           ckpt_pager_is_possible();
}

static bool is_suitable(const struct ckpt_map *m)
{
    return m->kind == CKPT_MAP_ANON && m->ino == 0 &&
           !(m->flags & ~(uint32_t)CKPT_MAPF_HEAP) && (m->prot & PROT_READ) &&
           !(m->prot & PROT_EXEC);
}

/* Fill in (or, with NULL arrays, count) ranges and pieces; the bytes. */
static uint64_t choose(const struct ckpt_image *image,
                       const struct ckpt_notes *notes,
                       struct ckpt_lazy_table *t,
                       struct ckpt_lazy_range *ranges,
                       struct ckpt_lazy_piece *pieces)
{
    const struct ckpt_image_segment *seg;
    size_t n = ckpt_image_segments(image, &seg), k = 0;
    uint64_t bytes = 0;

    t->nranges = t->npieces = 0;
    for (size_t i = 0; i < notes->nmaps; i++) {
        const struct ckpt_map *m = &notes->maps[i];
        uint32_t before = t->npieces;
        for (; k < n && seg[k].vaddr < m->end; k++) {
            if (seg[k].vaddr < m->start || seg[k].filesz < PIECE_MIN ||
                seg[k].filesz > m->end - seg[k].vaddr || !is_suitable(m) ||
                t->npieces == PIECES_MAX)
                continue;
            if (pieces)
                pieces[t->npieces] = (struct ckpt_lazy_piece){
                    seg[k].vaddr, seg[k].filesz, seg[k].offset};
            t->npieces++;
            bytes += seg[k].filesz;
        }
        if (t->npieces == before)
            continue;
        if (ranges)
            ranges[t->nranges] =
                (struct ckpt_lazy_range){m->start, m->end, m->prot, 0};
        t->nranges++;
    }
    return bytes;
}

static struct ckpt_lazy_table *make_table(const struct ckpt_image *image,
                                          const char *path,
                                          const struct ckpt_notes *notes,
                                          const struct ckpt_lazy_table *counts,
                                          bool checked)
{
    size_t nsums = 0;
    uint64_t covered = 0;
    const uint64_t *sums = ckpt_image_sums(image, &nsums, &covered);

    if (checked)
        nsums = 0;
    uint64_t bytes =
        sizeof *counts + counts->nranges * sizeof(struct ckpt_lazy_range) +
        counts->npieces * sizeof(struct ckpt_lazy_piece) + nsums * sizeof *sums;
    struct ckpt_lazy_table *t = calloc(1, bytes);
    if (!t)
        return NULL;
    *t = *counts;
    t->bytes = bytes;
    t->covered = covered;
    t->chunk = CKPT_IMAGE_CHUNK;
    t->nsums = (uint32_t)nsums;
    strncpy(t->image, path, sizeof t->image - 1);
    choose(image, notes, t, ckpt_lazy_ranges(t), ckpt_lazy_pieces(t));
    if (nsums > 0)
        memcpy(ckpt_lazy_sums(t), sums, nsums * sizeof *sums);
    return t;
}

int ckpt_lazy_decide(struct ckpt_lazy_plan *plan, struct ckpt_image *image,
                     const char *path, const struct ckpt_notes *notes,
                     bool checked, struct ckpt_err *err)
{
    struct ckpt_lazy_table counts = {0};

    if (!can_map(image, notes) ||
        choose(image, notes, &counts, NULL, NULL) < TOTAL_MIN)
        return 0;
    plan->table = make_table(image, path, notes, &counts, checked);
    return plan->table ? 0 : ckpt_err_sys(err, "table of mapped memory");
}

/* For tests, which have little memory: CKPT_LAZY_MIN=BYTES. */
static uint64_t at_least(uint64_t usual)
{
    const char *text = getenv("CKPT_LAZY_MIN");

    return text ? strtoull(text, NULL, 10) : usual;
}

/* --- paging --------------------------------------------------------------- */

struct paging {
    const struct ckpt_image_segment *seg;
    size_t nseg, next;
    struct ckpt_lazy_range *ranges;
    struct ckpt_span *spans;
    struct ckpt_image_piece *pieces;
    size_t nranges, npieces;
    uint64_t bytes;
};

/* All segments of a mapping that has enough in it.  What is between them is
 * zero. */
static void page_map(struct paging *p, const struct ckpt_map *m)
{
    const struct ckpt_image_segment *seg = p->seg;
    size_t first, npieces = p->npieces;
    uint64_t bytes = 0, end = m->start;

    while (p->next < p->nseg && seg[p->next].vaddr < m->start)
        p->next++;
    for (first = p->next; p->next < p->nseg && seg[p->next].vaddr < m->end;
         p->next++) {
        const struct ckpt_image_segment *s = &seg[p->next];
        if (s->filesz > m->end - s->vaddr)
            return; /* whoever reads it will complain */
        if (s->filesz == 0)
            continue;
        p->pieces[npieces++] =
            (struct ckpt_image_piece){s->offset, s->filesz, s->vaddr};
        bytes += s->filesz;
        end = s->vaddr + s->filesz;
    }
    if (bytes < at_least(PIECE_MIN) || bytes == 0 || !is_suitable(m))
        return;
    p->npieces = npieces;
    p->bytes += bytes;
    p->spans[p->nranges] = (struct ckpt_span){seg[first].vaddr, end};
    p->ranges[p->nranges++] =
        (struct ckpt_lazy_range){m->start, m->end, m->prot, 0};
}

static struct ckpt_lazy_table *paged_table(const struct paging *p,
                                           const char *path)
{
    uint64_t ranges = p->nranges * sizeof *p->ranges;
    struct ckpt_lazy_table *t = calloc(1, sizeof *t + ranges);

    if (!t)
        return NULL;
    t->bytes = sizeof *t + ranges;
    t->nranges = (uint32_t)p->nranges;
    strncpy(t->image, path, sizeof t->image - 1);
    memcpy(ckpt_lazy_ranges(t), p->ranges, ranges);
    return t;
}

static int start_pager(struct ckpt_lazy_plan *plan, struct ckpt_image *image,
                       const char *path, const struct paging *p,
                       struct ckpt_err *err)
{
    if (p->bytes < at_least(TOTAL_MIN) || p->bytes == 0)
        return 0;
    plan->table = paged_table(p, path);
    if (!plan->table)
        return ckpt_err_sys(err, "table of paged memory");
    plan->pager = ckpt_pager_start(image, p->pieces, p->npieces, p->spans,
                                   p->nranges, err);
    plan->spans = p->spans;
    plan->nspans = p->nranges;
    return plan->pager < 0 ? -1 : 0;
}

int ckpt_lazy_page(struct ckpt_lazy_plan *plan, struct ckpt_image *image,
                   const char *path, const struct ckpt_notes *notes,
                   struct ckpt_err *err)
{
    struct paging p = {.nranges = 0};
    int rc = 0;

    if (!can_page(image, notes))
        return 0;
    p.nseg = ckpt_image_segments(image, &p.seg);
    p.ranges = calloc(notes->nmaps + 1, sizeof *p.ranges);
    p.spans = calloc(notes->nmaps + 1, sizeof *p.spans);
    p.pieces = calloc(p.nseg + 1, sizeof *p.pieces);
    if (!p.ranges || !p.spans || !p.pieces) {
        rc = ckpt_err_sys(err, "list of paged memory");
    } else {
        for (size_t i = 0; i < notes->nmaps; i++)
            page_map(&p, &notes->maps[i]);
        rc = start_pager(plan, image, path, &p, err);
    }
    if (plan->spans != p.spans)
        free(p.spans);
    free(p.ranges);
    free(p.pieces);
    return rc;
}

void ckpt_lazy_arm(struct ckpt_lazy_plan *plan)
{
    if (plan->pager >= 0 && ckpt_pager_arm(plan->pager, NULL) < 0)
        ckpt_lazy_free(plan);
}

void ckpt_lazy_free(struct ckpt_lazy_plan *plan)
{
    if (plan->pager >= 0)
        close(plan->pager);
    free(plan->table);
    free(plan->spans);
    *plan = (struct ckpt_lazy_plan){.pager = -1};
}

/* --- looking -------------------------------------------------------------- */

bool ckpt_lazy_covers(const struct ckpt_lazy_plan *plan, uint64_t vaddr)
{
    size_t count, low = 0, high = plan->nspans;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (plan->spans[mid].end <= vaddr)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < plan->nspans && plan->spans[low].start <= vaddr)
        return true;
    ckpt_lazy_within(plan, vaddr, vaddr + 1, &count);
    return count > 0;
}

const struct ckpt_lazy_piece *
ckpt_lazy_within(const struct ckpt_lazy_plan *plan, uint64_t start,
                 uint64_t end, size_t *count)
{
    const struct ckpt_lazy_table *t = plan->table;
    size_t low = 0, high = t ? t->npieces : 0;

    *count = 0;
    if (!t)
        return NULL;
    const struct ckpt_lazy_piece *p = ckpt_lazy_pieces(t);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (p[mid].start < start)
            low = mid + 1;
        else
            high = mid;
    }
    while (low + *count < t->npieces && p[low + *count].start < end)
        ++*count;
    return p + low;
}
