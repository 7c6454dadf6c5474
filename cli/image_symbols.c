/* image_symbols.c - see image_symbols.h */
#include "cli/image_symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct elf_file {
    const uint8_t *data;
    uint64_t len;
    const Elf64_Shdr *sections;
    size_t nsections;
};

static const void *range(const struct elf_file *f, uint64_t offset,
                         uint64_t len)
{
    return offset <= f->len && len <= f->len - offset && offset % 8 == 0
               ? f->data + offset
               : NULL;
}

static bool map_file(const char *path, struct elf_file *f)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return false;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                   st.st_size >= (off_t)sizeof(Elf64_Ehdr);
    void *data =
        regular ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                : MAP_FAILED;
    close(fd);
    if (data == MAP_FAILED)
        return false;
    *f = (struct elf_file){.data = data, .len = (uint64_t)st.st_size};
    return true;
}

static bool find_sections(struct elf_file *f)
{
    const Elf64_Ehdr *header = (const void *)f->data;

    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_shentsize != sizeof *f->sections)
        return false;
    f->nsections = header->e_shnum;
    f->sections = range(f, header->e_shoff, f->nsections * sizeof *f->sections);
    return f->sections != NULL;
}

/* The last function that starts at or before `addr`. */
static const Elf64_Sym *search(const Elf64_Sym *symbols, size_t n,
                               uint64_t addr)
{
    const Elf64_Sym *best = NULL;

    for (size_t i = 0; i < n; i++) {
        const Elf64_Sym *s = &symbols[i];
        unsigned type = ELF64_ST_TYPE(s->st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) ||
            s->st_shndx == SHN_UNDEF || s->st_value > addr ||
            (s->st_size > 0 && addr - s->st_value >= s->st_size))
            continue;
        if (!best || s->st_value > best->st_value ||
            (s->st_value == best->st_value &&
             ELF64_ST_BIND(best->st_info) != STB_GLOBAL))
            best = s;
    }
    return best;
}

static bool search_section(const struct elf_file *f, const Elf64_Shdr *section,
                           uint64_t addr, char *name, size_t size,
                           uint64_t *offset)
{
    const Elf64_Sym *symbols = range(f, section->sh_offset, section->sh_size);
    const Elf64_Sym *found =
        symbols ? search(symbols, section->sh_size / sizeof *symbols, addr)
                : NULL;

    if (!found || section->sh_link >= f->nsections)
        return false;
    const Elf64_Shdr *strings = &f->sections[section->sh_link];
    if (strings->sh_offset > f->len ||
        strings->sh_size > f->len - strings->sh_offset ||
        found->st_name >= strings->sh_size)
        return false;
    const char *text =
        (const char *)f->data + strings->sh_offset + found->st_name;
    size_t room = strings->sh_size - found->st_name;
    snprintf(name, size, "%.*s", (int)(room < size ? room : size), text);
    *offset = addr - found->st_value;
    return name[0] != '\0';
}

bool image_symbol(const char *path, uint64_t addr, char *name, size_t size,
                  uint64_t *offset)
{
    static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
    struct elf_file f;
    bool found = false;

    if (path[0] != '/' || !map_file(path, &f))
        return false;
    if (find_sections(&f))
        for (size_t t = 0; t < 2 && !found; t++)
            for (size_t i = 0; i < f.nsections && !found; i++)
                found = f.sections[i].sh_type == types[t] &&
                        search_section(&f, &f.sections[i], addr, name, size,
                                       offset);
    munmap((void *)(uintptr_t)f.data, f.len);
    return found;
}
