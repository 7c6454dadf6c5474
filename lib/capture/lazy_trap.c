/* lazy_trap.c - what a program may do while its memory is being loaded
 *
 * Calls that cannot tell memory that is mapped from the image from its own are
 * bounced (x86_64_trap.h): they cost a signal more.  All others wait, and are
 * made again where they were made, by a thread that is trapped no more.
 */
#include "lib/capture/lazy_state.h"

#include "lib/arch/x86_64_trap.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/common/futex.h"
#include "lib/common/sys.h"

#include <linux/audit.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/mman.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
enum {
    LOOK_MS = 500,
    USER_DISPATCH = 2,
    CALLS = 512,
    SIGNALS = 64
}; /* si_code */

static const uint64_t SIGSYS_BIT = 1ull << (SIGSYS - 1);

/* They have nothing to do with mappings, processes or signal handlers. */
static const uint16_t harmless[] = {
    SYS_read,
    SYS_write,
    SYS_open,
    SYS_close,
    SYS_stat,
    SYS_fstat,
    SYS_lstat,
    SYS_poll,
    SYS_lseek,
    SYS_ioctl,
    SYS_pread64,
    SYS_pwrite64,
    SYS_readv,
    SYS_writev,
    SYS_access,
    SYS_pipe,
    SYS_select,
    SYS_sched_yield,
    SYS_mincore,
    SYS_msync,
    SYS_dup,
    SYS_dup2,
    SYS_pause,
    SYS_nanosleep,
    SYS_getitimer,
    SYS_alarm,
    SYS_setitimer,
    SYS_getpid,
    SYS_sendfile,
    SYS_socket,
    SYS_connect,
    SYS_accept,
    SYS_sendto,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_shutdown,
    SYS_bind,
    SYS_listen,
    SYS_getsockname,
    SYS_getpeername,
    SYS_socketpair,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_exit,
    SYS_wait4,
    SYS_kill,
    SYS_uname,
    SYS_fcntl,
    SYS_flock,
    SYS_fsync,
    SYS_fdatasync,
    SYS_truncate,
    SYS_ftruncate,
    SYS_getdents,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_rename,
    SYS_mkdir,
    SYS_rmdir,
    SYS_creat,
    SYS_link,
    SYS_unlink,
    SYS_symlink,
    SYS_readlink,
    SYS_chmod,
    SYS_fchmod,
    SYS_chown,
    SYS_fchown,
    SYS_lchown,
    SYS_umask,
    SYS_gettimeofday,
    SYS_getrlimit,
    SYS_getrusage,
    SYS_sysinfo,
    SYS_times,
    SYS_getuid,
    SYS_getgid,
    SYS_geteuid,
    SYS_getegid,
    SYS_getppid,
    SYS_getpgrp,
    SYS_getpgid,
    SYS_getsid,
    SYS_getgroups,
    SYS_rt_sigpending,
    SYS_rt_sigqueueinfo,
    SYS_rt_sigtimedwait,
    SYS_statfs,
    SYS_fstatfs,
    SYS_getpriority,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sync,
    SYS_gettid,
    SYS_readahead,
    SYS_getxattr,
    SYS_fgetxattr,
    SYS_lgetxattr,
    SYS_tkill,
    SYS_time,
    SYS_futex,
    SYS_sched_setaffinity,
    SYS_sched_getaffinity,
    SYS_epoll_create,
    SYS_getdents64,
    SYS_fadvise64,
    SYS_timer_create,
    SYS_timer_settime,
    SYS_timer_gettime,
    SYS_timer_getoverrun,
    SYS_timer_delete,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_exit_group,
    SYS_epoll_wait,
    SYS_epoll_ctl,
    SYS_tgkill,
    SYS_utimes,
    SYS_waitid,
    SYS_inotify_init,
    SYS_inotify_add_watch,
    SYS_inotify_rm_watch,
    SYS_openat,
    SYS_mkdirat,
    SYS_fchownat,
    SYS_futimesat,
    SYS_newfstatat,
    SYS_unlinkat,
    SYS_renameat,
    SYS_linkat,
    SYS_symlinkat,
    SYS_readlinkat,
    SYS_fchmodat,
    SYS_faccessat,
    SYS_get_robust_list,
    SYS_splice,
    SYS_tee,
    SYS_sync_file_range,
    SYS_utimensat,
    SYS_signalfd,
    SYS_timerfd_create,
    SYS_eventfd,
    SYS_fallocate,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_accept4,
    SYS_signalfd4,
    SYS_eventfd2,
    SYS_epoll_create1,
    SYS_dup3,
    SYS_pipe2,
    SYS_inotify_init1,
    SYS_preadv,
    SYS_pwritev,
    SYS_rt_tgsigqueueinfo,
    SYS_recvmmsg,
    SYS_prlimit64,
    SYS_syncfs,
    SYS_sendmmsg,
    SYS_getcpu,
    SYS_renameat2,
    SYS_getrandom,
    SYS_copy_file_range,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_statx,
    SYS_close_range,
    SYS_restart_syscall,
    SYS_membarrier,
};

