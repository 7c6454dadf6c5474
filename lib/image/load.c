/* load.c - see load.h */
#include "lib/image/load.h"

#include "lib/image/format.h"
#include "lib/image/image_impl.h"
#include "lib/image/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
enum { THREADS_MAX = 16, UNITS_EACH = 4 };

static int no_memory(struct ckpt_err *err)
{
    return ckpt_err_set(err, ENOMEM, "no memory");
}

/* --- planning ------------------------------------------------------------ */

struct planned {
    struct ckpt_load_part part;
    struct ckpt_image *image;
    size_t depth, chunk;
};

struct planning {
    struct planned *list;
    size_t n, room;
};

static int compare(const void *a, const void *b)
{
    const struct planned *x = a, *y = b;

    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    if (x->chunk != y->chunk)
        return x->chunk < y->chunk ? -1 : 1;
    return x->part.skip < y->part.skip ? -1 : x->part.skip > y->part.skip;
}

static int append(struct planning *p, struct planned planned)
{
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 1024;
        void *more = realloc(p->list, room * sizeof *p->list);
        if (!more)
            return -1;
        p->list = more;
        p->room = room;
    }
    p->list[p->n++] = planned;
    return 0;
}

static size_t depth_of(const struct ckpt_image *image,
                       const struct ckpt_image *owner)
{
    size_t depth = 0;

    for (; image != owner; image = image->base)
        depth++;
    return depth;
}

/* A piece is in one file, but in any number of its chunks. */
static int plan_piece(struct planning *p, struct ckpt_image *image,
                      const struct ckpt_image_piece *piece,
                      struct ckpt_err *err)
{
    uint64_t at = piece->offset, done = 0;
    struct ckpt_image *owner = ckpt_image_owner(image, &at);
    size_t depth = depth_of(image, owner);

    if (at > owner->source.core_size ||
        piece->len > owner->source.core_size - at)
        return ckpt_err_set(err, ENODATA, "read past the end of the image");
    while (done < piece->len) {
        uint64_t skip = (at + done) % CKPT_IMAGE_CHUNK;
        uint64_t len = CKPT_IMAGE_CHUNK - skip;
        if (len > piece->len - done)
            len = piece->len - done;
        struct planned planned = {
            .part = {piece->to + done, (uint32_t)skip, (uint32_t)len},
            .image = owner,
            .depth = depth,
            .chunk = (size_t)((at + done) / CKPT_IMAGE_CHUNK),
        };
        if (append(p, planned))
            return no_memory(err);
        done += len;
    }
    return 0;
}

static void take_packed_len(struct ckpt_load *load,
                            const struct ckpt_image *image)
{
    if (image->source.largest > load->packed_len)
        load->packed_len = image->source.largest;
}

/* Parts of one chunk become a unit. */
static int take_planned(struct ckpt_load *load, const struct planning *p,
                        struct ckpt_err *err)
{
    load->parts = calloc(p->n + 1, sizeof *load->parts);
    load->units = calloc(p->n + 1, sizeof *load->units);
    if (!load->parts || !load->units)
        return no_memory(err);
    load->nparts = p->n;
    for (size_t i = 0; i < p->n; i++) {
        const struct planned *now = &p->list[i];
        if (i == 0 || now->image != now[-1].image ||
            now->chunk != now[-1].chunk) {
            load->units[load->nunits++] = (struct ckpt_load_unit){
                .image = now->image, .chunk = now->chunk, .first = i};
            take_packed_len(load, now->image);
        }
        load->parts[i] = now->part;
        load->units[load->nunits - 1].count++;
    }
    return 0;
}

int ckpt_load_plan(struct ckpt_load *load, struct ckpt_image *image,
                   const struct ckpt_image_piece *pieces, size_t n,
                   struct ckpt_err *err)
{
    struct planning p = {.n = 0};
    int rc = 0;

