/* reader.c - take an image apart, trusting nothing
 *
 * Order: header, program headers, FORMAT note, table of checksums, and then,
 * now that bytes can be checked, headers and notes again for good.
 */
#include "lib/image/checksum.h"
#include "lib/image/format.h"
#include "lib/image/image_impl.h"
#include "lib/image/layout.h"

#include "lib/common/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int malformed(struct ckpt_err *err, const char *what)
{
    return ckpt_err_set(err, EPROTO, "malformed: %s", what);
}

static int foreign(struct ckpt_err *err)
{
    return ckpt_err_set(err, EPROTO,
                        "not a checkpoint image (an ELF file of others)");
}

/* Allocate and read `len` core bytes; NULL on failure.  What cannot be there
 * is not allocated. */
static void *read_alloc(struct ckpt_image *image, uint64_t offset, uint64_t len,
                        struct ckpt_err *err)
{
    const struct ckpt_source *s = &image->source;

    if (offset > s->core_size || len > s->core_size - offset) {
        ckpt_err_set(err, ENODATA, "cut short: ends after %llu bytes",
                     (unsigned long long)s->core_size);
        return NULL;
    }
    void *buf = malloc(len + 1);
    if (!buf) {
        ckpt_err_set(err, ENOMEM, "no memory");
        return NULL;
    }
    if (ckpt_source_read(&image->source, offset, buf, len, err)) {
        free(buf);
        return NULL;
    }
    return buf;
}

/* --- headers ------------------------------------------------------------ */

static int read_elf_header(struct ckpt_image *image, Elf64_Ehdr *header,
                           struct ckpt_err *err)
{
    static const uint8_t ident[EI_NIDENT] = {ELFMAG0,   ELFMAG1,    ELFMAG2,
                                             ELFMAG3,   ELFCLASS64, ELFDATA2LSB,
                                             EV_CURRENT};

    Elf64_Ehdr *h = read_alloc(image, 0, sizeof *h, err);
    if (!h)
        return -1;
    *header = *h;
    free(h);
    if (memcmp(header->e_ident, ident, sizeof ident) != 0 ||
        header->e_type != ET_CORE || header->e_machine != EM_X86_64 ||
        header->e_version != EV_CURRENT || header->e_phoff != sizeof *header ||
        header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum < 2)
        return foreign(err);
    return 0;
}

/* The number of program headers is in a section header when it is large. */
static int count_phdrs(struct ckpt_image *image, const Elf64_Ehdr *header,
                       struct ckpt_err *err)
{
    image->phnum = header->e_phnum;
    if (header->e_phnum != PN_XNUM)
        return 0;
    Elf64_Shdr *section =
        read_alloc(image, header->e_shoff, sizeof *section, err);
    if (!section)
        return -1;
    image->phnum = section->sh_info;
    free(section);
    if (image->phnum < PN_XNUM ||
        header->e_shoff != sizeof *header + image->phnum * sizeof(Elf64_Phdr))
        return malformed(err, "number of program headers");
    return 0;
}

static int read_phdrs(struct ckpt_image *image, struct ckpt_err *err)
{
    Elf64_Ehdr header;

    if (read_elf_header(image, &header, err) ||
        count_phdrs(image, &header, err))
        return -1;
    free(image->phdrs);
    image->phdrs = read_alloc(image, sizeof header,
                              image->phnum * sizeof *image->phdrs, err);
    return image->phdrs ? 0 : -1;
}

/* --- the FORMAT note and the table of checksums ------------------------- */

/* The head of a CKPT note of this type and length of contents. */
static bool is_own_note(struct ckpt_bytes *b, uint32_t type, size_t len)
{
    char name[8];
    uint32_t namesz = ckpt_get_u32(b);
    uint32_t descsz = ckpt_get_u32(b);
    uint32_t its_type = ckpt_get_u32(b);

    ckpt_get_raw(b, name, sizeof name);
    return !b->failed && namesz == 5 && descsz == len && its_type == type &&
           memcmp(name, CKPT_NOTE_NAME "\0\0\0", sizeof name) == 0;
}

static int check_format(struct ckpt_image *image, struct ckpt_bytes *b,
                        struct ckpt_err *err)
{
    uint32_t version = ckpt_get_u32(b);

