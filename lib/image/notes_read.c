/* notes_read.c - decoding of the CKPT notes; see notes.h
 *
 * Counts are checked against the bytes that are there before anything is
 * allocated; strings are copied into one block that is as large as the notes
 * they came from.
 */
#include "lib/image/image.h"
#include "lib/image/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAP_BYTES = 3 * 4 + 7 * 8 + 4, /* the least that one entry takes */
    THREAD_BYTES = 4 * 4 + 5 * 8 + CKPT_AFFINITY_WORDS * 8 + CKPT_COMM_MAX,
    FILE_BYTES = 4 * 4 + 6 * 8 + 4,
    DESCRIPTOR_BYTES = 3 * 4,
    OBJECT_BYTES = 4 * 4,
    HABITS_BYTES = 20,
};

struct decoder {
    struct ckpt_bytes in;
    char *strings; /* next free byte of the string block */
};

static uint32_t get_count(struct ckpt_bytes *b, size_t least)
{
    uint32_t count = ckpt_get_u32(b);

    if (count > ckpt_bytes_left(b) / least)
        b->failed = true;
    return b->failed ? 0 : count;
}

static const char *get_string(struct decoder *d)
{
    const uint8_t *data;
    size_t len = ckpt_get_blob(&d->in, &data);
    char *text = d->strings;

    if (len >= CKPT_PATH_MAX || (len > 0 && memchr(data, '\0', len)))
        d->in.failed = true;
    if (d->in.failed)
        return "";
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    d->strings += len + 1;
    return text;
}

static void get_meta(struct decoder *d, struct ckpt_notes *notes)
{
    struct ckpt_meta *m = &notes->meta;
    struct ckpt_bytes *b = &d->in;

    m->version = ckpt_get_u32(b);
    ckpt_get_raw(b, m->id, sizeof m->id);
    m->time_ns = ckpt_get_u64(b);
    m->monotonic_ns = ckpt_get_u64(b);
    m->boottime_ns = ckpt_get_u64(b);
    m->page_size = ckpt_get_u32(b);
    m->flags = ckpt_get_u32(b);
    for (size_t i = 0; i < CKPT_CPU_WORDS; i++)
        m->cpu_features[i] = ckpt_get_u32(b);
    m->xcr0 = ckpt_get_u64(b);
    m->entry_pc = ckpt_get_u64(b);
    m->entry_sp = ckpt_get_u64(b);
    m->entry_fs = ckpt_get_u64(b);
    ckpt_get_str(b, m->program, sizeof m->program);
    ckpt_get_str(b, m->host, sizeof m->host);
    ckpt_get_str(b, m->kernel, sizeof m->kernel);
    ckpt_get_str(b, m->library, sizeof m->library);
    m->started[0] = '\0';
    if (ckpt_bytes_left(b) > 0)
        ckpt_get_str(b, m->started, sizeof m->started);
}

/* A lock that is held in memory that has not changed since a base. */
static void inherit_flags(const struct ckpt_image *image,
                          struct ckpt_notes *notes)
{
    size_t len;

    while ((image = ckpt_image_base(image))) {
        const uint8_t *meta =
            ckpt_image_note(image, "CKPT", CKPT_NOTE_META, &len);
        if (!meta || len < CKPT_META_FLAGS_AT + 4)
            continue;
        struct ckpt_bytes b = ckpt_bytes_over(
            (void *)(uintptr_t)(meta + CKPT_META_FLAGS_AT), sizeof(uint32_t));
        notes->meta.flags |= ckpt_get_u32(&b) & CKPT_META_HOLDS_LOCK;
    }
}

