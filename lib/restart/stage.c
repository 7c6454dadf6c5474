/* stage.c - see stage.h
 *
 *     region  [ bare | plan | moves | args | stack | vdso room | staged ... ]
 */
#include "lib/restart/stage.h"

#include "lib/restart/files.h"
#include "lib/restart/lazy.h"
#include "lib/restart/space.h"
#include "lib/restart/vdso.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ull
#define HUGE_PAGE (2ull << 20)
enum { MANY_MAPS = 20000 };
#define LOW_END 0x10000ull
#define HIGH_END 0x7ffffffff000ull
/* room under a stack to grow into: what a restarted program may need */
#define STACK_ROOM (64ull << 20)
#define BARE_STACK (64ull << 10)
/* at the end of the region: half of it a gap, the other for this vdso */
#define VDSO_ROOM (1ull << 20)
enum { SHARED_MAX = 256 };

struct own_map {
    uint64_t start, end;
    char name[32]; /* "[vdso]", "[vvar]", ... or "" */
};

/* Memory that is writable only until it has been read. */
struct protection {
    void *at;
    uint64_t len;
    int prot;
};

struct staging {
    struct ckpt_stage *stage;
    struct ckpt_image *image;
    const struct ckpt_notes *notes;
    struct own_map *own;
    size_t nown;
    uint64_t at; /* next free address in the region */
    struct {
        uint64_t dev, ino;
        int fd;
    } shared[SHARED_MAX];
    size_t nshared;
    struct ckpt_image_piece *pieces; /* what is to be read, in order... */
    size_t npieces, pieces_room;
    struct protection *protections; /* ...and what has to be done then */
    size_t nprotections;
    const struct ckpt_stage_options *options;
    struct ckpt_err *err;
};

