/* chain.c - an increment, its base, the base's base: one memory
 *
 *     increment      own segments          held: what the base has here
 *     base           own segments          held
 *     whole image    own segments
 *
 * What an increment holds of its base becomes segments like its own, with
 * offsets that lead into the base.  Nothing is trusted: ids must agree, and
 * ranges be in order.
 */
#include "lib/image/format.h"
#include "lib/image/image_impl.h"
#include "lib/image/notes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 1000 };

struct base_note {
    uint8_t id[CKPT_ID_LEN];
    char name[CKPT_PATH_MAX], dir[CKPT_PATH_MAX];
    struct ckpt_range *held; /* allocated */
    size_t nheld;
};

static int malformed(struct ckpt_err *err, const char *what)
{
    return ckpt_err_set(err, EPROTO, "malformed: %s", what);
}

static int no_memory(struct ckpt_err *err)
{
    return ckpt_err_set(err, ENOMEM, "no memory");
}

/* --- the notes ----------------------------------------------------------- */

static int get_held(struct ckpt_bytes *b, struct base_note *note,
                    struct ckpt_err *err)
{
    uint32_t count = ckpt_get_u32(b);
    uint64_t end = 0;

    if (b->failed || count > ckpt_bytes_left(b) / 16)
        return malformed(err, "base note");
    note->held = calloc(count + 1u, sizeof *note->held);
    if (!note->held)
        return no_memory(err);
    note->nheld = count;
    for (uint32_t i = 0; i < count; i++) {
        struct ckpt_range *h = &note->held[i];
        h->start = ckpt_get_u64(b);
        h->end = ckpt_get_u64(b);
        if (h->start < end || h->end <= h->start ||
            (h->start | h->end) % CKPT_IMAGE_PAGE != 0)
            return malformed(err, "ranges of the base");
        end = h->end;
    }
    return 0;
}

static int get_base(const void *data, size_t len, struct base_note *note,
                    struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_bytes_over((void *)(uintptr_t)data, len);

    ckpt_get_raw(&b, note->id, sizeof note->id);
    ckpt_get_str(&b, note->name, sizeof note->name);
    ckpt_get_str(&b, note->dir, sizeof note->dir);
    if (b.failed || note->name[0] == '\0')
        return malformed(err, "base note");
    return get_held(&b, note, err);
}

/* META begins with a version and the id. */
static bool has_id(const struct ckpt_image *image,
                   const uint8_t id[CKPT_ID_LEN])
{
    size_t len;
    const uint8_t *meta =
        ckpt_image_note(image, CKPT_NOTE_NAME, CKPT_NOTE_META, &len);

    return meta && len >= 4 + CKPT_ID_LEN &&
           memcmp(meta + 4, id, CKPT_ID_LEN) == 0;
}

/* --- finding the base ---------------------------------------------------- */

/* The places where it may be: where it was seen from the increment, beside it
 * (the increment is itself among the bases), where it was written. */
static bool candidate(const char *path, const struct base_note *note, int i,
                      char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    int dir_len = slash ? (int)(slash - path) : 1;
    const char *dir = slash ? path : ".";
    const char *last = strrchr(note->name, '/');
    int n = -1;

    if (i == 0)
        n = snprintf(out, size, "%.*s/%s", dir_len, dir, note->name);
    else if (i == 1 && last)
        n = snprintf(out, size, "%.*s%s", dir_len, dir, last);
    else if (i == 2 && note->dir[0])
        n = snprintf(out, size, "%s/%s", note->dir, note->name);
    return n > 0 && (size_t)n < size;
}

static int describe_missing(const struct base_note *note, bool foreign,
                            struct ckpt_err *err)
{
    return ckpt_err_set(
        err, ENOLINK,
        foreign ? "its base %s is another image than the one it was made on"
                : "its base %s is missing: an increment needs the files "
                  "beside it in %.*s",
        note->name, foreign ? 0 : (int)strcspn(note->name, "/"), note->name);
}

/* The first candidate with the right id; the error of the last that was an
 * image, but a broken one. */
static int find_base(struct ckpt_image *image, const struct base_note *note,
                     struct ckpt_err *err)
{
    char path[2 * CKPT_PATH_MAX];
    bool foreign = false, broken = false;

    for (int i = 0; i < 3; i++) {
        struct ckpt_err why = {""};
        if (!candidate(image->path, note, i, path, sizeof path))
            continue;
        struct ckpt_image *base = ckpt_image_open_one(path, &why);
        if (base && has_id(base, note->id)) {
            image->base = base;
            return 0;
        }
        foreign = foreign || base;
        if (!base && errno != ENOENT && errno != ENOTDIR) {
            ckpt_err_set(err, errno, "its base %s: %s", path, why.text);
            broken = true;
        }
        ckpt_image_close(base);
    }
    return broken ? -1 : describe_missing(note, foreign, err);
}

