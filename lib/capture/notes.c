/* notes.c - see gathered.h: what was gathered, as the notes of an image */
#include "lib/capture/corenotes.h"
#include "lib/capture/gathered.h"
#include "lib/capture/rhythm.h"
#include "lib/capture/stop.h"

#include <errno.h>

struct encoder {
    struct capture *capture;
    struct ckpt_err *err;
};

static int add_note(struct encoder *e, enum ckpt_note_type type,
                    void (*encode)(struct ckpt_bytes *b,
                                   const struct capture *c))
{
    struct capture *c = e->capture;
    size_t room;
    void *buf = ckpt_arena_rest(&c->arena, &room);
    struct ckpt_bytes b = ckpt_bytes_over(buf, room);

    encode(&b, c);
    if (b.failed)
        return ckpt_err_set(e->err, ENOMEM, "note %d is too long", type);
    size_t len = (size_t)(b.at - (uint8_t *)buf);
    ckpt_arena_keep(&c->arena, len);
    c->notes[c->nnotes++] = (struct ckpt_note){"CKPT", type, buf, len};
    return 0;
}

static void encode_meta(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_meta_encode(b, &c->meta);
}

static void encode_maps(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_maps_encode(b, c->memory.maps, c->memory.nmaps);
}

static void encode_threads(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_threads_encode(b, c->threads, c->nthreads);
}

static void encode_files(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_files_encode(b, c->files.files, c->files.nfiles, c->files.descriptors,
                      c->files.ndescriptors);
}

static void encode_objects(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_objects_encode(b, c->files.files, c->files.nfiles);
}

static void encode_habits(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_habits_encode(b, c->files.files, c->files.nfiles);
}

static void encode_kept(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_kept_encode(b, &c->kept);
}

static void encode_process(struct ckpt_bytes *b, const struct capture *c)
{
    ckpt_process_encode(b, &c->process);
}

static void encode_taken(struct ckpt_bytes *b, const struct capture *c)
{
    struct ckpt_taken taken = c->increment.taken;

    ckpt_rhythm_tell(&taken);
    ckpt_taken_encode(b, &taken);
}

static void encode_base(struct ckpt_bytes *b, const struct capture *c)
{
    struct ckpt_base base = c->increment.base;

    base.held = c->increment.since.held;
    base.nheld = c->increment.since.nheld;
    ckpt_base_encode(b, &base);
}

/* Contents of files are written from where they are mapped: after the maps
 * were read. */
static int add_contents(struct capture *c, struct ckpt_err *err)
{
    uint32_t count = c->files.ncontents;

    c->contents =
        ckpt_arena_alloc(&c->arena, (count + 1) * sizeof *c->contents);
    if (!c->contents)
        return ckpt_err_sys(err, "contents of %u files", count);
    for (uint32_t i = 0; i < count; i++) {
        struct ckpt_blob *content = &c->contents[i];
        if (ckpt_files_map_content(&c->files, i + 1, content, err) < 0)
            return -1;
        c->notes[c->nnotes++] = (struct ckpt_note){"CKPT", CKPT_NOTE_CONTENT,
                                                   content->data, content->len};
    }
    return 0;
}

void ckpt_capture_drop_contents(struct capture *c)
{
    for (uint32_t i = 0; c->contents && i < c->files.ncontents; i++)
        ckpt_files_unmap_content(&c->contents[i]);
}

int ckpt_capture_make_notes(struct capture *c, struct ckpt_err *err)
{
    struct encoder e = {c, err};

    if (c->increment.since.increment)
        c->meta.version = CKPT_IMAGE_VERSION;
    c->notes = ckpt_arena_alloc(
        &c->arena, (CKPT_CORE_NOTES(c->nthreads) + 12 + c->files.ncontents) *
                       sizeof *c->notes);
    if (!c->notes)
        return ckpt_err_sys(err, "notes");
    if (ckpt_core_notes(&c->arena, c->notes, &c->nnotes, &c->process,
                        &c->memory, ckpt_stop_threads(&(size_t){0}), err) < 0)
        return -1;
    if (add_note(&e, CKPT_NOTE_META, encode_meta) < 0 ||
        add_note(&e, CKPT_NOTE_MAPS, encode_maps) < 0 ||
        add_note(&e, CKPT_NOTE_THREADS, encode_threads) < 0 ||
        add_note(&e, CKPT_NOTE_FILES, encode_files) < 0 ||
        add_note(&e, CKPT_NOTE_PROCESS, encode_process) < 0 ||
        add_note(&e, CKPT_NOTE_OBJECTS, encode_objects) < 0 ||
        add_note(&e, CKPT_NOTE_TAKEN, encode_taken) < 0 ||
        (ckpt_habits_any(c->files.files, c->files.nfiles) &&
         add_note(&e, CKPT_NOTE_HABITS, encode_habits) < 0) ||
        (c->kept.number > 0 && add_note(&e, CKPT_NOTE_KEPT, encode_kept) < 0))
        return -1;
    if (c->increment.since.increment &&
        add_note(&e, CKPT_NOTE_BASE, encode_base) < 0)
        return -1;
    if (c->around.len > 0)
        c->notes[c->nnotes++] = (struct ckpt_note){
            "CKPT", CKPT_NOTE_AROUND, c->around.data, c->around.len};
    return add_contents(c, err);
}
