/* headers.c - an image's frame, trusting nothing
 *
 * Order: header, program headers, FORMAT note, table of checksums, and then,
 * now that bytes can be checked, the headers again for good.
 */
#include "lib/image/checksum.h"
#include "lib/image/format.h"
#include "lib/image/image_impl.h"
#include "lib/image/layout.h"

#include "lib/common/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int malformed(struct ckpt_err *err, const char *what)
{
    return ckpt_err_set(err, EPROTO, "malformed: %s", what);
}

static int foreign(struct ckpt_err *err)
{
    return ckpt_err_set(err, EPROTO,
                        "not a checkpoint image (an ELF file of others)");
}

void *ckpt_headers_alloc(struct ckpt_image *image, uint64_t offset,
                         uint64_t len, struct ckpt_err *err)
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

    Elf64_Ehdr *h = ckpt_headers_alloc(image, 0, sizeof *h, err);
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
        ckpt_headers_alloc(image, header->e_shoff, sizeof *section, err);
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
    image->phdrs = ckpt_headers_alloc(image, sizeof header,
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
    uint8_t *note =
        ckpt_headers_alloc(image, image->phdrs[0].p_offset, len, err);
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

    uint8_t *table = ckpt_headers_alloc(image, covered, len, err);
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

int ckpt_headers_read(struct ckpt_image *image, struct ckpt_err *err)
{
    if (read_phdrs(image, err) || read_format(image, err) ||
        read_table(image, err))
        return -1;
    /* From here on everything that is read is checked. */
    return read_phdrs(image, err);
}
