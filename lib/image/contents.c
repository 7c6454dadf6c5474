/* contents.c - an image's notes and segments, whose headers have been checked
 */
#include "lib/image/format.h"
#include "lib/image/image_impl.h"
#include "lib/image/layout.h"

#include "lib/common/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int malformed(struct ckpt_err *err, const char *what)
{
    return ckpt_err_set(err, EPROTO, "malformed: %s", what);
}
/* --- notes -------------------------------------------------------------- */

/* Step to the next note.  False at the end, and when it is malformed. */
static bool next_note(struct ckpt_bytes *b, struct ckpt_note *note)
{
    if (ckpt_bytes_left(b) == 0)
        return false;
    uint32_t namesz = ckpt_get_u32(b);
    uint32_t descsz = ckpt_get_u32(b);
    note->type = ckpt_get_u32(b);
    uint64_t name_len = ckpt_align(namesz, 4);
    uint64_t desc_len = ckpt_align(descsz, 4);
    if (b->failed || namesz == 0 || name_len > ckpt_bytes_left(b) ||
        desc_len > ckpt_bytes_left(b) - name_len || b->at[namesz - 1] != '\0') {
        b->failed = true;
        return false;
    }
    note->name = (const char *)b->at;
    note->data = b->at + name_len;
    note->len = descsz;
    b->at += name_len + desc_len;
    return true;
}

static int read_notes(struct ckpt_image *image, struct ckpt_err *err)
{
    const Elf64_Phdr *p = &image->phdrs[0];
    struct ckpt_note note;

    if (p->p_type != PT_NOTE || p->p_offset > image->table_offset ||
        p->p_filesz > image->table_offset - p->p_offset)
        return malformed(err, "first note segment");
    image->notes = ckpt_headers_alloc(image, p->p_offset, p->p_filesz, err);
    if (!image->notes)
        return -1;
    image->notes_len = p->p_filesz;
    struct ckpt_bytes b = ckpt_bytes_over(image->notes, image->notes_len);
    while (next_note(&b, &note))
        ;
    return b.failed ? malformed(err, "notes") : 0;
}

bool ckpt_image_note_at(const struct ckpt_image *image, size_t index,
                        struct ckpt_note *note)
{
    struct ckpt_bytes b = ckpt_bytes_over(image->notes, image->notes_len);

    do
        if (!next_note(&b, note))
            return false;
    while (index-- > 0);
    return true;
}

const void *ckpt_image_note(const struct ckpt_image *image, const char *name,
                            uint32_t type, size_t *len)
{
    struct ckpt_bytes b = ckpt_bytes_over(image->notes, image->notes_len);
    struct ckpt_note note;

    while (next_note(&b, &note))
        if (note.type == type && strcmp(note.name, name) == 0) {
            *len = note.len;
            return note.data;
        }
    return NULL;
}

/* --- segments ----------------------------------------------------------- */

static bool segment_fits(const Elf64_Phdr *p, uint64_t vaddr_end,
                         uint64_t offset_end, uint64_t limit)
{
    return p->p_type == PT_LOAD && p->p_vaddr % CKPT_IMAGE_PAGE == 0 &&
           p->p_offset % CKPT_IMAGE_PAGE == 0 &&
           p->p_filesz % CKPT_IMAGE_PAGE == 0 &&
           p->p_memsz % CKPT_IMAGE_PAGE == 0 && p->p_filesz <= p->p_memsz &&
           p->p_vaddr >= vaddr_end && p->p_memsz <= UINT64_MAX - p->p_vaddr &&
           p->p_offset >= offset_end && p->p_offset <= limit &&
           p->p_filesz <= limit - p->p_offset;
}

static uint32_t prot_of(uint32_t flags)
{
    return (flags & PF_R ? (uint32_t)PROT_READ : 0) |
           (flags & PF_W ? (uint32_t)PROT_WRITE : 0) |
           (flags & PF_X ? (uint32_t)PROT_EXEC : 0);
}

static int take_segments(struct ckpt_image *image, struct ckpt_err *err)
{
    uint64_t vaddr_end = 0;
    uint64_t offset_end = image->phdrs[0].p_offset + image->notes_len;
    size_t n = image->phnum - 2;
    const Elf64_Phdr *last = &image->phdrs[image->phnum - 1];

    image->segments = calloc(n + 1, sizeof *image->segments);
    if (!image->segments)
        return ckpt_err_set(err, ENOMEM, "no memory");
    image->nsegments = n;
    for (size_t i = 0; i < n; i++) {
        const Elf64_Phdr *p = &image->phdrs[i + 1];
        if (!segment_fits(p, vaddr_end, offset_end, image->table_offset))
            return ckpt_err_set(err, EPROTO, "malformed: segment %zu", i);
        vaddr_end = p->p_vaddr + p->p_memsz;
        offset_end = p->p_offset + p->p_filesz;
        image->segments[i] =
            (struct ckpt_image_segment){p->p_vaddr, p->p_filesz, p->p_memsz,
                                        p->p_offset, prot_of(p->p_flags)};
    }
    if (last->p_type != PT_NOTE || last->p_offset != image->table_offset ||
        last->p_filesz != ckpt_layout_table_len(image->table_offset))
        return malformed(err, "last note segment");
    return 0;
}

int ckpt_contents_read(struct ckpt_image *image, struct ckpt_err *err)
{
    return read_notes(image, err) ? -1 : take_segments(image, err);
}