    *load = (struct ckpt_load){.image = image};
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = plan_piece(&p, image, &pieces[i], err);
    if (rc == 0) {
        if (p.n > 0)
            qsort(p.list, p.n, sizeof *p.list, compare);
        rc = take_planned(load, &p, err);
    }
    free(p.list);
    if (rc)
        ckpt_load_clear(load);
    return rc;
}

int ckpt_load_plan_all(struct ckpt_load *load, struct ckpt_image *image,
                       struct ckpt_err *err)
{
    size_t n = image->source.nchunks;

    *load = (struct ckpt_load){.image = image};
    load->units = calloc(n + 1, sizeof *load->units);
    if (!load->units)
        return no_memory(err);
    load->nunits = n;
    for (size_t i = 0; i < n; i++)
        load->units[i] = (struct ckpt_load_unit){.image = image, .chunk = i};
    take_packed_len(load, image);
    return 0;
}

void ckpt_load_clear(struct ckpt_load *load)
{
    free(load->units);
    free(load->parts);
    memset(load, 0, sizeof *load);
}

/* --- reading ------------------------------------------------------------- */

int ckpt_load_room_make(struct ckpt_load_room *room,
                        const struct ckpt_load *load, struct ckpt_err *err)
{
    room->chunk = malloc(CKPT_IMAGE_CHUNK);
    room->packed = malloc(load->packed_len + 1);
    if (room->chunk && room->packed)
        return 0;
    ckpt_load_room_clear(room);
    return no_memory(err);
}

void ckpt_load_room_clear(struct ckpt_load_room *room)
{
    free(room->chunk);
    free(room->packed);
    room->chunk = room->packed = NULL;
}

static int name_base(const struct ckpt_load *load,
                     const struct ckpt_load_unit *u, struct ckpt_err *err)
{
    return u->image == load->image
               ? -1
               : ckpt_err_prefix(err, "its base %s", u->image->path);
}

int ckpt_load_read(const struct ckpt_load *load, size_t i,
                   struct ckpt_load_room *room, struct ckpt_err *err)
{
    const struct ckpt_load_unit *u = &load->units[i];

    if (ckpt_source_chunk(&u->image->source, u->chunk, room->packed,
                          room->chunk, err) == 0)
        return 0;
    return name_base(load, u, err);
}

/* Parts of a chunk that need not be read as a whole. */
static int read_parts(const struct ckpt_load *load,
                      const struct ckpt_load_unit *u, struct ckpt_err *err)
{
    uint64_t start = (uint64_t)u->chunk * CKPT_IMAGE_CHUNK;

    for (size_t k = u->first; k < u->first + u->count; k++) {
        const struct ckpt_load_part *part = &load->parts[k];
        if (ckpt_source_read(&u->image->source, start + part->skip,
                             (void *)(uintptr_t)part->to, part->len, err))
            return name_base(load, u, err);
    }
    return 0;
}

/* All its pages by one call instead of a fault for each; where that is not
 * known (Linux before 5.14), by faults. */
static void populate(uint64_t at, uint64_t len)
{
    uint64_t start = at / CKPT_IMAGE_PAGE * CKPT_IMAGE_PAGE;

    madvise((void *)(uintptr_t)start, at + len - start, MADV_POPULATE_WRITE);
}

static int load_unit(const struct ckpt_load *load, size_t i,
                     struct ckpt_load_room *room, struct ckpt_err *err)
{
    const struct ckpt_load_unit *u = &load->units[i];
    struct ckpt_source *s = &u->image->source;
    const struct ckpt_load_part *part = load->parts + u->first;

    if (u->count > 0 && ckpt_source_is_open(s, u->chunk))
        return read_parts(load, u, err);
    if (u->count == 1 && part->len == ckpt_source_chunk_len(s, u->chunk)) {
        populate(part->to, part->len);
        if (ckpt_source_chunk(s, u->chunk, room->packed,
                              (void *)(uintptr_t)part->to, err))
            return name_base(load, u, err);
        return 0;
    }
    if (ckpt_load_read(load, i, room, err))
        return -1;
    for (size_t k = 0; k < u->count; k++)
        memcpy((void *)(uintptr_t)part[k].to, room->chunk + part[k].skip,
               part[k].len);
    return 0;
}

