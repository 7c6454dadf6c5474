/* got.c - the tables by which loaded objects call libc's functions
 *
 * An entry is found by its relocation; it may still wait to be resolved.  A
 * name that means something else than libc's function, because the program or
 * a library defines it, is left alone.
 */
#include "lib/remote/names.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>

struct names {
    const struct ckpt_name *at;
    unsigned int count;
};

/* What is needed of an object's dynamic section. */
struct object {
    uint64_t base;
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * tables[2];
    uint64_t lens[2];
    uint64_t relro, relro_end;
};

/* ld.so adds the base to most of these, but not in every object. */
static uint64_t address(const struct object *o, uint64_t value)
{
    return value < o->base ? o->base + value : value;
}

static void look_at_dynamic(struct object *o, const ElfW(Dyn) * dyn)
{
    for (; dyn->d_tag != DT_NULL; dyn++) {
        uint64_t at = address(o, dyn->d_un.d_ptr);
        switch (dyn->d_tag) {
        case DT_SYMTAB:
            o->symbols = (const void *)(uintptr_t)at;
            break;
        case DT_STRTAB:
            o->strings = (const void *)(uintptr_t)at;
            break;
        case DT_JMPREL:
            o->tables[0] = (const void *)(uintptr_t)at;
            break;
        case DT_PLTRELSZ:
            o->lens[0] = dyn->d_un.d_val;
            break;
        case DT_RELA:
            o->tables[1] = (const void *)(uintptr_t)at;
            break;
        case DT_RELASZ:
            o->lens[1] = dyn->d_un.d_val;
            break;
        default:
            break;
        }
    }
}

static void store(const struct object *o, uint64_t at, void *value)
{
    bool protected = at >= o->relro && at < o->relro_end;
    uint64_t page = at & ~4095ull;

    if (protected &&
        ckpt_sys(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE) != 0)
        return;
    __atomic_store_n((void **)(uintptr_t)at, value, __ATOMIC_RELEASE);
    if (protected)
        ckpt_sys(SYS_mprotect, page, 4096, PROT_READ);
}

static void patch_table(const struct object *o, int which,
                        const struct names *names)
{
    const ElfW(Rela) *r = o->tables[which];

    for (uint64_t n = o->lens[which] / sizeof *r; r && n > 0; n--, r++) {
        uint64_t type = ELF64_R_TYPE(r->r_info);
        if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT)
            continue;
        const char *name =
            o->strings + o->symbols[ELF64_R_SYM(r->r_info)].st_name;
        for (unsigned int i = 0; i < names->count; i++)
            if (names->at[i].seen == names->at[i].libcs &&
                strcmp(name, names->at[i].name) == 0)
                store(o, o->base + r->r_offset, names->at[i].ours);
    }
}

static void set_relro(struct object *o, const ElfW(Phdr) * ph)
{
    o->relro = (o->base + ph->p_vaddr) & ~4095ull;
    o->relro_end = (o->base + ph->p_vaddr + ph->p_memsz) & ~4095ull;
}

static int patch_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct object o = {.base = info->dlpi_addr};
    const ElfW(Dyn) *dynamic = NULL;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_DYNAMIC)
            dynamic = (const void *)(uintptr_t)(o.base + ph->p_vaddr);
        if (ph->p_type == PT_GNU_RELRO)
            set_relro(&o, ph);
    }
    if (dynamic)
        look_at_dynamic(&o, dynamic);
    if (o.symbols && o.strings)
        for (int which = 0; which < 2; which++)
            patch_table(&o, which, arg);
    return 0;
}

void ckpt_names_patch(const struct ckpt_name *names, unsigned int count)
{
    struct names all = {names, count};

    dl_iterate_phdr(patch_object, &all);
}

/* --- values -----------------------------------------------------------------
 */

struct value {
    uint64_t libcs;
    void *ours;
};

static void patch_values(const struct object *o, const struct value *value)
{
    for (uint64_t at = o->relro; at < o->relro_end; at += sizeof at)
        if (*(const uint64_t *)(uintptr_t)at == value->libcs)
            store(o, at, value->ours);
}

static int patch_if_owner(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct object o = {.base = info->dlpi_addr};
    const struct value *value = arg;
    bool owner = false;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uint64_t from = o.base + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && value->libcs >= from &&
            value->libcs < from + ph->p_memsz)
            owner = true;
        if (ph->p_type == PT_GNU_RELRO)
            set_relro(&o, ph);
    }
    if (owner)
        patch_values(&o, value);
    return owner;
}

void ckpt_values_patch(const void *libcs, void *ours)
{
    struct value value = {(uint64_t)(uintptr_t)libcs, ours};

    dl_iterate_phdr(patch_if_owner, &value);
}

struct two {
    uint64_t at[2];
    bool together;
};

static int look_for_both(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct two *two = arg;
    unsigned found = 0;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uint64_t from = info->dlpi_addr + ph->p_vaddr;
        for (unsigned n = 0; n < 2 && ph->p_type == PT_LOAD; n++)
            if (two->at[n] >= from && two->at[n] < from + ph->p_memsz)
                found |= 1u << n;
    }
    two->together |= found == 3;
    return found != 0;
}

extern ssize_t __read(int fd, void *buf, size_t len);

const void *ckpt_if_libcs(const void *function)
{
    struct two two = {{(uint64_t)(uintptr_t)function,
                       (uint64_t)(uintptr_t)(const void *)__read},
                      false};

    dl_iterate_phdr(look_for_both, &two);
    return two.together ? function : NULL;
}
