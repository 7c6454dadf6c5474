/* bare.c - see bare.h
 *
 * Only system calls from here on: no libc, no stack protector, no calls that
 * the compiler makes up, no data of its own.  Compiled with flags of its own
 * (lib/local.mk).
 */
#include "lib/bare/bare.h"

#include <asm/prctl.h>
#include <linux/mman.h>
#include <stddef.h>
#include <sys/syscall.h>

#define BARE __attribute__((section("ckpt_bare"), used))
#define BARE_INLINE static inline __attribute__((always_inline))

enum { EXIT_FAILED = 1 };
#define ADDRESS_END 0x7ffffffff000ull

BARE_INLINE long call6(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                       uint64_t e)
{
    long result;
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

/* There is nobody to return to. */
BARE_INLINE void fail(char step)
{
    char text[] = {'c', 'k', 'p', 't', ':', ' ', 'r', 'e',  's', 't', 'a',
                   'r', 't', ' ', 'f', 'a', 'i', 'l', 'e',  'd', ' ', 'i',
                   'n', ' ', 's', 't', 'e', 'p', ' ', step, '\n'};

    call6(SYS_write, 2, (uint64_t)text, sizeof text, 0, 0);
    call6(SYS_exit_group, EXIT_FAILED, 0, 0, 0, 0);
}

BARE_INLINE void move(const struct ckpt_bare_move *m, char step)
{
    long at = call6(SYS_mremap, m->from, m->len, m->len,
                    MREMAP_MAYMOVE | MREMAP_FIXED, m->to);

    if ((uint64_t)at != m->to)
        fail(step);
}

BARE_INLINE void unmap(uint64_t start, uint64_t end)
{
    if (start < end && call6(SYS_munmap, start, end - start, 0, 0, 0) < 0)
        fail('u');
}

/* Without it only brk() and ps suffer; old kernels may refuse.  The executable
 * takes privilege, and no mapping of the one before. */
BARE_INLINE void set_mm(struct ckpt_bare_plan *p)
{
    uint64_t fd = p->mm.exe_fd, none = (uint32_t)-1;
    long rc = call6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (uint64_t)&p->mm,
                    sizeof p->mm, 0);

    if (fd == none)
        return;
    p->mm.exe_fd = (uint32_t)none;
    if (rc < 0)
        call6(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (uint64_t)&p->mm,
              sizeof p->mm, 0);
    call6(SYS_close, fd, 0, 0, 0, 0);
}

/* From its answer on whoever touches memory that is missing waits. */
BARE_INLINE void call_pager(const struct ckpt_bare_plan *p)
{
    char byte = 'r';

    if (p->pager < 0)
        return;
    if (call6(SYS_write, (uint64_t)p->pager, (uint64_t)&byte, 1, 0, 0) != 1 ||
        call6(SYS_read, (uint64_t)p->pager, (uint64_t)&byte, 1, 0, 0) != 1 ||
        byte != 'r')
        fail('p');
}

BARE_INLINE __attribute__((noreturn)) void enter(const struct ckpt_bare_plan *p)
{
    uint64_t arg = p->entry_arg, sp = p->entry_sp - 8, pc = p->entry_pc;

    __asm__ volatile("mov %1, %%rsp\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "jmp *%2"
                     :
                     : "D"(arg), "r"(sp), "r"(pc)
                     : "memory");
    __builtin_unreachable();
}

BARE long ckpt_bare_run(void *arg)
{
    struct ckpt_bare_plan *p = arg;
    uint64_t i = 0;

    for (; i < p->nearly; i++)
        move(&p->moves[i], 'e');
    unmap(0, p->region_start);
    unmap(p->region_end, ADDRESS_END);
    for (; i < p->nmoves; i++)
        move(&p->moves[i], 'm');
    call_pager(p);
    set_mm(p);
    call6(SYS_arch_prctl, ARCH_SET_FS, p->entry_fs, 0, 0, 0);
    enter(p);
}