static bool is_harmless(long nr)
{
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (harmless[i] == nr)
            return true;
    return false;
}

static bool is_lazy(const struct ckpt_lazy_table *t, uint64_t start,
                    uint64_t len)
{
    const struct ckpt_lazy_range *r = ckpt_lazy_ranges(t);

    for (size_t i = 0; i < t->nranges; i++)
        if (start < r[i].end && start + len > r[i].start)
            return true;
    return false;
}

/* Calls that may go on or must wait, by their arguments. */
static bool may_go_on(const struct ckpt_lazy_table *t, long nr,
                      const ucontext_t *uc)
{
    uint64_t arg[6];

    ckpt_trap_args(uc, arg);
    switch (nr) {
    case SYS_mmap:
        return !(arg[3] & MAP_FIXED) || !is_lazy(t, arg[0], arg[1]);
    case SYS_munmap:
        /* a thread may give its own stack back: no bounce on that */
        return !is_lazy(t, arg[0], arg[1]) &&
               ckpt_trap_stack(uc) - arg[0] >= arg[1];
    case SYS_mprotect:
    case SYS_madvise:
        return !is_lazy(t, arg[0], arg[1]);
    case SYS_brk:
        return arg[0] == 0 || arg[0] >= (uint64_t)ckpt_sys(SYS_brk, 0);
    case SYS_rt_sigprocmask:
        return arg[1] == 0 || (int)arg[0] == SIG_UNBLOCK ||
               !(*(const uint64_t *)arg[1] & SIGSYS_BIT);
    case SYS_ppoll:
        return arg[3] == 0;
    case SYS_epoll_pwait:
        return arg[4] == 0;
    case SYS_rt_sigaction:
        return arg[1] == 0 && arg[0] != SIGSYS &&
               !(ckpt_lazy_now->with_sigsys >> (arg[0] - 1) & 1);
    default:
        return is_harmless(nr);
    }
}

static bool is_loading(void)
{
    return atomic_load(&ckpt_lazy_phase) == CKPT_LAZY_LOADING;
}

/* A SIGSYS that was sent is the program's. */
static void deliver(int sig, siginfo_t *info, void *context)
{
    struct ckpt_lazy_action *set = is_loading() ? &ckpt_lazy_now->sigsys : NULL;

    if (!set) /* just over: the program's handler is there */
        ckpt_sys(SYS_tkill, ckpt_sys(SYS_gettid), sig);
    else if (set->handler == (uint64_t)(uintptr_t)SIG_IGN)
        return;
    else if (set->handler == (uint64_t)(uintptr_t)SIG_DFL) {
        ckpt_sys(SYS_rt_sigaction, sig, set, NULL, 8);
        ckpt_sys(SYS_tkill, ckpt_sys(SYS_gettid), sig);
    } else if (set->flags & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))(uintptr_t)set->handler)(sig, info,
                                                                      context);
    else
        ((void (*)(int))(uintptr_t)set->handler)(sig);
}

/* libckpt's own signals: a thread can be stopped while it waits. */
static uint64_t own_signals(void)
{
    const struct ckpt_settings *set = &ckpt_capture_state.settings;
    uint64_t mask = 1ull << (set->signal - 1);

    return set->exit_on > 0 ? mask | 1ull << (set->exit_on - 1) : mask;
}