static uint64_t page_up(uint64_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

static bool is_special(const char *name)
{
    return strcmp(name, "[vdso]") == 0 || strncmp(name, "[vvar", 5) == 0;
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
    uint64_t bytes = BARE_STACK + 64 * PAGE +
                     page_up(sizeof(struct ckpt_revive_args) + CKPT_AUXV_MAX) +
                     page_up(moves_max(s) * sizeof(struct ckpt_bare_move)) +
                     page_up(lazy_bytes(s));

    for (size_t i = 0; i < s->notes->nmaps; i++)
        bytes +=
            s->notes->maps[i].end - s->notes->maps[i].start + 2 * HUGE_PAGE;
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
        uint64_t room = m->flags & CKPT_MAPF_STACK ? STACK_ROOM : PAGE;
        used[k++] = (struct ckpt_extent){m->start > room ? m->start - room : 0,
                                         m->end + PAGE};
    }
    uint64_t start =
        ckpt_space_find(used, k, LOW_END, HIGH_END, len, HUGE_PAGE);
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
static void *take(struct staging *s, uint64_t len, int prot)
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
    void *copy = take(s, t->bytes, PROT_READ | PROT_WRITE);
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
    uint8_t *code = take(s, len, PROT_READ | PROT_WRITE);
    uint8_t *stack = take(s, BARE_STACK, PROT_READ | PROT_WRITE);

    st->plan = take(s, sizeof *st->plan, PROT_READ | PROT_WRITE);
    /* the auxiliary vector lies behind the arguments */
    st->args =
        take(s, sizeof *st->args + CKPT_AUXV_MAX, PROT_READ | PROT_WRITE);
    struct ckpt_bare_move *moves =
        take(s, moves_max(s) * sizeof *moves, PROT_READ | PROT_WRITE);
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

static void add_move(struct staging *s, uint64_t from, uint64_t to,
                     uint64_t len)
{
    struct ckpt_bare_plan *p = s->stage->plan;

    p->moves[p->nmoves++] = (struct ckpt_bare_move){from, to, len};
}

/* --- contents ------------------------------------------------------------ */

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
static int fill(struct staging *s, const struct ckpt_map *m, uint64_t staged)
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

static int load(struct staging *s)
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

/* --- vdso --------------------------------------------------------------- */

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
    else if (fill(s, theirs, (uint64_t)(uintptr_t)copy) < 0 || load(s) < 0) {
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
        if (is_special(s->own[i].name))
            add_move(s, s->own[i].start, to + (s->own[i].start - ours->start),
                     s->own[i].end - s->own[i].start);
}

/* The same kernel: its vdso goes to where the image had it. */
static void stage_own_vdso(struct staging *s, const struct ckpt_map *theirs,
                           const struct own_map *ours)
{
    struct ckpt_bare_plan *p = s->stage->plan;
    uint64_t parked = s->stage->region_end - VDSO_ROOM / 2;

    move_vdso(s, ours, parked);
    p->nearly = p->nmoves;
    for (size_t i = 0; i < p->nearly; i++)
        add_move(s, p->moves[i].to, theirs->start + (p->moves[i].to - parked),
                 p->moves[i].len);
}

/* Another kernel: its vdso stays behind the hole, and the image's is memory
 * full of jumps. */
static int stage_foreign_vdso(struct staging *s, const struct ckpt_map *theirs,
                              const struct own_map *ours, uint8_t *copy)
{
    uint64_t len = theirs->end - theirs->start;
    uint64_t home = s->stage->region_end - VDSO_ROOM / 2;

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
    s->stage->hole_end = s->stage->region_end - VDSO_ROOM;
    void *stubs = take(s, len, PROT_READ | PROT_WRITE);
    if (!stubs)
        return -1;
    memcpy(stubs, copy, len);
    if (mprotect(stubs, len, PROT_READ | PROT_EXEC) < 0)
        return ckpt_err_sys(s->err, "mprotect");
    add_move(s, (uint64_t)(uintptr_t)stubs, theirs->start, len);
    return 0;
}

static int stage_vdso(struct staging *s)
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

/* --- mappings ----------------------------------------------------------- */

static bool has_contents(const struct staging *s, const struct ckpt_map *m)
{
    const struct ckpt_image_segment *seg;
    size_t count, first = segments_of(s, m, &count);

    ckpt_image_segments(s->image, &seg);
    for (size_t i = first; i < first + count; i++)
        if (seg[i].filesz > 0)
            return true;
    return false;
}

/* The descriptor that backs the mapping; -1 for anonymous memory, -2 for an
 * error. */
static int backing(struct staging *s, const struct ckpt_map *m)
{
    struct stat st;

    if (m->kind != CKPT_MAP_FILE)
        return -1;
    if (m->flags & CKPT_MAPF_SHARED) {
        int made = ckpt_files_nameless(s->options->files, m->dev, m->ino,
                                       m->prot & PROT_WRITE, s->err);
        if (made != -1)
            return made;
    }
    bool shared_writable =
        (m->flags & CKPT_MAPF_SHARED) && (m->prot & PROT_WRITE);
    int fd = open(m->path, (shared_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        ckpt_err_sys(s->err, "the program maps %s", m->path);
        return -2;
    }
    int64_t mtime =
        (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    bool changed = (uint64_t)st.st_size != m->size ||
                   (!shared_writable && mtime != m->mtime_ns);
    if (changed && !s->options->force) {
        close(fd);
        ckpt_err_set(s->err, ESTALE,
                     "%s, which the program maps, has changed since the "
                     "checkpoint (--force goes on)",
                     m->path);
        return -2;
    }
    return fd;
}

/* How far the shared object that `m` maps is mapped at all. */
static uint64_t shared_size(const struct staging *s, const struct ckpt_map *m)
{
    uint64_t size = 0;

    for (size_t i = 0; i < s->notes->nmaps; i++) {
        const struct ckpt_map *o = &s->notes->maps[i];
        uint64_t end = o->offset + (o->end - o->start);
        if (o->kind == CKPT_MAP_SHARED && o->ino == m->ino &&
            o->dev == m->dev && end > size)
            size = end;
    }
    return size;
}

/* Memory that several mappings of this process share: one memfd for each
 * object, which the first of its mappings makes. */
static int shared_object(struct staging *s, const struct ckpt_map *m)
{
    for (size_t i = 0; i < s->nshared; i++)
        if (s->shared[i].ino == m->ino && s->shared[i].dev == m->dev)
            return s->shared[i].fd;
    if (s->nshared == SHARED_MAX) {
        ckpt_err_set(s->err, E2BIG, "more than %d pieces of shared memory",
                     SHARED_MAX);
        return -2;
    }
    int fd = memfd_create("ckpt-shared", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)shared_size(s, m)) < 0) {
        ckpt_err_sys(s->err, "shared memory");
        return -2;
    }
    s->shared[s->nshared].dev = m->dev;
    s->shared[s->nshared].ino = m->ino;
    s->shared[s->nshared++].fd = fd;
    return fd;
}

/* Map the pieces of `m` that are mapped from the image; every mapping is moved
 * by itself. */
static int map_pieces(struct staging *s, const struct ckpt_map *m)
{
    size_t count;
    const struct ckpt_lazy_piece *p =
        ckpt_lazy_within(s->options->lazy, m->start, m->end, &count);
    uint64_t shift = s->at - m->start, done = m->start;

    for (size_t i = 0; i < count; i++) {
        void *at = (void *)(p[i].start + shift);
        if (mmap(at, p[i].len, (int)m->prot, MAP_PRIVATE | MAP_FIXED,
                 ckpt_image_fd(s->image), (off_t)p[i].offset) == MAP_FAILED)
            return ckpt_err_sys(s->err, "cannot map %llu bytes of the image",
                                (unsigned long long)p[i].len);
        if (p[i].start > done)
            add_move(s, done + shift, done, p[i].start - done);
        add_move(s, p[i].start + shift, p[i].start, p[i].len);
        done = p[i].start + p[i].len;
    }
    if (m->end > done)
        add_move(s, done + shift, done, m->end - done);
    return 0;
}

static int stage_map(struct staging *s, const struct ckpt_map *m)
{
    uint64_t len = m->end - m->start;
    bool fill_in = m->kind != CKPT_MAP_ZERO && has_contents(s, m);
    bool shared = m->flags & CKPT_MAPF_SHARED;
    int fd = m->kind == CKPT_MAP_SHARED ? shared_object(s, m) : backing(s, m);
    int flags = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE);

    if (fd == -2)
        return -1;
    if (fd == -1)
        flags |= MAP_ANONYMOUS;
    if (m->flags & CKPT_MAPF_STACK)
        flags |= MAP_GROWSDOWN;
    if (!(m->prot & PROT_WRITE))
        flags |= MAP_NORESERVE;
    /* congruent to the final address, so that whole page tables move; but a
     * gap is a mapping, too, and there may be no more than max_map_count */
    if (s->notes->nmaps < MANY_MAPS)
        s->at = (s->at + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE +
                m->start % HUGE_PAGE;
    int prot = (int)m->prot | (fill_in ? PROT_READ | PROT_WRITE : 0);
    void *p = mmap((void *)s->at, len, prot, flags, fd, (off_t)m->offset);
    if (p == MAP_FAILED && errno == ENOMEM && !(flags & MAP_NORESERVE))
        /* larger than this machine: it was so in the program, as sparse arrays
         * and AddressSanitizer's shadow are, or it could not have had it */
        p = mmap((void *)s->at, len, prot, flags | MAP_NORESERVE, fd,
                 (off_t)m->offset);
    if (fd >= 0 && m->kind == CKPT_MAP_FILE)
        close(fd);
    if (p == MAP_FAILED)
        return ckpt_err_sys(s->err, "cannot map %llu bytes for %s",
                            (unsigned long long)len,
                            m->path[0] ? m->path : "memory");
    if (fill_in && fill(s, m, s->at) < 0)
        return -1;
    if (prot != (int)m->prot)
        s->protections[s->nprotections++] =
            (struct protection){p, len, (int)m->prot};
    if (map_pieces(s, m) < 0)
        return -1;
    s->at += len;
    return 0;
}

static int stage_all(struct staging *s)
{
    if (read_own_maps(s) < 0 || reserve_region(s) < 0 || place_bare(s) < 0 ||
        stage_vdso(s) < 0)
        return -1;
    s->protections = calloc(s->notes->nmaps + 1, sizeof *s->protections);
    if (!s->protections)
        return ckpt_err_sys(s->err, "list of mappings");
    for (size_t i = 0; i < s->notes->nmaps; i++) {
        const struct ckpt_map *m = &s->notes->maps[i];
        if (m->kind == CKPT_MAP_VDSO || m->kind == CKPT_MAP_VVAR)
            continue;
        if (stage_map(s, m) < 0)
            return -1;
    }
    return load(s);
}

int ckpt_stage_memory(struct ckpt_stage *stage, struct ckpt_image *image,
                      const struct ckpt_notes *notes,
                      const struct ckpt_stage_options *options,
                      struct ckpt_err *err)
{
    struct staging s = {.stage = stage,
                        .image = image,
                        .notes = notes,
                        .options = options,
                        .err = err};

    memset(stage, 0, sizeof *stage);
    int rc = stage_all(&s);
    for (size_t i = 0; i < s.nshared; i++)
        close(s.shared[i].fd);
    free(s.own);
    free(s.pieces);
    free(s.protections);
    return rc;
}