static void get_maps(struct decoder *d, struct ckpt_notes *notes)
{
    uint32_t count = get_count(&d->in, MAP_BYTES);

    notes->maps = calloc(count + 1u, sizeof *notes->maps);
    if (!notes->maps) {
        d->in.failed = true;
        return;
    }
    notes->nmaps = count;
    for (uint32_t i = 0; i < count && !d->in.failed; i++) {
        struct ckpt_map *m = &notes->maps[i];
        m->start = ckpt_get_u64(&d->in);
        m->end = ckpt_get_u64(&d->in);
        m->kind = ckpt_get_u32(&d->in);
        m->prot = ckpt_get_u32(&d->in);
        m->flags = ckpt_get_u32(&d->in);
        m->offset = ckpt_get_u64(&d->in);
        m->dev = ckpt_get_u64(&d->in);
        m->ino = ckpt_get_u64(&d->in);
        m->size = ckpt_get_u64(&d->in);
        m->mtime_ns = (int64_t)ckpt_get_u64(&d->in);
        m->path = get_string(d);
        uint64_t before = i > 0 ? m[-1].end : 0;
        if (m->start < before || m->end <= m->start ||
            (m->start | m->end | m->offset) % 4096 != 0)
            d->in.failed = true;
    }
}

static void get_threads(struct decoder *d, struct ckpt_notes *notes)
{
    uint32_t count = get_count(&d->in, THREAD_BYTES);

    notes->threads = calloc(count + 1u, sizeof *notes->threads);
    if (!notes->threads || count == 0) {
        d->in.failed = true;
        return;
    }
    notes->nthreads = count;
    for (uint32_t i = 0; i < count && !d->in.failed; i++) {
        struct ckpt_thread_note *t = &notes->threads[i];
        t->tid = (int32_t)ckpt_get_u32(&d->in);
        t->policy = (int32_t)ckpt_get_u32(&d->in);
        t->priority = (int32_t)ckpt_get_u32(&d->in);
        t->nice = (int32_t)ckpt_get_u32(&d->in);
        t->record = ckpt_get_u64(&d->in);
        t->fs_base = ckpt_get_u64(&d->in);
        t->gs_base = ckpt_get_u64(&d->in);
        t->pc = ckpt_get_u64(&d->in);
        t->sp = ckpt_get_u64(&d->in);
        for (size_t w = 0; w < CKPT_AFFINITY_WORDS; w++)
            t->affinity[w] = ckpt_get_u64(&d->in);
        ckpt_get_raw(&d->in, t->comm, sizeof t->comm);
        t->comm[sizeof t->comm - 1] = '\0';
    }
}

static void get_files(struct decoder *d, struct ckpt_notes *notes)
{
    uint32_t count = get_count(&d->in, FILE_BYTES);

    notes->files = calloc(count + 1u, sizeof *notes->files);
    if (!notes->files) {
        d->in.failed = true;
        return;
    }
    notes->nfiles = count;
    for (uint32_t i = 0; i < count && !d->in.failed; i++) {
        struct ckpt_open_file *f = &notes->files[i];
        f->kind = ckpt_get_u32(&d->in);
        f->flags = ckpt_get_u32(&d->in);
        f->mode = ckpt_get_u32(&d->in);
        f->caller_fd = (int32_t)ckpt_get_u32(&d->in);
        f->dev = ckpt_get_u64(&d->in);
        f->ino = ckpt_get_u64(&d->in);
        f->offset = ckpt_get_u64(&d->in);
        f->size = ckpt_get_u64(&d->in);
        f->mtime_ns = (int64_t)ckpt_get_u64(&d->in);
        f->digest = ckpt_get_u64(&d->in);
        f->path = get_string(d);
    }
}

static void get_descriptors(struct decoder *d, struct ckpt_notes *notes)
{
    uint32_t count = get_count(&d->in, DESCRIPTOR_BYTES);

    notes->descriptors = calloc(count + 1u, sizeof *notes->descriptors);
    if (!notes->descriptors) {
        d->in.failed = true;
        return;
    }
    notes->ndescriptors = count;
    for (uint32_t i = 0; i < count; i++) {
        struct ckpt_descriptor *f = &notes->descriptors[i];
        f->fd = (int32_t)ckpt_get_u32(&d->in);
        f->file = ckpt_get_u32(&d->in);
        f->cloexec = ckpt_get_u32(&d->in);
        if (f->file >= notes->nfiles || f->fd < 0)
            d->in.failed = true;
    }
}

static void get_files_note(struct decoder *d, struct ckpt_notes *notes)
{
    get_files(d, notes);
    get_descriptors(d, notes);
}

