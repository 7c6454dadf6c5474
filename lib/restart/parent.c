/* parent.c - see parent.h */
#include "lib/restart/parent.h"

#include "lib/capture/request_find.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MINDER_LOOKS_MS = 100 };

struct family {
    int stat_fd;  /* /proc/PID/stat of ckpt restart */
    int alive[2]; /* a pipe whose writing end only ckpt restart has */
    int ready[2]; /* the minder says that it is ready */
    bool in_namespace;
    sigset_t old_mask;
};

/* Descriptors that were inherited belong to the program alone: move ours to
 * the lowest numbers and close all others. */
static void close_others(int *ours, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ours[i] = fcntl(ours[i], F_DUPFD_CLOEXEC, 3 + n);
    for (unsigned i = 0; i < n; i++)
        ours[i] = dup2(ours[i], (int)i);
    syscall(SYS_close_range, n, ~0u, 0);
}

/* --- the minder ----------------------------------------------------------- */

/* The state in an open /proc/PID/stat; 'X' when the process is gone. */
static char state_in(int stat_fd)
{
    char text[512];
    ssize_t n = pread(stat_fd, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    const char *paren = strrchr(text, ')');
    return paren && paren[1] ? paren[2] : 'X';
}

static void signal_program(int pidfd, int sig)
{
    syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* Until the end of file says that ckpt restart has gone. */
static void keep(int alive, int stat_fd, int pidfd)
{
    struct pollfd p = {.fd = alive, .events = POLLIN};
    bool stopped = false;

    while (poll(&p, 1, MINDER_LOOKS_MS) <= 0) {
        bool now = state_in(stat_fd) == 'T';
        if (now != stopped)
            signal_program(pidfd, now ? SIGSTOP : SIGCONT);
        stopped = now;
    }
    p.fd = pidfd;
    poll(&p, 1, -1); /* what it leaves behind comes to us when it has ended */
    while (wait(NULL) > 0 || errno == EINTR)
        ;
}

static void mind_program(struct family *f, pid_t pid)
{
    struct ckpt_err err;
    char byte;

    prctl(PR_SET_NAME, "ckpt-minder");
    signal(SIGCHLD, SIG_IGN); /* no zombies */
    close(f->alive[1]);
    if (f->in_namespace && ckpt_namespace_mount_proc(&err) < 0)
        _exit(1);
    if (write(f->ready[1], "", 1) != 1 || read(f->alive[0], &byte, 1) != 1)
        _exit(1);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        _exit(0);
    int ours[] = {f->alive[0], f->stat_fd, pidfd};
    close_others(ours, 3);
    keep(ours[0], ours[1], ours[2]);
    _exit(0);
}

/* --- ckpt restart --------------------------------------------------------- */

/* What the signal does to a process that does nothing about it. */
static void undergo(int sig)
{
    sigset_t set;

    signal(sig, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, sig);
    kill(getpid(), sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void end_as(int status)
{
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    prctl(PR_SET_DUMPABLE, 0); /* the program has dumped its core */
    undergo(WTERMSIG(status));
    _exit(128 + WTERMSIG(status));
}

/* Stop and end as the program does.  Whether it is stopped.  SIGSTOP has come
 * to us too, or because of us from the minder. */
static bool follow(pid_t program, bool stopped)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(program, &status, WNOHANG | WUNTRACED | WCONTINUED)) >
           0) {
        if (WIFEXITED(status) || WIFSIGNALED(status))
            end_as(status);
        stopped = WIFSTOPPED(status);
        if (stopped && WSTOPSIG(status) != SIGSTOP)
            undergo(WSTOPSIG(status));
    }
    return stopped;
}

/* What the terminal sends goes to the whole process group, in which the program
 * is too. */
static void hand_on(pid_t program, siginfo_t *info)
{
    if (info->si_pid == program)
        return; /* it has signalled its own process group */
    if (info->si_code == SI_QUEUE)
        syscall(SYS_rt_sigqueueinfo, program, info->si_signo, info);
    else if (info->si_code <= 0)
        kill(program, info->si_signo);
}

static void attend(pid_t program)
{
    sigset_t all;
    siginfo_t info;
    bool stopped = false;

    sigfillset(&all);
    for (;;) {
        bool was_stopped = stopped;
        int sig = sigwaitinfo(&all, &info);
        stopped = follow(program, stopped);
        if (sig <= 0 || sig == SIGCHLD)
            continue;
        /* the whole group was continued, and the program with it */
        if (sig == SIGCONT && was_stopped && !stopped)
            continue;
        hand_on(program, &info);
    }
}

/* --- making the family ---------------------------------------------------- */

static int open_family(struct family *f, const struct ckpt_namespace *ns,
                       struct ckpt_err *err)
{
    sigset_t all;

    f->in_namespace = ns->flags & CLONE_NEWPID;
    f->stat_fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (f->stat_fd < 0)
        return ckpt_err_sys(err, "/proc/self/stat");
    if (pipe2(f->alive, O_CLOEXEC) < 0 || pipe2(f->ready, O_CLOEXEC) < 0)
        return ckpt_err_sys(err, "pipe");
    signal(SIGCHLD, SIG_DFL);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &f->old_mask);
    return ns->flags ? ckpt_namespace_enter(ns, err) : 0;
}

static int start_minder(struct family *f, pid_t pid, struct ckpt_err *err)
{
    char byte;
    pid_t minder = fork();

    if (minder < 0)
        return ckpt_err_sys(err, "fork");
    if (minder == 0)
        mind_program(f, pid);
    close(f->ready[1]);
    if (read(f->ready[0], &byte, 1) != 1)
        return ckpt_err_set(err, EPERM, "no /proc in a new pid namespace");
    close(f->ready[0]);
    return 0;
}

/* The parent was killed before the death signal was set: nobody else has the
 * writing end of the pipe. */
static bool is_orphan(const struct family *f)
{
    struct pollfd p = {.fd = f->alive[0], .events = POLLIN};

    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

int ckpt_parent_fork(const struct ckpt_namespace *ns, pid_t pid,
                     struct ckpt_err *err)
{
    struct family f;

    if (open_family(&f, ns, err) < 0 || start_minder(&f, pid, err) < 0)
        return -1;
    pid_t program = ckpt_namespace_fork(pid);
    if (program < 0)
        return ckpt_err_sys(err, "process id %d", (int)pid);
    if (program == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(f.alive[1]);
        if (is_orphan(&f))
            _exit(128 + SIGKILL);
        close(f.alive[0]);
        close(f.stat_fd);
        sigprocmask(SIG_SETMASK, &f.old_mask, NULL);
        return 0;
    }
    if (write(f.alive[1], "", 1) != 1)
        kill(program, SIGKILL);
    close_others(&f.alive[1], 1);
    prctl(PR_SET_NAME, CKPT_PARENT_COMM);
    attend(program);
    abort(); /* it ends in end_as() */
}
