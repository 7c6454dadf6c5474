/* lazy.c - see lazy.h */
#include "lib/restart/lazy.h"

#include "lib/image/format.h"

#include <linux/magic.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>

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

static bool is_possible(const struct ckpt_image *image,
                        const struct ckpt_notes *notes)
{
    return ckpt_image_codec(image) == CKPT_CODEC_NONE &&
           !ckpt_image_base(image) && /* its memory is in many files */
           !(notes->meta.flags & CKPT_META_REMOTE) &&
           (notes->meta.flags & CKPT_META_LAZY) &&
           is_local(ckpt_image_fd(image)) && is_unlimited(notes, RLIMIT_AS) &&
           is_unlimited(notes, RLIMIT_DATA) &&
           prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0) ==
               0;
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

    plan->table = NULL;
    if (!is_possible(image, notes) ||
        choose(image, notes, &counts, NULL, NULL) < TOTAL_MIN)
        return 0;
    plan->table = make_table(image, path, notes, &counts, checked);
    return plan->table ? 0 : ckpt_err_sys(err, "table of mapped memory");
}

void ckpt_lazy_free(struct ckpt_lazy_plan *plan)
{
    free(plan->table);
    plan->table = NULL;
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