    if (version > CKPT_FORMAT_VERSION)
        return ckpt_err_set(err, ENOTSUP,
                            "image format %u is newer than this program's (%d)",
                            version, CKPT_FORMAT_VERSION);
    uint32_t checksum = ckpt_get_u32(b);
    uint32_t chunk = ckpt_get_u32(b);
    uint32_t zero = ckpt_get_u32(b);
    image->table_offset = ckpt_get_u64(b);
    uint64_t size = ckpt_get_u64(b);
    image->version = version;
    if (version == 0 || checksum != CKPT_IMAGE_CHECKSUM_XXH3 ||
        chunk != CKPT_IMAGE_CHUNK || zero != 0)
        return malformed(err, "format note");
    if (size > image->source.core_size)
        return ckpt_err_set(err, ENODATA,
                            "cut short: %llu of %llu bytes are there",
                            (unsigned long long)image->source.core_size,
                            (unsigned long long)size);
    if (size < image->source.core_size ||
        image->table_offset % CKPT_IMAGE_PAGE || image->table_offset >= size ||
        size - image->table_offset !=
            ckpt_layout_table_len(image->table_offset))
        return malformed(err, "sizes in the format note");
    return 0;
}

static int read_format(struct ckpt_image *image, struct ckpt_err *err)
{
    const size_t len = CKPT_NOTE_HEAD_LEN + CKPT_FORMAT_DESC_LEN;

    if (image->phdrs[0].p_type != PT_NOTE)
        return foreign(err);
    uint8_t *note = read_alloc(image, image->phdrs[0].p_offset, len, err);
    if (!note)
        return -1;
    struct ckpt_bytes b = ckpt_bytes_over(note, len);
    int rc = is_own_note(&b, CKPT_NOTE_FORMAT, CKPT_FORMAT_DESC_LEN)
                 ? check_format(image, &b, err)
                 : foreign(err);
    free(note);
    return rc;
}

/* The last checksum of the table is over its head and the checksum of its
 * entries. */
static bool table_is_whole(uint8_t *table, size_t len, uint64_t covered)
{
    const size_t head_len = CKPT_NOTE_HEAD_LEN + 16;
    size_t count = ckpt_chunks(covered);
    uint8_t head[CKPT_NOTE_HEAD_LEN + 16 + 8];
    struct ckpt_bytes b = ckpt_bytes_over(table, len);

    if (!is_own_note(&b, CKPT_NOTE_CHECKSUMS, len - CKPT_NOTE_HEAD_LEN) ||
        ckpt_get_u64(&b) != covered || ckpt_get_u32(&b) != CKPT_IMAGE_CHUNK ||
        ckpt_get_u32(&b) != count)
        return false;
    uint64_t entries = ckpt_checksum(b.at, 8 * count);
    memcpy(head, table, head_len);
    memcpy(head + head_len, &entries, sizeof entries);
    b.at += 8 * count;
    return ckpt_get_u64(&b) == ckpt_checksum(head, sizeof head);
}

static int read_table(struct ckpt_image *image, struct ckpt_err *err)
{
    uint64_t covered = image->table_offset;
    size_t len = (size_t)ckpt_layout_table_len(covered);
    size_t count = ckpt_chunks(covered);

    uint8_t *table = read_alloc(image, covered, len, err);
    if (!table)
        return -1;
    uint64_t *sums = malloc(8 * count + 1);
    int rc = sums ? 0 : ckpt_err_set(err, ENOMEM, "no memory");
    if (rc == 0 && !table_is_whole(table, len, covered))
        rc = ckpt_err_set(err, EBADMSG,
                          "damaged: checksums at offset %llu of the core",
                          (unsigned long long)covered);
    if (rc == 0) {
        memcpy(sums, table + CKPT_NOTE_HEAD_LEN + 16, 8 * count);
        ckpt_source_set_sums(&image->source, sums, count, covered);
        sums = NULL;
    }
    free(sums);
    free(table);
    return rc;
}

/* --- notes and segments ------------------------------------------------- */

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
    image->notes = read_alloc(image, p->p_offset, p->p_filesz, err);
    if (!image->notes)
        return -1;
    image->notes_len = p->p_filesz;
    struct ckpt_bytes b = ckpt_bytes_over(image->notes, image->notes_len);
    while (next_note(&b, &note))
        ;
    return b.failed ? malformed(err, "notes") : 0;
}

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

/* --- the interface ------------------------------------------------------ */

static int read_image(struct ckpt_image *image, struct ckpt_err *err)
{
    if (read_phdrs(image, err) || read_format(image, err) ||
        read_table(image, err))
        return -1;
    /* From here on everything that is read is checked. */
    if (read_phdrs(image, err) || read_notes(image, err))
        return -1;
    return take_segments(image, err);
}

