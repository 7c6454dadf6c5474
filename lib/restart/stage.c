/* stage.c - see stage.h: the mappings, one after the other */
#include "lib/restart/files.h"
#include "lib/restart/lazy.h"
#include "lib/restart/stage_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY_MAPS = 20000 };

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
            ckpt_stage_add_move(s, done + shift, done, p[i].start - done);
        ckpt_stage_add_move(s, p[i].start + shift, p[i].start, p[i].len);
        done = p[i].start + p[i].len;
    }
    if (m->end > done)
        ckpt_stage_add_move(s, done + shift, done, m->end - done);
    return 0;
}

static int stage_map(struct staging *s, const struct ckpt_map *m)
{
    uint64_t len = m->end - m->start;
    bool fill_in = m->kind != CKPT_MAP_ZERO && ckpt_stage_has_contents(s, m);
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
        s->at =
            (s->at + CKPT_STAGE_HUGE - 1) / CKPT_STAGE_HUGE * CKPT_STAGE_HUGE +
            m->start % CKPT_STAGE_HUGE;
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
    if (fill_in && ckpt_stage_fill(s, m, s->at) < 0)
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
    if (ckpt_stage_region(s) < 0 || ckpt_stage_vdso(s) < 0)
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
    return ckpt_stage_load(s);
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