/* The blobs stay where they are, in the image's note. */
static void get_objects(struct decoder *d, struct ckpt_notes *notes)
{
    uint32_t count = get_count(&d->in, OBJECT_BYTES);

    for (uint32_t i = 0; i < count && !d->in.failed; i++) {
        uint32_t file = ckpt_get_u32(&d->in);
        if (file >= notes->nfiles) {
            d->in.failed = true;
            return;
        }
        struct ckpt_open_file *f = &notes->files[file];
        f->content_number = ckpt_get_u32(&d->in);
        f->state.len = (uint32_t)ckpt_get_blob(&d->in, &f->state.data);
        f->locks.len = (uint32_t)ckpt_get_blob(&d->in, &f->locks.data);
    }
}

static void get_habits(struct decoder *d, struct ckpt_notes *notes)
{
    uint32_t count = get_count(&d->in, HABITS_BYTES);

    for (uint32_t i = 0; i < count && !d->in.failed; i++) {
        uint32_t file = ckpt_get_u32(&d->in);
        if (file >= notes->nfiles) {
            d->in.failed = true;
            return;
        }
        struct ckpt_habits *h = &notes->files[file].habits;
        h->owner = ckpt_get_u32(&d->in);
        h->signal = ckpt_get_u32(&d->in);
        h->low_mark = ckpt_get_u32(&d->in);
        h->peek_from = ckpt_get_u32(&d->in);
    }
}

static void get_process(struct decoder *d, struct ckpt_notes *notes)
{
    struct ckpt_process *p = &notes->process;
    struct ckpt_bytes *b = &d->in;
    const uint8_t *auxv;

    p->pid = (int32_t)ckpt_get_u32(b);
    p->ppid = (int32_t)ckpt_get_u32(b);
    p->pgid = (int32_t)ckpt_get_u32(b);
    p->sid = (int32_t)ckpt_get_u32(b);
    p->uid = ckpt_get_u32(b);
    p->gid = ckpt_get_u32(b);
    p->umask = ckpt_get_u32(b);
    p->dumpable = ckpt_get_u32(b);
    uint64_t *mm[] = {&p->start_code,  &p->end_code,  &p->start_data,
                      &p->end_data,    &p->start_brk, &p->brk,
                      &p->start_stack, &p->arg_start, &p->arg_end,
                      &p->env_start,   &p->env_end};
    for (size_t i = 0; i < sizeof mm / sizeof mm[0]; i++)
        *mm[i] = ckpt_get_u64(b);
    p->auxv_len = (uint32_t)ckpt_get_blob(b, &auxv);
    if (p->auxv_len > sizeof p->auxv)
        b->failed = true;
    else if (p->auxv_len > 0)
        memcpy(p->auxv, auxv, p->auxv_len);
    for (size_t i = 0; i < CKPT_NSIG; i++) {
        p->sigactions[i].handler = ckpt_get_u64(b);
        p->sigactions[i].flags = ckpt_get_u64(b);
        p->sigactions[i].restorer = ckpt_get_u64(b);
        p->sigactions[i].mask = ckpt_get_u64(b);
    }
    for (size_t i = 0; i < 3; i++) {
        p->itimer_value_us[i] = ckpt_get_u64(b);
        p->itimer_interval_us[i] = ckpt_get_u64(b);
    }
    for (size_t i = 0; i < 16; i++) {
        p->rlimit_cur[i] = ckpt_get_u64(b);
        p->rlimit_max[i] = ckpt_get_u64(b);
    }
    ckpt_get_str(b, p->cwd, sizeof p->cwd);
}

static void get_taken(struct decoder *d, struct ckpt_notes *notes)
{
    struct ckpt_taken *t = &notes->taken;

    t->method = ckpt_get_u32(&d->in);
    t->depth = ckpt_get_u32(&d->in);
    t->interval_ns = ckpt_get_u64(&d->in);
    ckpt_get_str(&d->in, t->reason, sizeof t->reason);
}

static void get_kept(struct decoder *d, struct ckpt_notes *notes)
{
    notes->kept.number = ckpt_get_u32(&d->in);
    ckpt_get_str(&d->in, notes->kept.dir, sizeof notes->kept.dir);
    if (notes->kept.number == 0 || notes->kept.dir[0] != '/')
        d->in.failed = true;
}

