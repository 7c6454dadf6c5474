/* image_unwind.c - see image_unwind.h */
#include "cli/image_unwind.h"

#include <elf.h>
#include <errno.h>
#include <libunwind.h>
#include <string.h>
#include <sys/user.h>

/* libunwind's own search of a sorted .eh_frame_hdr table; exported for other
 * programs' accessors, but in no header. */
#define search_unwind_table UNW_OBJ(dwarf_search_unwind_table)
extern int search_unwind_table(unw_addr_space_t space, unw_word_t ip,
                               unw_dyn_info_t *info, unw_proc_info_t *proc,
                               int need_unwind_info, void *arg);

/* A damaged stack can look endless. */
enum { FRAMES_MAX = 4096, PHDRS_MAX = 64 };

struct target {
    struct ckpt_image *image;
    const struct ckpt_notes *notes;
    struct user_regs_struct regs;
};

/* --- memory -------------------------------------------------------------- */

static const struct ckpt_map *find_map(const struct ckpt_notes *notes,
                                       uint64_t addr)
{
    size_t low = 0, high = notes->nmaps;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (notes->maps[middle].end <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low < notes->nmaps && notes->maps[low].start <= addr
               ? &notes->maps[low]
               : NULL;
}

static const struct ckpt_image_segment *
find_segment(const struct ckpt_image *image, uint64_t addr)
{
    const struct ckpt_image_segment *segments;
    size_t low = 0, n = ckpt_image_segments(image, &segments), high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (segments[middle].vaddr + segments[middle].filesz <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && segments[low].vaddr <= addr ? &segments[low] : NULL;
}

/* The part of a read that lies in one page. */
static int read_in_page(struct ckpt_image *image,
                        const struct ckpt_notes *notes, uint64_t addr,
                        void *buf, size_t len)
{
    const struct ckpt_image_segment *s = find_segment(image, addr);
    const struct ckpt_map *map = find_map(notes, addr);

    if (s)
        return ckpt_image_read(image, s->offset + (addr - s->vaddr), buf, len,
                               NULL);
    if (!map || map->kind == CKPT_MAP_FILE)
        return -1;
    memset(buf, 0, len);
    return 0;
}

int image_memory_read(struct ckpt_image *image, const struct ckpt_notes *notes,
                      uint64_t addr, void *buf, size_t len)
{
    uint8_t *to = buf;

    while (len > 0) {
        size_t room = 4096 - (size_t)(addr % 4096);
        size_t n = len < room ? len : room;
        if (read_in_page(image, notes, addr, to, n))
            return -1;
        addr += n;
        to += n;
        len -= n;
    }
    return 0;
}

static int target_read(const struct target *t, uint64_t addr, void *buf,
                       size_t len)
{
    return image_memory_read(t->image, t->notes, addr, buf, len);
}

/* --- modules ------------------------------------------------------------- */

/* The mapping of the start of the file that `map` is a part of. */
static const struct ckpt_map *first_part(const struct ckpt_notes *notes,
                                         const struct ckpt_map *map)
{
    const struct ckpt_map *m = map;

    for (; m->offset != 0 || strcmp(m->path, map->path) != 0; m--)
        if (m == notes->maps)
            return NULL;
    return m;
}

static int read_phdrs(const struct target *t, uint64_t base, Elf64_Phdr *phdrs)
{
    Elf64_Ehdr header;

    if (target_read(t, base, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_phentsize != sizeof *phdrs || header.e_phnum > PHDRS_MAX ||
        target_read(t, base + header.e_phoff, phdrs,
                    header.e_phnum * sizeof *phdrs))
        return -1;
    return header.e_phnum;
}

static bool find_module(const struct target *t, uint64_t pc,
                        struct image_module *module)
{
    const struct ckpt_map *map = find_map(t->notes, pc);
    const struct ckpt_map *first =
        map && map->path[0] ? first_part(t->notes, map) : NULL;
    Elf64_Phdr phdrs[PHDRS_MAX];
    bool biased = false;
    int n = first ? read_phdrs(t, first->start, phdrs) : -1;

    if (n < 0)
        return false;
    *module = (struct image_module){.path = map->path};
    for (int i = 0; i < n; i++) {
        const Elf64_Phdr *p = &phdrs[i];
        if (p->p_type == PT_LOAD && !biased) {
            module->bias = first->start - (p->p_vaddr - p->p_offset);
            biased = true;
        }
        uint64_t start = module->bias + p->p_vaddr;
        if (p->p_type == PT_GNU_EH_FRAME)
            module->unwind_table = start;
        if (p->p_type == PT_LOAD && pc >= start && pc - start < p->p_memsz) {
            module->text_start = start;
            module->text_end = start + p->p_memsz;
        }
    }
    return module->text_end > 0;
}

/* --- what libunwind asks for --------------------------------------------- */

static int find_proc_info(unw_addr_space_t space, unw_word_t ip,
                          unw_proc_info_t *proc, int need, void *arg)
{
    /* version, then the encodings that all linkers use */
    static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b};
    const struct target *t = arg;
    struct image_module module;
    struct {
        uint8_t encoding[4];
        int32_t frames;
        uint32_t count;
    } head;

    if (!find_module(t, ip, &module) || !module.unwind_table ||
        target_read(t, module.unwind_table, &head, sizeof head) ||
        memcmp(head.encoding, usual, sizeof usual) != 0)
        return -UNW_ENOINFO;
    unw_dyn_info_t info = {
        .format = UNW_INFO_FORMAT_REMOTE_TABLE,
        .start_ip = module.text_start,
        .end_ip = module.text_end,
        .u.rti.segbase = module.unwind_table,
        .u.rti.table_data = module.unwind_table + sizeof head,
        .u.rti.table_len = head.count, /* entries are as long as words */
    };
    return search_unwind_table(space, ip, &info, proc, need, arg);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *proc,
                            void *arg)
{
    (void)space, (void)proc, (void)arg;
}

static int no_dyn_info(unw_addr_space_t space, unw_word_t *list, void *arg)
{
    (void)space, (void)list, (void)arg;
    return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t space, unw_word_t addr,
                      unw_word_t *value, int write, void *arg)
{
    (void)space;
    if (write || target_read(arg, addr, value, sizeof *value))
        return -UNW_EINVAL;
    return 0;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t reg,
                      unw_word_t *value, int write, void *arg)
{
    const struct user_regs_struct *r = &((const struct target *)arg)->regs;
    const unsigned long long values[] = {
        [UNW_X86_64_RAX] = r->rax, [UNW_X86_64_RDX] = r->rdx,
        [UNW_X86_64_RCX] = r->rcx, [UNW_X86_64_RBX] = r->rbx,
        [UNW_X86_64_RSI] = r->rsi, [UNW_X86_64_RDI] = r->rdi,
        [UNW_X86_64_RBP] = r->rbp, [UNW_X86_64_RSP] = r->rsp,
        [UNW_X86_64_R8] = r->r8,   [UNW_X86_64_R9] = r->r9,
        [UNW_X86_64_R10] = r->r10, [UNW_X86_64_R11] = r->r11,
        [UNW_X86_64_R12] = r->r12, [UNW_X86_64_R13] = r->r13,
        [UNW_X86_64_R14] = r->r14, [UNW_X86_64_R15] = r->r15,
        [UNW_X86_64_RIP] = r->rip,
    };

    (void)space;
    if (write || reg < 0 || (size_t)reg >= sizeof values / sizeof values[0])
        return -UNW_EBADREG;
    *value = values[reg];
    return 0;
}

static int no_fpreg(unw_addr_space_t space, unw_regnum_t reg,
                    unw_fpreg_t *value, int write, void *arg)
{
    (void)space, (void)reg, (void)value, (void)write, (void)arg;
    return -UNW_EBADREG;
}

static int no_resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg)
{
    (void)space, (void)cursor, (void)arg;
    return -UNW_EINVAL;
}

static int no_name(unw_addr_space_t space, unw_word_t addr, char *name,
                   size_t len, unw_word_t *offset, void *arg)
{
    (void)space, (void)addr, (void)name, (void)len, (void)offset, (void)arg;
    return -UNW_ENOINFO;
}

/* --- walking ------------------------------------------------------------- */

static void walk(const struct target *t, unw_cursor_t *cursor,
                 void (*each)(const struct image_frame *, void *), void *arg)
{
    for (int i = 0; i < FRAMES_MAX; i++) {
        unw_word_t pc = 0, sp = 0;
        unw_get_reg(cursor, UNW_REG_IP, &pc);
        unw_get_reg(cursor, UNW_REG_SP, &sp);
        if (pc == 0)
            return;
        struct image_frame frame = {.pc = pc, .sp = sp, .called = i > 0};
        frame.has_module = find_module(t, pc, &frame.module);
        each(&frame, arg);
        if (unw_step(cursor) <= 0)
            return;
    }
}

int image_unwind(struct ckpt_image *image, const struct ckpt_notes *notes,
                 const struct elf_prstatus *status,
                 void (*each)(const struct image_frame *frame, void *arg),
                 void *arg, struct ckpt_err *err)
{
    unw_accessors_t accessors = {
        .find_proc_info = find_proc_info,
        .put_unwind_info = put_unwind_info,
        .get_dyn_info_list_addr = no_dyn_info,
        .access_mem = access_mem,
        .access_reg = access_reg,
        .access_fpreg = no_fpreg,
        .resume = no_resume,
        .get_proc_name = no_name,
    };
    struct target t = {.image = image, .notes = notes};
    unw_cursor_t cursor;

    memcpy(&t.regs, &status->pr_reg, sizeof t.regs);
    unw_addr_space_t space = unw_create_addr_space(&accessors, 0);
    if (!space)
        return ckpt_err_set(err, ENOMEM, "libunwind does not start");
    int rc = unw_init_remote(&cursor, space, &t);
    if (rc)
        ckpt_err_set(err, EPROTO, "thread %d: %s", status->pr_pid,
                     unw_strerror(rc));
    else
        walk(&t, &cursor, each, arg);
    unw_destroy_addr_space(space);
    return rc ? -1 : 0;
}
