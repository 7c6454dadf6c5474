/* confine.c - see confine.h: a file server that is taken over is worth little
 *
 * It reads what the job writes and what comes from home.  Before it does it
 * gives up all files but those it has open (Landlock, where the kernel has it)
 * and all system calls but those that serving takes; among them are memory that
 * is not executable, and connections to the shadow.
 */
#include "mount/confine.h"

#include "lib/common/bpf.h"

#include <linux/landlock.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------------
 */

int confine_files(struct ckpt_err *err)
{
    struct landlock_ruleset_attr attr = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1};
    struct rlimit none = {0, 0};
    long rc = 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0)
        return ckpt_err_sys(err, "cannot confine ckpt-mount");
    if (syscall(SYS_landlock_create_ruleset, NULL, 0,
                LANDLOCK_CREATE_RULESET_VERSION) < 1)
        return 0;
    long ruleset = syscall(SYS_landlock_create_ruleset, &attr,
                           sizeof attr.handled_access_fs, 0);
    if (ruleset < 0 || (rc = syscall(SYS_landlock_restrict_self, ruleset, 0)))
        ckpt_err_sys(err, "cannot confine ckpt-mount with Landlock");
    if (ruleset >= 0)
        close((int)ruleset);
    return ruleset < 0 || rc < 0 ? -1 : 0;
}

/* --- system calls -----------------------------------------------------------
 */

static const unsigned allowed[] = {
    SYS_read,          SYS_write,
    SYS_readv,         SYS_writev,
    SYS_recvfrom,      SYS_sendto,
    SYS_recvmsg,       SYS_sendmsg,
    SYS_poll,          SYS_ppoll,
    SYS_close,         SYS_shutdown,
    SYS_connect,       SYS_setsockopt,
    SYS_getsockopt,    SYS_getsockname,
    SYS_getpeername,   SYS_fcntl,
    SYS_dup,           SYS_dup3,
    SYS_futex,         SYS_munmap,
    SYS_mremap,        SYS_madvise,
    SYS_brk,           SYS_rt_sigprocmask,
    SYS_rt_sigaction,  SYS_rt_sigreturn,
    SYS_rt_sigpending, SYS_restart_syscall,
    SYS_clock_gettime, SYS_gettimeofday,
    SYS_nanosleep,     SYS_clock_nanosleep,
    SYS_sched_yield,   SYS_sched_getaffinity,
    SYS_membarrier,    SYS_getrandom,
    SYS_getpid,        SYS_gettid,
    SYS_fstat,         SYS_set_robust_list,
    SYS_rseq,          SYS_exit,
    SYS_exit_group,
};

static void allow(struct ckpt_bpf *p, unsigned call)
{
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, call, 0, 1);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

/* Memory without PROT_EXEC. */
static void allow_data(struct ckpt_bpf *p, unsigned call)
{
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, call, 0, 4);
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(2), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JSET, PROT_EXEC, 0, 1);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

/* About this process. */
static void allow_own(struct ckpt_bpf *p, unsigned call)
{
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, call, 0, 4);
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(0), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, 0, 1, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

/* Of the Internet's families. */
static void allow_sockets(struct ckpt_bpf *p)
{
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, SYS_socket, 0, 5);
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(0), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, AF_INET, 2, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, AF_INET6, 1, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

int confine_calls(struct ckpt_err *err)
{
    struct ckpt_bpf p = {.len = 0};

    ckpt_bpf_architecture(&p);
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        allow(&p, allowed[i]);
    allow_data(&p, SYS_mmap);
    allow_data(&p, SYS_mprotect);
    allow_own(&p, SYS_prlimit64);
    allow_sockets(&p);
    ckpt_bpf_emit(&p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    struct sock_fprog program = {p.len, p.code};
    if (p.full || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
        return ckpt_err_sys(err, "cannot confine ckpt-mount with seccomp");
    return 0;
}
