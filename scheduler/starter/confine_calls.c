/* confine_calls.c - system calls that a job does not get; see confine.h
 *
 * Landlock bounds the files.  What is left are ways around it for a job that
 * runs as the station's own user, and ways to get out of the process group that
 * is suspended when the owner comes back:
 *
 *     socket(AF_UNIX)      the owner's session bus, agents, display: who may
 *                          speak to those runs programs outside
 *     io_uring_setup       does calls that no filter sees
 *     keyctl and kin       the owner's keyrings
 *     prlimit of others    the owner's processes
 *     setsid, setpgid      out of the job's process group
 *     mount and kin, setns out of its view, where it has one
 *     socket               of a program whose library does not refuse it
 *
 * Programs that can go on without do; socket pairs are not concerned.
 */
#include "scheduler/starter/confine.h"

#include "lib/common/bpf.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static void deny(struct ckpt_bpf *p, uint32_t nr, int errnum)
{
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, nr, 0, 1);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | (uint32_t)errnum, 0, 0);
}

/* The same where the first argument is (or is not) `value`. */
static void deny_first(struct ckpt_bpf *p, uint32_t nr, uint32_t value,
                       bool equal, int errnum)
{
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, nr, 0, 4);
    ckpt_bpf_emit(p, CKPT_BPF_LOAD, ckpt_bpf_arg(0), 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_JEQ, value, equal ? 0 : 1, equal ? 1 : 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ERRNO | (uint32_t)errnum, 0, 0);
    ckpt_bpf_emit(p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
}

static void deny_mounted(struct ckpt_bpf *p)
{
    static const uint32_t denied[] = {
        SYS_mount,     SYS_umount2, SYS_pivot_root, SYS_setns,
        SYS_open_tree, SYS_fsmount, SYS_move_mount, SYS_chroot};

    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++)
        deny(p, denied[i], EPERM);
    deny(p, SYS_socket, EACCES);
}

int confine_calls(bool mounted, struct ckpt_err *err)
{
    struct ckpt_bpf p = {.len = 0};

    ckpt_bpf_architecture(&p);
    deny(&p, SYS_io_uring_setup, ENOSYS);
    deny(&p, SYS_keyctl, ENOSYS);
    deny(&p, SYS_add_key, ENOSYS);
    deny(&p, SYS_request_key, ENOSYS);
    deny(&p, SYS_setsid, EPERM);
    deny(&p, SYS_setpgid, EPERM);
    if (mounted)
        deny_mounted(&p);
    deny_first(&p, SYS_socket, AF_UNIX, true, EACCES);
    deny_first(&p, SYS_prlimit64, 0, false, EPERM);
    ckpt_bpf_emit(&p, CKPT_BPF_RET, SECCOMP_RET_ALLOW, 0, 0);
    struct sock_fprog program = {p.len, p.code};
    if (p.full || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return ckpt_err_sys(err, "seccomp");
    return 0;
}