/* --- merging -------------------------------------------------------------- */

struct merging {
    const struct ckpt_image *image;
    const struct ckpt_image_segment *below; /* the base's */
    size_t nbelow, room;
    size_t own;       /* so many of its own are in the list... */
    uint64_t covered; /* ...up to here */
    struct ckpt_image_segment *list;
    size_t n;
};

static int append(struct merging *m, struct ckpt_image_segment segment)
{
    if (m->n == m->room) {
        size_t room = m->room ? 2 * m->room : 1024;
        void *more = realloc(m->list, room * sizeof *m->list);
        if (!more)
            return -1;
        m->list = more;
        m->room = room;
    }
    m->list[m->n++] = segment;
    return 0;
}

/* Index of the first of the base's segments that ends after `at`. */
static size_t first_below(const struct merging *m, uint64_t at)
{
    size_t low = 0, high = m->nbelow;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (m->below[mid].vaddr + m->below[mid].memsz <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The contents that the base has in [start, end). */
static int append_below(struct merging *m, uint64_t start, uint64_t end)
{
    uint64_t shift = ckpt_chain_base_offset(m->image);

    for (size_t i = first_below(m, start);
         i < m->nbelow && m->below[i].vaddr < end; i++) {
        const struct ckpt_image_segment *s = &m->below[i];
        uint64_t from = s->vaddr > start ? s->vaddr : start;
        uint64_t to = s->vaddr + s->filesz < end ? s->vaddr + s->filesz : end;
        if (from < to &&
            append(m, (struct ckpt_image_segment){
                          .vaddr = from,
                          .filesz = to - from,
                          .memsz = to - from,
                          .offset = shift + s->offset + (from - s->vaddr),
                          .prot = s->prot,
                      }))
            return -1;
    }
    return 0;
}

/* Append own segments that begin at or before `at`; returns where the last of
 * all that were appended ends, or 0 for lack of memory. */
static uint64_t append_own(struct merging *m, uint64_t at)
{
    const struct ckpt_image *image = m->image;

    for (; m->own < image->nsegments && image->segments[m->own].vaddr <= at;
         m->own++) {
        const struct ckpt_image_segment *s = &image->segments[m->own];
        if (append(m, *s))
            return 0;
        m->covered = s->vaddr + s->memsz;
    }
    return m->covered > at ? m->covered : at;
}

static uint64_t next_own(const struct merging *m, uint64_t end)
{
    const struct ckpt_image *image = m->image;

    return m->own < image->nsegments && image->segments[m->own].vaddr < end
               ? image->segments[m->own].vaddr
               : end;
}

/* Go up through own segments and held ranges; where both are, own ones win. */
static int merge_all(struct merging *m, const struct base_note *note)
{
    for (size_t i = 0; i < note->nheld; i++) {
        uint64_t at = note->held[i].start, end = note->held[i].end;
        while (at < end) {
            uint64_t from = append_own(m, at);
            uint64_t upto = next_own(m, end);
            if (from == 0 || (from < upto && append_below(m, from, upto)))
                return -1;
            at = from < upto ? upto : from;
        }
    }
    return append_own(m, UINT64_MAX) == 0 ? -1 : 0;
}

static int merge(struct ckpt_image *image, const struct base_note *note,
                 struct ckpt_err *err)
{
    struct merging m = {.image = image};

    m.nbelow = ckpt_image_segments(image->base, &m.below);
    if (merge_all(&m, note)) {
        free(m.list);
        return no_memory(err);
    }
    image->merged = m.list;
    image->nmerged = m.n;
    return 0;
}

/* --- the interface -------------------------------------------------------- */

static int open_chain(struct ckpt_image *image, int depth, struct ckpt_err *err)
{
    struct base_note note = {.nheld = 0};
    size_t len;
    const void *data =
        ckpt_image_note(image, CKPT_NOTE_NAME, CKPT_NOTE_BASE, &len);

    if (!data != (image->version < CKPT_FORMAT_VERSION))
        return malformed(err, "base note");
    if (!data)
        return 0;
    if (depth > DEPTH_MAX)
        return malformed(err, "an endless chain of bases");
    int rc = get_base(data, len, &note, err);
    if (rc == 0)
        rc = find_base(image, &note, err);
    if (rc == 0 && open_chain(image->base, depth + 1, err) < 0)
        rc = ckpt_err_prefix(err, "its base %s", image->base->path);
    if (rc == 0)
        rc = merge(image, &note, err);
    free(note.held);
    return rc;
}

int ckpt_chain_open(struct ckpt_image *image, struct ckpt_err *err)
{
    return open_chain(image, 1, err);
}
