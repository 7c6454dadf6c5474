/* merge.c - an increment and its bases as one image
 *
 * The notes are those of the increment but BASE: the id stays, because it is
 * the same state of the program.  Segments follow the MAPS note, so that a
 * debugger sees zeros, and not nothing, where a mapping was never written.
 *
 * What is not compressed is written from where it is in its file, mapped, so
 * that it needs no memory of its own; it has been checked before.
 */
#include "lib/image/format.h"
#include "lib/image/image_impl.h"
#include "lib/image/notes.h"
#include "lib/image/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A file of the chain, mapped. */
struct mapped {
    const struct ckpt_image *image;
    uint8_t *at;
    uint64_t len;
};

struct plan {
    struct ckpt_image *image;
    struct mapped *mapped; /* those that are not compressed */
    size_t nmapped;
    struct ckpt_segment *segments;
    size_t n;
    uint64_t bytes; /* of contents that are compressed */
    uint8_t *memory;
    uint64_t at; /* used of it */
    struct ckpt_image_piece *pieces;
    size_t npieces;
    uint32_t flags; /* of META */
    uint8_t *meta;
    struct ckpt_err *err;
};

static void *map_memory(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void unmap_files(struct plan *p)
{
    for (size_t i = 0; i < p->nmapped; i++)
        munmap(p->mapped[i].at, p->mapped[i].len);
    free(p->mapped);
}

/* All files of the chain that are not compressed. */
static int map_files(struct plan *p)
{
    size_t n = 0;

    for (const struct ckpt_image *i = p->image; i; i = ckpt_image_base(i))
        n++;
    p->mapped = calloc(n, sizeof *p->mapped);
    if (!p->mapped)
        return ckpt_err_set(p->err, ENOMEM, "no memory");
    for (const struct ckpt_image *i = p->image; i; i = ckpt_image_base(i)) {
        uint64_t len = ckpt_image_file_size(i);
        if (ckpt_image_codec(i) != CKPT_CODEC_NONE)
            continue;
        void *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, ckpt_image_fd(i), 0);
        if (at == MAP_FAILED)
            return ckpt_err_sys(p->err, "%s", ckpt_image_path(i));
        p->mapped[p->nmapped++] = (struct mapped){i, at, len};
    }
    return 0;
}

/* Where a segment's contents are mapped; NULL when they are compressed. */
static const uint8_t *in_file(const struct plan *p,
                              const struct ckpt_image_segment *s)
{
    uint64_t offset = s->offset;
    const struct ckpt_image *owner = ckpt_image_owner(p->image, &offset);

    for (size_t i = 0; i < p->nmapped; i++)
        if (p->mapped[i].image == owner && offset <= p->mapped[i].len &&
            s->filesz <= p->mapped[i].len - offset)
            return p->mapped[i].at + offset;
    return NULL;
}

/* The contents of one segment are in a file, or will be in the memory. */
static void take_segment(struct plan *p, const struct ckpt_image_segment *s)
{
    const uint8_t *data = in_file(p, s);

    if (!data && s->filesz > 0) {
        data = p->memory + p->at;
        p->pieces[p->npieces++] = (struct ckpt_image_piece){
            s->offset, s->filesz, (uint64_t)(uintptr_t)data};
        p->at += s->filesz;
    }
    p->segments[p->n++] = (struct ckpt_segment){
        .vaddr = s->vaddr,
        .filesz = s->filesz,
        .memsz = s->memsz,
        .data = data,
        .prot = s->prot,
    };
}

/* Zeros between the segments inside the mapping at [at, end). */
static void add_zeros(struct plan *p, uint64_t at, uint64_t end, uint32_t prot)
{
    if (at < end)
        p->segments[p->n++] =
            (struct ckpt_segment){.vaddr = at, .memsz = end - at, .prot = prot};
}

static int take_map(struct plan *p, const struct ckpt_map *m, size_t *k)
{
    const struct ckpt_image_segment *s;
    size_t n = ckpt_image_segments(p->image, &s);
    uint64_t at = m->start;

    for (; *k < n && s[*k].vaddr < m->end; ++*k) {
        if (s[*k].vaddr < at || s[*k].memsz > m->end - s[*k].vaddr)
            return ckpt_err_set(p->err, EPROTO,
                                "malformed: a segment outside its mapping");
        add_zeros(p, at, s[*k].vaddr, m->prot);
        take_segment(p, &s[*k]);
        at = s[*k].vaddr + s[*k].memsz;
    }
    add_zeros(p, at, m->end, m->prot);
    return 0;
}

