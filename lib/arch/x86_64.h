/* x86_64.h - everything that depends on the machine, for C code
 *
 * The assembly is in x86_64.S.  A port to another machine writes these two
 * files again and changes nothing else but lib/bare/x86_64.c.
 */
#ifndef CKPT_ARCH_X86_64_H
#define CKPT_ARCH_X86_64_H

#include <stdint.h>

/* Make a system call; the result is the kernel's own (-errno on failure,
 * errno is not touched).  Async-signal-safe.
 *
 * Every system call that libckpt makes inside a program goes through this one
 * instruction, between ckpt_gate and ckpt_gate_end: the filter that sends a
 * remote program's file calls to the shadow lets calls from here through.
 */
long ckpt_gate(long nr, long a, long b, long c, long d, long e, long f);
extern const char ckpt_gate_end[];
extern const char ckpt_gate_after[]; /* where its system call returns to */

/* Every system call that libckpt makes in a program that runs, the bounced
 * among them, returns to an address in [ckpt_gate, ckpt_calls_end]. */
extern const char ckpt_calls_end[];

/* Not a function: where the SIGSYS handler sends a thread whose call shall go
 * to the kernel after all, in the thread's own context, with its own signal
 * mask.  Expects the registers of the call as they were, and at (%rsp) the
 * address to go on at, 136 bytes below the caller's stack pointer. */
extern const char ckpt_gate_bounce[];
extern const char ckpt_gate_bounce_after[];

/* The sa_restorer of handlers installed with a raw rt_sigaction, and its
 * flag. */
extern const char ckpt_signal_return[];
enum { CKPT_SA_RESTORER = 0x04000000 };

/* The same, as a call of the program's own: it is trapped like any other. */
long ckpt_program_call(long nr, long a, long b, long c, long d, long e, long f);
extern const char ckpt_program_call_after[]; /* where it is interrupted */

/* A call of the program's own without arguments, which a filter sees as such.
 * No function: the kernel has left the processor no memory of who called whom,
 * so that each return after it costs 7 ns. */
static inline long ckpt_program_ask(long nr)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(nr)
                     : "rcx", "r11", "memory");
    return result;
}

/* If *lock is still `mine`: copy `len` bytes, then store `value` to *commit,
 * and return 1.  Returns 0, having stored nothing to *commit, when *lock was
 * something else, or when the thread got a signal or lost its processor on the
 * way; bytes may have been copied then, but none will be copied later.  `area`
 * is the thread's registered struct rseq. */
long ckpt_copy_commit(void *to, const void *from, uint64_t len,
                      uint64_t *commit, uint64_t value, void *area,
                      const uint64_t *lock, uint64_t mine);

/* What a stopped thread needs to go on in the function that saved it; all
 * other registers are in the signal frame on its stack.  The layout is known
 * to x86_64.S. */
struct ckpt_context {
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
    uint32_t mxcsr;
    uint16_t x87cw, pad;
};

/* Save the caller's context.  Returns 0 when it saves and 1 when it is
 * resumed.  Async-signal-safe. */
int ckpt_context_save(struct ckpt_context *context)
    __attribute__((returns_twice));

/* Go on where `context` was saved, on its stack.  Async-signal-safe. */
void ckpt_context_resume(const struct ckpt_context *context)
    __attribute__((noreturn));

/* Call fn(arg) on the stack that ends at `stack_top` (16-byte aligned) and
 * come back with its result. */
long ckpt_call_on_stack(long (*fn)(void *arg), void *arg, void *stack_top);

/* clone(2) a thread that starts by resuming `context`.  Returns what the
 * kernel returned to the caller; never returns in the new thread. */
long ckpt_clone_resume(unsigned long flags, int *parent_tid, int *child_tid,
                       unsigned long tls, const struct ckpt_context *context);

/* The same with clone3(2), whose arguments (struct clone_args, without a stack)
 * can ask for a thread id. */
long ckpt_clone3_resume(const void *args, unsigned long size,
                        const struct ckpt_context *context);

/* clone(2) a thread that calls fn(arg) on the stack that ends at `stack_top`
 * (16-byte aligned) and ends when that returns.  It has the caller's FS base:
 * what is thread-local in libc is shared with the caller.  The kernel clears
 * and wakes *tid as CLONE_PARENT_SETTID and CLONE_CHILD_CLEARTID say. */
long ckpt_clone_call(unsigned long flags, void *stack_top, uint32_t *tid,
                     void (*fn)(void *arg), void *arg);

/* Clear *on_stack and end the calling thread; its stack is not touched after
 * the clearing, so another thread that waits for it may take it over. */
void ckpt_exit_thread(uint32_t *on_stack) __attribute__((noreturn));

/* As IEEE 754 has it; sqrt() of libm is not to be had everywhere. */
static inline double ckpt_square_root(double x)
{
    double root;

    __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(x));
    return root;
}

#endif