/* --- threads ------------------------------------------------------------- */

struct run {
    const struct ckpt_load *load;
    _Atomic size_t next, failed; /* unit */
    pthread_mutex_t lock;        /* of what follows, and the storing above */
    int errnum;
    struct ckpt_err err;
};

static void take_error(struct run *run, size_t i, int errnum,
                       const struct ckpt_err *err)
{
    pthread_mutex_lock(&run->lock);
    if (i < atomic_load(&run->failed)) {
        atomic_store(&run->failed, i);
        run->errnum = errnum;
        run->err = *err;
    }
    pthread_mutex_unlock(&run->lock);
}

/* Units before one that failed are all tried: the first error is the same each
 * time. */
static void *work(void *arg)
{
    struct run *run = arg;
    struct ckpt_load_room room;
    struct ckpt_err err = {""};
    size_t i;

    if (ckpt_load_room_make(&room, run->load, &err)) {
        take_error(run, 0, errno, &err);
        return NULL;
    }
    while ((i = atomic_fetch_add(&run->next, 1)) < run->load->nunits &&
           i < atomic_load(&run->failed))
        if (load_unit(run->load, i, &room, &err))
            take_error(run, i, errno, &err);
    ckpt_load_room_clear(&room);
    return NULL;
}

/* Two for each processor, for one of them may be waiting for the file.  With
 * fewer threads than wanted it takes longer. */
static void work_together(struct run *run)
{
    pthread_t threads[THREADS_MAX];
    size_t n = 2 * ckpt_workers_cpus(), made = 0;
    sigset_t all, before;

    if (n > run->load->nunits / UNITS_EACH)
        n = run->load->nunits / UNITS_EACH;
    if (n > THREADS_MAX)
        n = THREADS_MAX;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (made + 1 < n && pthread_create(&threads[made], NULL, work, run) == 0)
        made++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    work(run);
    while (made > 0)
        pthread_join(threads[--made], NULL);
}

int ckpt_load_run(const struct ckpt_load *load, struct ckpt_err *err)
{
    struct run run = {.load = load, .lock = PTHREAD_MUTEX_INITIALIZER};

    atomic_store(&run.failed, SIZE_MAX);
    work_together(&run);
    if (atomic_load(&run.failed) == SIZE_MAX)
        return 0;
    if (err)
        *err = run.err;
    errno = run.errnum;
    return -1;
}

/* --- the interface ------------------------------------------------------- */

int ckpt_image_load(struct ckpt_image *image,
                    const struct ckpt_image_piece *pieces, size_t n,
                    struct ckpt_err *err)
{
    struct ckpt_load load;

    if (ckpt_load_plan(&load, image, pieces, n, err))
        return -1;
    int rc = ckpt_load_run(&load, err);
    ckpt_load_clear(&load);
    return rc;
}

static int verify_one(struct ckpt_image *image, struct ckpt_err *err)
{
    struct ckpt_source *s = &image->source;
    struct ckpt_load load;

    if (ckpt_load_plan_all(&load, image, err))
        return -1;
    memset(s->checked, 0, s->nchunks);
    s->cached = SIZE_MAX;
    int rc = ckpt_load_run(&load, err);
    ckpt_load_clear(&load);
    return rc;
}

int ckpt_image_verify(struct ckpt_image *image, struct ckpt_err *err)
{
    if (verify_one(image, err))
        return -1;
    if (image->base && ckpt_image_verify(image->base, err))
        return ckpt_err_prefix(err, "its base %s", image->base->path);
    return 0;
}

bool ckpt_image_is_checked(const struct ckpt_image *image)
{
    for (; image; image = image->base)
        if (memchr(image->source.checked, 0, image->source.nchunks))
            return false;
    return true;
}