static int make_plan(struct plan *p, const struct ckpt_notes *notes)
{
    const struct ckpt_image_segment *s;
    size_t n = ckpt_image_segments(p->image, &s), k = 0;

    if (ckpt_image_verify(p->image, p->err) || map_files(p))
        return -1;
    for (size_t i = 0; i < n; i++)
        p->bytes += in_file(p, &s[i]) ? 0 : s[i].filesz;
    p->memory = map_memory(p->bytes + CKPT_IMAGE_PAGE);
    p->segments = calloc(2 * n + notes->nmaps + 1, sizeof *p->segments);
    p->pieces = calloc(n + 1, sizeof *p->pieces);
    if (!p->memory || !p->segments || !p->pieces)
        return ckpt_err_set(p->err, ENOMEM, "no memory");
    for (size_t i = 0; i < notes->nmaps; i++)
        if (take_map(p, &notes->maps[i], &k))
            return -1;
    return ckpt_image_load(p->image, p->pieces, p->npieces, p->err);
}

/* META with what the bases say. */
static void take_meta(struct plan *p, struct ckpt_note *note)
{
    uint8_t *copy = malloc(note->len);

    if (!copy || note->len < CKPT_META_FLAGS_AT + sizeof p->flags) {
        free(copy);
        return;
    }
    memcpy(copy, note->data, note->len);
    struct ckpt_bytes b =
        ckpt_bytes_over(copy + CKPT_META_FLAGS_AT, sizeof p->flags);
    ckpt_put_u32(&b, p->flags);
    free(p->meta);
    p->meta = copy;
    note->data = copy;
}

/* All notes but those that tell of this file alone. */
static struct ckpt_note *other_notes(struct plan *p, size_t *n)
{
    const struct ckpt_image *image = p->image;
    struct ckpt_note note, *list;
    size_t count = 0;

    while (ckpt_image_note_at(image, count, &note))
        count++;
    list = calloc(count + 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; list && ckpt_image_note_at(image, i, &note); i++) {
        if (note.type == CKPT_NOTE_FORMAT || note.type == CKPT_NOTE_BASE ||
            note.type == CKPT_NOTE_TAKEN)
            continue;
        if (note.type == CKPT_NOTE_META)
            take_meta(p, &note);
        list[(*n)++] = note;
    }
    return list;
}

static int write_plan(struct plan *p, struct ckpt_sink *sink,
                      enum ckpt_codec codec)
{
    size_t nnotes;
    struct ckpt_note *notes = other_notes(p, &nnotes);
    uint64_t bytes = p->n * sizeof(Elf64_Phdr);

    for (size_t i = 0; notes && i < nnotes; i++)
        bytes += notes[i].len + 64;
    for (size_t i = 0; i < p->n; i++)
        bytes += p->segments[i].filesz;
    struct ckpt_image_options options = {.codec = codec,
                                         .threads = ckpt_workers_cpus()};
    size_t len = ckpt_image_workspace(&options, bytes);
    void *work = map_memory(len);
    int rc = -1;
    if (!notes || !work) {
        ckpt_err_set(p->err, ENOMEM, "no memory");
        sink->abort(sink);
    } else {
        rc = ckpt_image_write(sink, &options, p->segments, p->n, notes, nnotes,
                              work, len, NULL, p->err);
    }
    if (work)
        munmap(work, len);
    free(notes);
    return rc;
}

int ckpt_image_merge(struct ckpt_image *image, struct ckpt_sink *sink,
                     enum ckpt_codec codec, struct ckpt_err *err)
{
    struct plan p = {.image = image, .err = err};
    struct ckpt_notes notes;

    if (ckpt_notes_read(image, &notes, err)) {
        sink->abort(sink);
        return -1;
    }
    p.flags = notes.meta.flags;
    int rc = make_plan(&p, &notes);
    if (rc == 0)
        rc = write_plan(&p, sink, codec);
    else
        sink->abort(sink);
    if (p.memory)
        munmap(p.memory, p.bytes + CKPT_IMAGE_PAGE);
    unmap_files(&p);
    free(p.meta);
    free(p.segments);
    free(p.pieces);
    ckpt_notes_clear(&notes);
    return rc;
}
