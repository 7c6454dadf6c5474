/* filter.c - see filter.h
 *
 * A call that changes no file passes at once.  Some say by an argument whether
 * they do: open(2) without O_CREAT and O_TRUNC only finds a file; a mapping
 * matters when it is shared.  io_uring would go past the filter and fails as if
 * the kernel had none.
 */
#include "lib/keep/filter.h"

#include "lib/common/bpf.h"
#include "lib/keep/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum { NR_FCHMODAT2 = 452, NR_IO_URING_SETUP = 425 };

/* Always shown. */
static const uint16_t shown[] = {
    SYS_write,     SYS_pwrite64,  SYS_writev,    SYS_pwritev,
    SYS_pwritev2,  SYS_sendfile,  SYS_splice,    SYS_copy_file_range,
    SYS_ftruncate, SYS_truncate,  SYS_fallocate, SYS_creat,
    SYS_openat2,   SYS_rename,    SYS_renameat,  SYS_renameat2,
    SYS_link,      SYS_linkat,    SYS_unlink,    SYS_unlinkat,
    SYS_rmdir,     SYS_mkdir,     SYS_mkdirat,   SYS_symlink,
    SYS_symlinkat, SYS_mknod,     SYS_mknodat,   SYS_chmod,
    SYS_fchmod,    SYS_fchmodat,  SYS_chown,     SYS_fchown,
    SYS_lchown,    SYS_fchownat,  SYS_utime,     SYS_utimes,
    SYS_futimesat, SYS_utimensat, SYS_io_setup,  NR_FCHMODAT2,
};

/* Shown when argument `arg` has one of the bits, or is one of two values. */
static const struct {
    uint16_t nr;
    uint8_t arg;
    uint32_t bits, unless; /* bits that make it pass after all */
} by_bits[] = {
    {SYS_open, 1, O_CREAT | O_TRUNC, 0},
    {SYS_openat, 2, O_CREAT | O_TRUNC, 0},
    {SYS_mmap, 3, MAP_SHARED, MAP_ANONYMOUS},
};
static const struct {
    uint16_t nr;
    uint8_t arg;
    uint32_t values[2];
} by_value[] = {
    {SYS_prctl, 0, {CKPT_KEEP_CALL, CKPT_KEEP_CALL}},
    {SYS_ioctl, 1, {(uint32_t)FICLONE, (uint32_t)FICLONERANGE}},
};

static void emit_arguments(struct ckpt_bpf *p)
{
    for (size_t i = 0; i < sizeof by_bits / sizeof by_bits[0]; i++) {
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, by_bits[i].nr, 0, 5);
        ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(by_bits[i].arg), 0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JSET, by_bits[i].unless, 1, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JSET, by_bits[i].bits, 1, 0);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_USER_NOTIF, 0, 0);
    }
    for (size_t i = 0; i < sizeof by_value / sizeof by_value[0]; i++) {
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, by_value[i].nr, 0, 5);
        ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(by_value[i].arg), 0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, by_value[i].values[0], 2, 0);
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, by_value[i].values[1], 1, 0);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_USER_NOTIF, 0, 0);
    }
}

static void emit_shown(struct ckpt_bpf *p)
{
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        ckpt_bpf_emit(p, CKPT_BPF_JEQ, shown[i], 0, 1);
        ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_USER_NOTIF, 0, 0);
    }
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, NR_IO_URING_SETUP, 0, 1);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

/* The first flag, where it is known, lets no signal but a fatal one break off
 * a call that the keeper is looking at. */
static long install(const struct sock_fprog *program)
{
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      SECCOMP_FILTER_FLAG_NEW_LISTENER |
                          SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
                      program);
    if (fd < 0 && errno == EINVAL)
        fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     SECCOMP_FILTER_FLAG_NEW_LISTENER, program);
    return fd;
}

int keep_filter_install(struct ckpt_err *err)
{
    struct ckpt_bpf program = {.len = 0};

    ckpt_bpf_architecture(&program);
    emit_arguments(&program);
    emit_shown(&program);
    if (program.full)
        return ckpt_err_set(err, E2BIG, "the filter is too long");
    struct sock_fprog fprog = {program.len, program.code};
    long fd = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (fd == 0)
        fd = install(&fprog);
    if (fd >= 0)
        return (int)fd;
    if (errno == EBUSY)
        return ckpt_err_set(err, EBUSY,
                            "--files save: another seccomp listener watches "
                            "this process already");
    return ckpt_err_sys(err, "--files save needs seccomp user notification "
                             "(Linux 5.9, not forbidden by a container)");
}
