/* writer.c - a whole image: headers, notes, memory, checksums, in file order
 *
 * Runs in the stopped process; see image.h and layout.h.
 */
#include "lib/image/checksum.h"
#include "lib/image/chunker.h"
#include "lib/image/format.h"
#include "lib/image/layout.h"

#include "lib/common/bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct writer {
    struct ckpt_chunker chunker;
    struct ckpt_layout layout;
    struct ckpt_err *err;
};

static int put(struct writer *w, const void *data, size_t len)
{
    return ckpt_chunker_put(&w->chunker, data, len, w->err);
}

static int write_elf_header(struct writer *w)
{
    const struct ckpt_layout *l = &w->layout;
    bool many = l->section_offset != 0;
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                    EV_CURRENT, ELFOSABI_NONE},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof header,
        .e_shoff = l->section_offset,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = many ? PN_XNUM : (Elf64_Half)l->phnum,
        .e_shentsize = many ? sizeof(Elf64_Shdr) : 0,
        .e_shnum = many ? 1 : 0,
    };
    return put(w, &header, sizeof header);
}

static int write_note_phdr(struct writer *w, uint64_t offset, uint64_t len)
{
    Elf64_Phdr header = {
        .p_type = PT_NOTE,
        .p_flags = PF_R,
        .p_offset = offset,
        .p_filesz = len,
        .p_align = 4,
    };
    return put(w, &header, sizeof header);
}

static uint32_t elf_flags(uint32_t prot)
{
    return (prot & PROT_READ ? (uint32_t)PF_R : 0) |
           (prot & PROT_WRITE ? (uint32_t)PF_W : 0) |
           (prot & PROT_EXEC ? (uint32_t)PF_X : 0);
}

static int write_load_phdrs(struct writer *w,
                            const struct ckpt_segment *segments, size_t n)
{
    uint64_t offset = w->layout.data_offset;

    for (size_t i = 0; i < n; i++) {
        Elf64_Phdr header = {
            .p_type = PT_LOAD,
            .p_flags = elf_flags(segments[i].prot),
            .p_offset = offset,
            .p_vaddr = segments[i].vaddr,
            .p_filesz = segments[i].filesz,
            .p_memsz = segments[i].memsz,
            .p_align = CKPT_IMAGE_PAGE,
        };
        if (put(w, &header, sizeof header))
            return -1;
        offset += segments[i].filesz;
    }
    return 0;
}

/* The number of program headers, where e_phnum is too narrow for it. */
static int write_section_header(struct writer *w)
{
    Elf64_Shdr header = {
        .sh_type = SHT_NULL,
        .sh_size = 1,
        .sh_info = (Elf64_Word)w->layout.phnum,
    };
    return w->layout.section_offset ? put(w, &header, sizeof header) : 0;
}

static int write_headers(struct writer *w, const struct ckpt_segment *segments,
                         size_t n)
{
    const struct ckpt_layout *l = &w->layout;

    if (write_elf_header(w) ||
        write_note_phdr(w, l->notes_offset, l->notes_len) ||
        write_load_phdrs(w, segments, n) ||
        write_note_phdr(w, l->table_offset, l->table_len))
        return -1;
    return write_section_header(w);
}

static int write_note(struct writer *w, const struct ckpt_note *note)
{
    size_t name_len = strlen(note->name) + 1;
    Elf64_Nhdr header = {(Elf64_Word)name_len, (Elf64_Word)note->len,
                         note->type};

    if (put(w, &header, sizeof header) || put(w, note->name, name_len) ||
        put(w, NULL, ckpt_align(name_len, 4) - name_len) ||
        put(w, note->data, note->len))
        return -1;
    return put(w, NULL, ckpt_align(note->len, 4) - note->len);
}

static bool is_increment(const struct ckpt_note *notes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (notes[i].type == CKPT_NOTE_BASE)
            return true;
    return false;
}

