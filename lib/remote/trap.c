/* trap.c - the SIGSYS handler: from a trapped system call to its result
 *
 * All signals are blocked while it runs, so the checkpoint signal never finds
 * a thread inside a remote call.  A call that turns out to be the kernel's is
 * bounced: the thread goes on at ckpt_gate_bounce and makes it there, outside
 * the handler, with its own registers and signal mask; so a blocking call can
 * be interrupted and restarted as ever.
 *
 * SIGSYS is never really blocked: rt_sigprocmask and its kin leave it out of
 * every mask (calls_signal.c); the kernel would kill a thread that traps with
 * SIGSYS blocked.
 */
#include "lib/remote/state.h"

#include "lib/arch/x86_64_trap.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct handler {
    const char *name;
    long (*fn)(struct ckpt_call *call);
};

enum { SYSCALLS = 512 };

static const struct handler handlers[SYSCALLS] = {
#define CKPT_SYSCALL(number, name, check, argument, handler)                   \
    [number] = {#name, ckpt_on_##handler},
#include "lib/wrap/syscalls.inc"
#undef CKPT_SYSCALL
};

const char *ckpt_syscall_name(long nr)
{
    const char *name = nr >= 0 && nr < SYSCALLS ? handlers[nr].name : NULL;
    return name ? name : "unknown";
}

static struct ckpt_call call_of(int nr, ucontext_t *uc)
{
    struct ckpt_call call = {.nr = nr, .uc = uc};

    ckpt_trap_args(uc, call.arg);
    return call;
}

/* A SIGSYS that was sent, not trapped, is the program's. */
static void deliver(int sig, siginfo_t *info, void *context)
{
    const struct ckpt_sigaction *set = &ckpt_state->sigsys;

    if (set->handler == (uint64_t)(uintptr_t)SIG_DFL)
        ckpt_end_with(sig, context);
    else if (set->handler == (uint64_t)(uintptr_t)SIG_IGN)
        return;
    else if (set->flags & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))(uintptr_t)set->handler)(sig, info,
                                                                      context);
    else
        ((void (*)(int))(uintptr_t)set->handler)(sig);
}

enum { SYS_SECCOMP_CODE = 1 };

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    int errnum = errno;

    if (info->si_code != SYS_SECCOMP_CODE) {
        deliver(sig, info, context);
        return;
    }
    struct ckpt_call call = call_of(info->si_syscall, uc);
    long result = CKPT_LOCAL;
    if (call.nr >= 0 && call.nr < SYSCALLS && handlers[call.nr].fn)
        result = handlers[call.nr].fn(&call);
    if (result == CKPT_LOCAL)
        ckpt_trap_bounce(call.nr, uc);
    else
        uc->uc_mcontext.gregs[REG_RAX] = result;
    errno = errnum;
}

static long set_handler(void)
{
    struct ckpt_sigaction action = {
        .handler = (uint64_t)(uintptr_t)on_sigsys,
        .flags = SA_SIGINFO | CKPT_SA_RESTORER |
                 (ckpt_state->small_altstack ? 0u : SA_ONSTACK),
        .restorer = (uint64_t)(uintptr_t)ckpt_signal_return,
        .mask = ~0ul,
    };

    return ckpt_sys(SYS_rt_sigaction, SIGSYS, &action, NULL, 8);
}

/* A coroutine's stack (Go's have 2 KiB) has no room for the handler, so that
 * runs on the thread's alternate stack; unless that is the one that is small.
 */
long ckpt_on_sigaltstack(struct ckpt_call *call)
{
    stack_t stack;

    if (ckpt_state->small_altstack || call->arg[0] == 0 ||
        ckpt_user_read(&stack, call->arg[0], sizeof stack) != 0 ||
        (stack.ss_flags & SS_DISABLE) || stack.ss_size >= CKPT_TRAP_STACK)
        return CKPT_LOCAL;
    ckpt_state->small_altstack = true;
    set_handler();
    return CKPT_LOCAL;
}

int ckpt_trap_install(struct ckpt_err *err)
{
    uint64_t sigsys = 1ul << (SIGSYS - 1);

    long rc = set_handler();
    if (rc == 0)
        rc = ckpt_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &sigsys, NULL, 8);
    if (ckpt_sys_errno(rc) != 0)
        return ckpt_err_sys(err, "cannot handle SIGSYS");
    return 0;
}

/* --- for the handlers --------------------------------------------------------
 */

/* Through the kernel where it lets us, so that a bad address gives EFAULT. */
static long user_copy(long nr, const void *ours, uint64_t theirs, size_t len)
{
    struct iovec local = {(void *)(uintptr_t)ours, len};
    struct iovec remote = {(void *)(uintptr_t)theirs, len};
    long n = ckpt_sys(nr, ckpt_link->self, &local, 1, &remote, 1, 0);

    if (n == (long)len)
        return 0;
    if (n == -ENOSYS || n == -EPERM)
        return 1;
    return -EFAULT;
}

long ckpt_user_read(void *to, uint64_t from, size_t len)
{
    long rc = user_copy(SYS_process_vm_readv, to, from, len);

    if (rc == 1)
        memcpy(to, (const void *)(uintptr_t)from, len);
    return rc < 0 ? rc : 0;
}

long ckpt_user_write(uint64_t to, const void *from, size_t len)
{
    long rc = user_copy(SYS_process_vm_writev, from, to, len);

    if (rc == 1)
        memcpy((void *)(uintptr_t)to, from, len);
    return rc < 0 ? rc : 0;
}

void ckpt_refusal_log(long nr, const char *why)
{
    uint8_t *told = &ckpt_state->told[(nr % SYSCALLS) / 8];
    uint8_t bit = (uint8_t)(1u << (nr % 8));
    char line[SHADOW_TEXT_MAX];

    if (*told & bit)
        return;
    *told |= bit;
    snprintf(line, sizeof line, "refused: %s (%s)", ckpt_syscall_name(nr), why);
    ckpt_session_log(line);
}