static const struct {
    enum ckpt_note_type type;
    const char *name;
    void (*get)(struct decoder *d, struct ckpt_notes *notes);
} sections[] = {
    {CKPT_NOTE_META, "meta", get_meta},
    {CKPT_NOTE_MAPS, "maps", get_maps},
    {CKPT_NOTE_THREADS, "threads", get_threads},
    {CKPT_NOTE_FILES, "files", get_files_note},
    {CKPT_NOTE_PROCESS, "process", get_process},
    {CKPT_NOTE_OBJECTS, "objects", get_objects},
    {CKPT_NOTE_TAKEN, "taken", get_taken},
    {CKPT_NOTE_KEPT, "kept", get_kept},
    {CKPT_NOTE_HABITS, "habits", get_habits},
};
enum { NSECTIONS = sizeof sections / sizeof sections[0] };

/* The contents of files, in the order of the notes. */
static int find_contents(const struct ckpt_image *image,
                         struct ckpt_notes *notes, struct ckpt_err *err)
{
    struct ckpt_note note;
    uint32_t number = 0, last = 0;

    for (size_t k = 0; k < notes->nfiles; k++)
        if (notes->files[k].content_number > last)
            last = notes->files[k].content_number;
    for (size_t i = 0; number < last && ckpt_image_note_at(image, i, &note);
         i++) {
        if (note.type != CKPT_NOTE_CONTENT || strcmp(note.name, "CKPT") != 0)
            continue;
        number++;
        for (size_t k = 0; k < notes->nfiles; k++)
            if (notes->files[k].content_number == number)
                notes->files[k].content =
                    (struct ckpt_blob){note.data, (uint32_t)note.len};
    }
    return number < last ? ckpt_err_set(err, EPROTO,
                                        "the contents of an open file are "
                                        "missing")
                         : 0;
}

static int decode_all(const struct ckpt_image *image, struct ckpt_notes *notes,
                      struct ckpt_err *err)
{
    char *strings = notes->strings;

    for (size_t i = 0; i < NSECTIONS; i++) {
        size_t len;
        const void *data =
            ckpt_image_note(image, "CKPT", sections[i].type, &len);
        if (!data && (sections[i].type == CKPT_NOTE_OBJECTS ||
                      sections[i].type == CKPT_NOTE_TAKEN ||
                      sections[i].type == CKPT_NOTE_KEPT ||
                      sections[i].type == CKPT_NOTE_HABITS))
            continue;
        if (!data)
            return ckpt_err_set(err, EPROTO, "the %s note is missing",
                                sections[i].name);
        /* the cursor only reads */
        struct decoder d = {ckpt_bytes_over((void *)(uintptr_t)data, len),
                            strings};
        sections[i].get(&d, notes);
        if (sections[i].type == CKPT_NOTE_META &&
            notes->meta.version > CKPT_IMAGE_VERSION)
            return ckpt_err_set(err, ENOTSUP,
                                "the image has format version %u, this "
                                "libckpt reads up to %d: use a newer libckpt",
                                notes->meta.version, CKPT_IMAGE_VERSION);
        if (d.in.failed)
            return ckpt_err_set(err, EPROTO, "the %s note is malformed",
                                sections[i].name);
        strings = d.strings;
    }
    inherit_flags(image, notes);
    return find_contents(image, notes, err);
}

int ckpt_notes_read(const struct ckpt_image *image, struct ckpt_notes *notes,
                    struct ckpt_err *err)
{
    struct ckpt_notes fresh = {0};
    size_t total = 1;

    for (size_t i = 0; i < NSECTIONS; i++) {
        size_t len = 0;
        ckpt_image_note(image, "CKPT", sections[i].type, &len);
        total += len;
    }
    fresh.strings = malloc(total);
    if (!fresh.strings)
        return ckpt_err_sys(err, "notes of %zu bytes", total);
    if (decode_all(image, &fresh, err) < 0) {
        int saved = errno;
        ckpt_notes_clear(&fresh);
        errno = saved;
        return -1;
    }
    *notes = fresh;
    return 0;
}

void ckpt_notes_clear(struct ckpt_notes *notes)
{
    free(notes->maps);
    free(notes->threads);
    free(notes->files);
    free(notes->descriptors);
    free(notes->strings);
    memset(notes, 0, sizeof *notes);
}
