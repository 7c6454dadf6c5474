/* x86_64_trap.h - what a SIGSYS handler does with the call that was trapped
 *
 * The interrupted context stands behind the system call instruction.  Each of
 * these decides how the thread goes on when the handler returns.
 */
#ifndef CKPT_ARCH_X86_64_TRAP_H
#define CKPT_ARCH_X86_64_TRAP_H

#include "lib/arch/x86_64.h"

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

enum {
    CKPT_RED_ZONE = 128,
    CKPT_SYSCALL_LEN = 2,
    CKPT_TRAP_STACK = 16 << 10, /* what a handler and its frame may need */
};

/* Make the call at ckpt_gate_bounce: outside the handler, with the thread's
 * own registers and signal mask, and past the trap. */
static inline void ckpt_trap_bounce(long nr, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;

    g[REG_RSP] -= CKPT_RED_ZONE + 8;
    *(greg_t *)(uintptr_t)g[REG_RSP] = g[REG_RIP];
    *(greg_t *)(uintptr_t)(g[REG_RSP] - 8) = nr; /* in its red zone */
    g[REG_RIP] = (greg_t)(uintptr_t)ckpt_gate_bounce;
    g[REG_RAX] = nr;
}

/* The context was interrupted in a bounced call: which one, and where the
 * thread made it.  False: in something else. */
static inline bool ckpt_trap_bounced(const ucontext_t *uc, long *nr,
                                     uint64_t *after)
{
    const greg_t *g = uc->uc_mcontext.gregs;

    if (g[REG_RIP] != (greg_t)(uintptr_t)ckpt_gate_bounce_after)
        return false;
    *nr = (long)*(const greg_t *)(uintptr_t)(g[REG_RSP] - 8);
    *after = *(const uint64_t *)(uintptr_t)g[REG_RSP];
    return true;
}

/* Make the call again where it was made. */
static inline void ckpt_trap_repeat(long nr, ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] -= CKPT_SYSCALL_LEN;
    uc->uc_mcontext.gregs[REG_RAX] = nr;
}

/* It was rt_sigreturn, which depends on the stack pointer. */
static inline void ckpt_trap_signal_return(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)ckpt_signal_return;
}

/* Its arguments, in order. */
static inline void ckpt_trap_args(const ucontext_t *uc, uint64_t arg[6])
{
    const greg_t *g = uc->uc_mcontext.gregs;

    arg[0] = (uint64_t)g[REG_RDI];
    arg[1] = (uint64_t)g[REG_RSI];
    arg[2] = (uint64_t)g[REG_RDX];
    arg[3] = (uint64_t)g[REG_R10];
    arg[4] = (uint64_t)g[REG_R8];
    arg[5] = (uint64_t)g[REG_R9];
}

static inline uint64_t ckpt_trap_stack(const ucontext_t *uc)
{
    return (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
}

#endif
