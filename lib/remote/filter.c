/* filter.c - the seccomp filter of remote mode
 *
 * In order: calls that the table lets pass (the kernel caches this answer per
 * number, so they cost nothing); what comes from ckpt_gate; then the
 * table's checks.  Calls of other architectures fail with ENOSYS.
 */
#include "lib/common/bpf.h"
#include "lib/remote/state.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum check {
    CHECK_TRAP,
    CHECK_TRAP_NZ,
    CHECK_TRAP_MAP,
    CHECK_TRAP_FORK,
    CHECK_TRAP_MASK,
    CHECK_ENOSYS,
};

struct rule {
    uint16_t nr;
    uint8_t check;
    uint8_t arg;
};

static const struct rule rules[] = {
#define CKPT_SYSCALL(number, name, check, argument, handler)                   \
    {number, CHECK_##check, argument},
#include "lib/wrap/syscalls.inc"
#undef CKPT_SYSCALL
};
enum { RULES = sizeof rules / sizeof rules[0] };

/* Numbers outside every run of consecutive listed numbers pass. */
static void emit_passes(struct ckpt_bpf *p)
{
    size_t i = 0;
    unsigned short jumps[RULES];
    size_t njumps = 0;

    while (i < RULES) {
        size_t end = i;
        while (end + 1 < RULES && rules[end + 1].nr == rules[end].nr + 1)
            end++;
        ckpt_bpf_emit(p, CKPT_BPF_JGE, rules[i].nr, 1, 0);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JGT, rules[end].nr, 1, 0);
        jumps[njumps++] = p->len;
        ckpt_bpf_emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
        i = end + 1;
    }
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
    while (njumps > 0) {
        unsigned short at = jumps[--njumps];
        p->code[at].k = (uint32_t)(p->len - at - 1);
    }
}

/* The gate's one system call instruction leaves this address as the
 * instruction pointer.  The bounce (x86_64.S) has its own. */
static void emit_gate(struct ckpt_bpf *p, const char *after)
{
    uint64_t ip = (uint64_t)(uintptr_t)after;

    ckpt_bpf_emit(p, CKPT_BPF_LOAD,
                  offsetof(struct seccomp_data, instruction_pointer), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, (uint32_t)ip, 0, 3);
    ckpt_bpf_emit(p, CKPT_BPF_LOAD,
                  offsetof(struct seccomp_data, instruction_pointer) + 4, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, (uint32_t)(ip >> 32), 0, 1);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

static void emit_pass_if_zero(struct ckpt_bpf *p, int arg)
{
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg((unsigned)arg), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, 0, 0, 3);
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg((unsigned)arg) + 4, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, 0, 0, 1);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

static void emit_check(struct ckpt_bpf *p, const struct rule *rule)
{
    switch ((enum check)rule->check) {
    case CHECK_ENOSYS:
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
        return;
    case CHECK_TRAP_NZ:
        emit_pass_if_zero(p, rule->arg);
        break;
    case CHECK_TRAP_MAP:
        ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(3), 0, 0);
        ckpt_bpf_emit(p, BPF_ALU | BPF_AND | BPF_K, MAP_ANONYMOUS | MAP_FIXED,
                      0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, MAP_ANONYMOUS, 0, 1);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
        break;
    case CHECK_TRAP_FORK:
        ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(0), 0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JSET, CLONE_THREAD, 0, 1);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
        break;
    case CHECK_TRAP_MASK:
        emit_pass_if_zero(p, 1);
        ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(0), 0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, SIG_UNBLOCK, 0, 1);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
        break;
    case CHECK_TRAP:
        break;
    }
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_TRAP, 0, 0);
}

static void emit_checks(struct ckpt_bpf *p)
{
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, offsetof(struct seccomp_data, nr), 0, 0);
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].check == CHECK_TRAP)
            continue;
        unsigned short at = p->len;
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, rules[i].nr, 0, 0);
        emit_check(p, &rules[i]);
        p->code[at].jf = (uint8_t)(p->len - at - 1);
    }
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_TRAP, 0, 0);
}

int ckpt_filter_install(struct ckpt_err *err)
{
    struct ckpt_bpf program = {.len = 0};

    ckpt_bpf_architecture(&program);
    emit_passes(&program);
    emit_gate(&program, ckpt_gate_after);
    emit_gate(&program, ckpt_gate_bounce_after);
    /* waits of lib/wrap/sleep.c, whose masks are clean already */
    emit_gate(&program, ckpt_program_call_after);
    emit_checks(&program);

    if (program.full)
        return ckpt_err_set(err, E2BIG, "the filter is too long");
    struct sock_fprog fprog = {program.len, program.code};
    long rc = ckpt_sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (rc == 0)
        rc = ckpt_sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      SECCOMP_FILTER_FLAG_TSYNC, &fprog);
    if (rc != 0) {
        errno = rc < 0 ? (int)-rc : EAGAIN;
        return ckpt_err_sys(err, "cannot install the system call filter");
    }
    return 0;
}