static int open_source(struct ckpt_image *image, const char *path,
                       struct ckpt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return ckpt_err_sys(err, "open");
    if (ckpt_source_open(&image->source, fd, err) == 0)
        return 0;
    int errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}

struct ckpt_image *ckpt_image_open_one(const char *path, struct ckpt_err *err)
{
    struct ckpt_image *image = calloc(1, sizeof *image);
    char *copy = strdup(path);

    if (!image || !copy) {
        ckpt_err_set(err, ENOMEM, "no memory");
        free(image);
        free(copy);
        return NULL;
    }
    image->path = copy;
    image->source.fd = -1;
    if (open_source(image, path, err)) {
        image->source.fd = -1;
        ckpt_image_close(image);
        return NULL;
    }
    if (read_image(image, err)) {
        ckpt_image_close(image);
        return NULL;
    }
    return image;
}

struct ckpt_image *ckpt_image_open(const char *path, struct ckpt_err *err)
{
    struct ckpt_image *image = ckpt_image_open_one(path, err);

    if (image && ckpt_chain_open(image, err)) {
        ckpt_image_close(image);
        image = NULL;
    }
    if (!image)
        ckpt_err_prefix(err, "%s", path);
    return image;
}

void ckpt_image_close(struct ckpt_image *image)
{
    int errnum = errno;

    if (!image)
        return;
    ckpt_image_close(image->base);
    ckpt_source_close(&image->source);
    free(image->path);
    free(image->phdrs);
    free(image->notes);
    free(image->segments);
    free(image->merged);
    free(image);
    errno = errnum;
}

static int verify_one(struct ckpt_image *image, struct ckpt_err *err)
{
    struct ckpt_source *s = &image->source;
    uint8_t *chunk = malloc(CKPT_IMAGE_CHUNK);
    int rc = chunk ? 0 : ckpt_err_set(err, ENOMEM, "no memory");

    memset(s->checked, 0, s->nchunks);
    s->cached = SIZE_MAX;
    for (uint64_t at = 0; rc == 0 && at < s->core_size;) {
        uint64_t left = s->core_size - at;
        size_t len = left < CKPT_IMAGE_CHUNK ? left : CKPT_IMAGE_CHUNK;
        rc = ckpt_source_read(s, at, chunk, len, err);
        at += len;
    }
    free(chunk);
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

void ckpt_image_trust(struct ckpt_image *image)
{
    for (; image; image = image->base)
        memset(image->source.checked, 1, image->source.nchunks);
}

const struct ckpt_image *ckpt_image_base(const struct ckpt_image *image)
{
    return image->base;
}

const char *ckpt_image_path(const struct ckpt_image *image)
{
    return image->path;
}

const uint64_t *ckpt_image_sums(const struct ckpt_image *image, size_t *count,
                                uint64_t *covered)
{
    *count = image->source.nsums;
    *covered = image->source.covered;
    return image->source.sums;
}

enum ckpt_codec ckpt_image_codec(const struct ckpt_image *image)
{
    return image->source.codec;
}

uint64_t ckpt_image_file_size(const struct ckpt_image *image)
{
    return image->source.file_size;
}

uint64_t ckpt_image_core_size(const struct ckpt_image *image)
{
    return image->source.core_size;
}

int ckpt_image_fd(const struct ckpt_image *image)
{
    return image->source.fd;
}

size_t ckpt_image_segments(const struct ckpt_image *image,
                           const struct ckpt_image_segment **segments)
{
    *segments = image->base ? image->merged : image->segments;
    return image->base ? image->nmerged : image->nsegments;
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

uint64_t ckpt_chain_base_offset(const struct ckpt_image *image)
{
    return ckpt_align(image->source.core_size, CKPT_IMAGE_PAGE);
}

struct ckpt_image *ckpt_image_owner(struct ckpt_image *image, uint64_t *offset)
{
    while (image->base && *offset >= ckpt_chain_base_offset(image)) {
        *offset -= ckpt_chain_base_offset(image);
        image = image->base;
    }
    return image;
}

int ckpt_image_read(struct ckpt_image *image, uint64_t offset, void *buf,
                    size_t len, struct ckpt_err *err)
{
    struct ckpt_image *owner = ckpt_image_owner(image, &offset);

    if (ckpt_source_read(&owner->source, offset, buf, len, err) == 0)
        return 0;
    return owner == image ? -1
                          : ckpt_err_prefix(err, "its base %s", owner->path);
}
