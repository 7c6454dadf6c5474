/* vdso.c - see vdso.h */
#include "lib/restart/vdso.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

enum { STUB_MAX = 12, NO_SUCH_CALL = 0xffff };

/* The dynamic symbols of a vdso. */
struct symbols {
    const uint8_t *base;
    size_t len;
    const Elf64_Sym *sym;
    size_t count;
    const char *str;
    size_t str_len;
    uint64_t load; /* address for which it was linked */
};

static bool in_bounds(size_t len, uint64_t at, uint64_t size)
{
    return at <= len && size <= len - at;
}

static bool take_sections(struct symbols *s)
{
    const Elf64_Ehdr *eh = (const void *)s->base;
    const Elf64_Shdr *sh = (const void *)(s->base + eh->e_shoff);

    if (!in_bounds(s->len, eh->e_shoff, eh->e_shnum * sizeof *sh))
        return false;
    for (unsigned i = 0; i < eh->e_shnum; i++) {
        if (sh[i].sh_type != SHT_DYNSYM || sh[i].sh_link >= eh->e_shnum)
            continue;
        const Elf64_Shdr *str = &sh[sh[i].sh_link];
        if (!in_bounds(s->len, sh[i].sh_offset, sh[i].sh_size) ||
            !in_bounds(s->len, str->sh_offset, str->sh_size))
            return false;
        s->sym = (const void *)(s->base + sh[i].sh_offset);
        s->count = sh[i].sh_size / sizeof *s->sym;
        s->str = (const char *)s->base + str->sh_offset;
        s->str_len = str->sh_size;
        return true;
    }
    return false;
}

static bool open_symbols(struct symbols *s, const uint8_t *base, size_t len)
{
    const Elf64_Ehdr *eh = (const void *)base;

    *s = (struct symbols){.base = base, .len = len};
    if (len < sizeof *eh || memcmp(base, ELFMAG, SELFMAG) != 0)
        return false;
    const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);
    if (!in_bounds(len, eh->e_phoff, eh->e_phnum * sizeof *ph))
        return false;
    for (unsigned i = 0; i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_LOAD)
            s->load = ph[i].p_vaddr - ph[i].p_offset;
    return take_sections(s);
}

static const char *name_of(const struct symbols *s, const Elf64_Sym *sym)
{
    if (sym->st_name >= s->str_len ||
        !memchr(s->str + sym->st_name, '\0', s->str_len - sym->st_name))
        return "";
    return s->str + sym->st_name;
}

static bool is_function(const struct symbols *s, const Elf64_Sym *sym)
{
    return ELF64_ST_TYPE(sym->st_info) == STT_FUNC &&
           sym->st_shndx != SHN_UNDEF && sym->st_size >= STUB_MAX &&
           in_bounds(s->len, sym->st_value - s->load, sym->st_size);
}

static const Elf64_Sym *find(const struct symbols *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (is_function(s, &s->sym[i]) &&
            strcmp(name_of(s, &s->sym[i]), name) == 0)
            return &s->sym[i];
    return NULL;
}

static const struct {
    const char *name;
    uint32_t nr;
} calls[] = {
    {"clock_gettime", SYS_clock_gettime},
    {"gettimeofday", SYS_gettimeofday},
    {"time", SYS_time},
    {"getcpu", SYS_getcpu},
    {"clock_getres", SYS_clock_getres},
    {"getrandom", SYS_getrandom},
};

/* mov $address,%rax; jmp *%rax */
static void put_jump(uint8_t *at, uint64_t address)
{
    at[0] = 0x48;
    at[1] = 0xb8;
    memcpy(at + 2, &address, 8);
    at[10] = 0xff;
    at[11] = 0xe0;
}

/* mov $nr,%eax; syscall; ret */
static void put_call(uint8_t *at, uint32_t nr)
{
    at[0] = 0xb8;
    memcpy(at + 1, &nr, 4);
    at[5] = 0x0f;
    at[6] = 0x05;
    at[7] = 0xc3;
}

/* A function that is no system call either returns -ENOSYS. */
static void put_system_call(uint8_t *at, const char *name)
{
    uint32_t nr = NO_SUCH_CALL;

    if (strncmp(name, "__vdso_", 7) == 0)
        name += 7;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0)
            nr = calls[i].nr;
    put_call(at, nr);
}

int ckpt_vdso_redirect(uint8_t *old, size_t old_len, const uint8_t *now,
                       size_t now_len, uint64_t now_at, struct ckpt_err *err)
{
    struct symbols theirs, ours;

    if (!open_symbols(&theirs, old, old_len))
        return ckpt_err_set(err, EPROTO, "the image's vdso is malformed");
    if (!open_symbols(&ours, now, now_len))
        return ckpt_err_set(err, ENOTSUP, "this kernel's vdso is malformed");
    for (size_t i = 0; i < theirs.count; i++) {
        const Elf64_Sym *sym = &theirs.sym[i];
        if (!is_function(&theirs, sym))
            continue;
        const char *name = name_of(&theirs, sym);
        const Elf64_Sym *target = find(&ours, name);
        uint8_t *at = old + (sym->st_value - theirs.load);
        if (target)
            put_jump(at, now_at + (target->st_value - ours.load));
        else
            put_system_call(at, name);
    }
    return 0;
}
