/* bpf.h - writing a seccomp filter, instruction by instruction
 *
 * For filters that run inside programs (lib/remote, lib/keep): no libc.  A
 * program with too many instructions stays `full`, and must not be installed.
 */
#ifndef CKPT_COMMON_BPF_H
#define CKPT_COMMON_BPF_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckpt_bpf {
    struct sock_filter code[BPF_MAXINSNS / 4];
    unsigned short len;
    bool full;
};

enum {
    CKPT_BPF_LOAD = BPF_LD | BPF_W | BPF_ABS,
    CKPT_BPF_JEQ = BPF_JMP | BPF_JEQ | BPF_K,
    CKPT_BPF_JGE = BPF_JMP | BPF_JGE | BPF_K,
    CKPT_BPF_JGT = BPF_JMP | BPF_JGT | BPF_K,
    CKPT_BPF_JSET = BPF_JMP | BPF_JSET | BPF_K,
    CKPT_BPF_RET = BPF_RET | BPF_K,
};

/* One instruction; `yes` and `no` are how many a jump leaves out. */
static inline void ckpt_bpf_emit(struct ckpt_bpf *p, uint16_t code, uint32_t k,
                                 uint8_t yes, uint8_t no)
{
    p->full |= p->len == sizeof p->code / sizeof p->code[0];
    if (!p->full)
        p->code[p->len++] = (struct sock_filter){code, yes, no, k};
}

/* Where the low half of an argument lies. */
static inline uint32_t ckpt_bpf_arg(unsigned arg)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + arg * 8);
}

/* First in a filter: programs for other architectures have other numbers; their
 * calls fail with ENOSYS.  Leaves the call's number loaded. */
static inline void ckpt_bpf_architecture(struct ckpt_bpf *p)
{
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, offsetof(struct seccomp_data, arch), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, offsetof(struct seccomp_data, nr), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JGE, 0x40000000, 0, 1); /* x32 */
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
}

#endif