static int write_format_note(struct writer *w, uint32_t version)
{
    uint8_t desc[CKPT_FORMAT_DESC_LEN];
    struct ckpt_bytes b = ckpt_bytes_over(desc, sizeof desc);

    ckpt_put_u32(&b, version);
    ckpt_put_u32(&b, CKPT_IMAGE_CHECKSUM_XXH3);
    ckpt_put_u32(&b, CKPT_IMAGE_CHUNK);
    ckpt_put_u32(&b, 0);
    ckpt_put_u64(&b, w->layout.table_offset);
    ckpt_put_u64(&b, w->layout.core_size);
    struct ckpt_note note = {CKPT_NOTE_NAME, CKPT_NOTE_FORMAT, desc,
                             sizeof desc};
    return write_note(w, &note);
}

static int write_notes(struct writer *w, const struct ckpt_note *notes,
                       size_t n)
{
    if (write_format_note(w, is_increment(notes, n)
                                 ? CKPT_FORMAT_VERSION
                                 : CKPT_FORMAT_VERSION_WHOLE))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (write_note(w, &notes[i]))
            return -1;
    const struct ckpt_layout *l = &w->layout;
    return put(w, NULL, l->data_offset - l->notes_offset - l->notes_len);
}

/* The table of checksums is itself hashed, head and all.  XXH3 needs its bytes
 * in one place, and the table may be long: it is hashed in two steps, the last
 * checksum being over the head and the checksum of the table. */
static int write_checksums(struct writer *w)
{
    size_t count;
    const uint64_t *sums = ckpt_chunker_sums(&w->chunker, &count);
    uint8_t head[CKPT_NOTE_HEAD_LEN + 16 + 8];
    struct ckpt_bytes b = ckpt_bytes_over(head, sizeof head);

    ckpt_put_u32(&b, 5);
    ckpt_put_u32(&b, (uint32_t)(w->layout.table_len - CKPT_NOTE_HEAD_LEN));
    ckpt_put_u32(&b, CKPT_NOTE_CHECKSUMS);
    ckpt_put_raw(&b, CKPT_NOTE_NAME "\0\0\0", 8);
    ckpt_put_u64(&b, w->layout.table_offset);
    ckpt_put_u32(&b, CKPT_IMAGE_CHUNK);
    ckpt_put_u32(&b, (uint32_t)count);
    ckpt_put_u64(&b, ckpt_checksum(sums, count * sizeof *sums));
    uint64_t self = ckpt_checksum(head, sizeof head);
    if (put(w, head, sizeof head - 8) || put(w, sums, count * sizeof *sums))
        return -1;
    return put(w, &self, sizeof self);
}

static int write_all(struct writer *w, const struct ckpt_segment *segments,
                     size_t nsegments, const struct ckpt_note *notes,
                     size_t nnotes)
{
    uint64_t core_size = w->layout.core_size;

    if (ckpt_chunker_begin(&w->chunker, core_size, w->err) ||
        write_headers(w, segments, nsegments) ||
        write_notes(w, notes, nnotes) ||
        ckpt_chunker_put_memory(&w->chunker, segments, nsegments, w->err) ||
        write_checksums(w))
        return -1;
    return ckpt_chunker_end(&w->chunker, core_size, w->err);
}

size_t ckpt_image_workspace(const struct ckpt_image_options *options,
                            uint64_t max_bytes)
{
    /* What surrounds the contents: headers, padding, the table itself. */
    uint64_t chunks = ckpt_chunks(max_bytes) + 2;

    chunks += ckpt_chunks(chunks * sizeof(uint64_t)) + 1;
    return ckpt_chunker_size(options, chunks);
}

int ckpt_image_write(struct ckpt_sink *sink,
                     const struct ckpt_image_options *options,
                     const struct ckpt_segment *segments, size_t nsegments,
                     const struct ckpt_note *notes, size_t nnotes,
                     void *workspace, size_t workspace_len,
                     uint64_t *image_bytes, struct ckpt_err *err)
{
    struct writer w = {.err = err};

    if (ckpt_layout_plan(&w.layout, segments, nsegments, notes, nnotes, err) ||
        ckpt_chunker_init(&w.chunker, sink, options, w.layout.nchunks,
                          workspace, workspace_len, err) ||
        write_all(&w, segments, nsegments, notes, nnotes) ||
        sink->commit(sink, err)) {
        int errnum = errno;
        sink->abort(sink);
        errno = errnum;
        return -1;
    }
    if (image_bytes)
        *image_bytes = w.chunker.out;
    return 0;
}
