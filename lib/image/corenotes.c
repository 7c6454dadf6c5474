/* corenotes.c - see corenotes.h */
#include "lib/image/corenotes.h"

#include "lib/common/bytes.h"

#include <string.h>
#include <sys/user.h>

_Static_assert(sizeof(struct elf_prstatus) == 336, "NT_PRSTATUS");
_Static_assert(sizeof(struct elf_prpsinfo) == 136, "NT_PRPSINFO");
_Static_assert(sizeof(struct user_regs_struct) == sizeof(elf_gregset_t),
               "general registers");

enum { PAGE = 4096 };

static uint64_t greg(const ucontext_t *uc, int index)
{
    return (uint64_t)uc->uc_mcontext.gregs[index];
}

static struct user_regs_struct user_regs(const ucontext_t *uc, uint64_t fs_base,
                                         uint64_t gs_base)
{
    uint64_t segments = greg(uc, REG_CSGSFS); /* cs, gs, fs, ss */

    return (struct user_regs_struct){
        .r15 = greg(uc, REG_R15),
        .r14 = greg(uc, REG_R14),
        .r13 = greg(uc, REG_R13),
        .r12 = greg(uc, REG_R12),
        .rbp = greg(uc, REG_RBP),
        .rbx = greg(uc, REG_RBX),
        .r11 = greg(uc, REG_R11),
        .r10 = greg(uc, REG_R10),
        .r9 = greg(uc, REG_R9),
        .r8 = greg(uc, REG_R8),
        .rax = greg(uc, REG_RAX),
        .rcx = greg(uc, REG_RCX),
        .rdx = greg(uc, REG_RDX),
        .rsi = greg(uc, REG_RSI),
        .rdi = greg(uc, REG_RDI),
        .orig_rax = UINT64_MAX, /* not in a system call */
        .rip = greg(uc, REG_RIP),
        .cs = segments & 0xffff,
        .eflags = greg(uc, REG_EFL),
        .rsp = greg(uc, REG_RSP),
        .ss = segments >> 48,
        .fs_base = fs_base,
        .gs_base = gs_base,
    };
}

void ckpt_core_prstatus(struct elf_prstatus *status, int32_t tid,
                        const int32_t ids[3], const ucontext_t *uc,
                        uint64_t fs_base, uint64_t gs_base)
{
    struct user_regs_struct regs = user_regs(uc, fs_base, gs_base);

    memset(status, 0, sizeof *status);
    memcpy(&status->pr_sighold, &uc->uc_sigmask, sizeof status->pr_sighold);
    status->pr_pid = tid;
    status->pr_ppid = ids[0];
    status->pr_pgrp = ids[1];
    status->pr_sid = ids[2];
    memcpy(&status->pr_reg, &regs, sizeof regs);
    status->pr_fpvalid = 1;
}

/* --- vector state -------------------------------------------------------- */

/* Bytes that software may use, in the legacy part of the XSAVE area.  In a
 * signal frame: u32 magic, u32 extended size, u64 components, u32 size of the
 * area.  In a core file: u64 components. */
enum { FX_LEN = 512, FX_SOFTWARE = 464 };
#define FX_MAGIC 0x46505853u

size_t ckpt_core_xstate_len(const void *fpregs)
{
    uint32_t words[5];

    memcpy(words, (const uint8_t *)fpregs + FX_SOFTWARE, sizeof words);
    return words[0] == FX_MAGIC && words[4] > FX_LEN ? words[4] : 0;
}

void ckpt_core_xstate(const void *fpregs, void *buf)
{
    const uint8_t *from = fpregs;
    uint8_t *to = buf;

    memcpy(to, from, ckpt_core_xstate_len(fpregs));
    memset(to + FX_SOFTWARE, 0, FX_LEN - FX_SOFTWARE);
    memcpy(to + FX_SOFTWARE, from + FX_SOFTWARE + 8, 8);
}

/* --- process and files --------------------------------------------------- */

void ckpt_core_prpsinfo(struct elf_prpsinfo *info, int32_t pid,
                        const int32_t ids[3], uint32_t uid, uint32_t gid,
                        const char *comm, const char *args, size_t args_len)
{
    size_t len = args_len < ELF_PRARGSZ - 1 ? args_len : ELF_PRARGSZ - 1;

    memset(info, 0, sizeof *info);
    info->pr_sname = 'S';
    info->pr_state = 1;
    info->pr_uid = uid;
    info->pr_gid = gid;
    info->pr_pid = pid;
    info->pr_ppid = ids[0];
    info->pr_pgrp = ids[1];
    info->pr_sid = ids[2];
    memcpy(info->pr_fname, comm, strnlen(comm, sizeof info->pr_fname - 1));
    for (size_t i = 0; i < len; i++)
        info->pr_psargs[i] = args[i] ? args[i] : ' ';
}

size_t ckpt_core_file_len(const struct ckpt_core_mapping *maps, size_t count)
{
    size_t len = 2 * sizeof(uint64_t);

    for (size_t i = 0; i < count; i++)
        len += 3 * sizeof(uint64_t) + strlen(maps[i].path) + 1;
    return len;
}

void ckpt_core_file(const struct ckpt_core_mapping *maps, size_t count,
                    void *buf)
{
    struct ckpt_bytes b = ckpt_bytes_over(buf, ckpt_core_file_len(maps, count));

    ckpt_put_u64(&b, count);
    ckpt_put_u64(&b, PAGE);
    for (size_t i = 0; i < count; i++) {
        ckpt_put_u64(&b, maps[i].start);
        ckpt_put_u64(&b, maps[i].end);
        ckpt_put_u64(&b, maps[i].offset / PAGE);
    }
    for (size_t i = 0; i < count; i++)
        ckpt_put_raw(&b, maps[i].path, strlen(maps[i].path) + 1);
}