/* While the thread cannot be stopped the table stays. */
static void look_after_loader(void)
{
    uint64_t own = own_signals();

    ckpt_sys(SYS_rt_sigprocmask, SIG_BLOCK, &own, NULL, 8);
    if (is_loading())
        ckpt_lazy_look_after_loader(ckpt_lazy_now);
    ckpt_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &own, NULL, 8);
}

static void wait_until_loaded(void)
{
    uint64_t own = own_signals();

    ckpt_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &own, NULL, 8);
    while (is_loading()) {
        ckpt_futex_wait((uint32_t *)&ckpt_lazy_phase, CKPT_LAZY_LOADING,
                        LOOK_MS);
        look_after_loader();
    }
}

/* The table is there as long as the thread can not be stopped: all signals are
 * blocked.  All but SIGSYS, for what else runs on top of this returns by a
 * trapped call. */
static void on_sigsys(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    int errnum = errno;
    long nr = info->si_syscall;

    if (info->si_code != USER_DISPATCH) {
        deliver(sig, info, context);
    } else if (info->si_arch == AUDIT_ARCH_X86_64 && nr == SYS_rt_sigreturn) {
        ckpt_trap_signal_return(uc);
    } else if (info->si_arch == AUDIT_ARCH_X86_64 && is_loading() &&
               may_go_on(ckpt_lazy_now->table, nr, uc)) {
        ckpt_trap_bounce(nr, uc);
    } else {
        wait_until_loaded();
        ckpt_trap_repeat(nr, uc);
    }
    errno = errnum;
}

/* Handlers run with SIGSYS unblocked meanwhile. */
static void set_masks(struct ckpt_lazy *lazy, bool with)
{
    struct ckpt_lazy_action a;

    for (int sig = 1; sig <= SIGNALS; sig++) {
        uint64_t bit = 1ull << (sig - 1);
        if (sig == SIGSYS || (with && !(lazy->with_sigsys & bit)) ||
            ckpt_sys(SYS_rt_sigaction, sig, NULL, &a, 8) < 0)
            continue;
        if (with) {
            a.mask |= SIGSYS_BIT;
        } else if (a.mask & SIGSYS_BIT) {
            a.mask &= ~SIGSYS_BIT;
            lazy->with_sigsys |= bit;
        } else {
            continue;
        }
        ckpt_sys(SYS_rt_sigaction, sig, &a, NULL, 8);
    }
}

/* A coroutine's stack has no room for the handler, so that runs on alternate
 * stacks; unless one of those is small. */
static bool has_small_altstack(void)
{
    size_t count;

    for (struct ckpt_thread *t = ckpt_stop_threads(&count); t; t = t->next) {
        const stack_t *stack = &((const ucontext_t *)t->ucontext)->uc_stack;
        if (!(stack->ss_flags & SS_DISABLE) && stack->ss_size < CKPT_TRAP_STACK)
            return true;
    }
    return false;
}

void ckpt_lazy_trap(struct ckpt_lazy *lazy)
{
    struct ckpt_lazy_action action = {
        .handler = (uint64_t)(uintptr_t)on_sigsys,
        .flags = SA_SIGINFO | SA_NODEFER | CKPT_SA_RESTORER |
                 (has_small_altstack() ? 0u : SA_ONSTACK),
        .restorer = (uint64_t)(uintptr_t)ckpt_signal_return,
        .mask = ~SIGSYS_BIT,
    };

    ckpt_sys(SYS_rt_sigaction, SIGSYS, &action, &lazy->sigsys, 8);
    set_masks(lazy, false);
}

void ckpt_lazy_untrap(struct ckpt_lazy *lazy)
{
    set_masks(lazy, true);
    ckpt_sys(SYS_rt_sigaction, SIGSYS, &lazy->sigsys, NULL, 8);
}

void ckpt_lazy_trap_thread(bool on)
{
    uint64_t start = (uint64_t)(uintptr_t)ckpt_gate;
    uint64_t len = (uint64_t)(uintptr_t)ckpt_calls_end + 1 - start;

    /* the return from the checkpoint signal's handler is trapped, too */
    ckpt_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &SIGSYS_BIT, NULL, 8);
    ckpt_sys(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH,
             on ? PR_SYS_DISPATCH_ON : PR_SYS_DISPATCH_OFF, on ? start : 0,
             on ? len : 0, 0);
}
