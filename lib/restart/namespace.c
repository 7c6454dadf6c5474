/* namespace.c - see namespace.h */
#include "lib/restart/namespace.h"

#include "lib/common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NS = 1000000000 };

static int write_file(const char *path, const char *text, struct ckpt_err *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : (int)ckpt_write_full(fd, text, strlen(text));

    if (rc < 0)
        ckpt_err_sys(err, "%s", path);
    if (fd >= 0)
        close(fd);
    return rc < 0 ? -1 : 0;
}

static int map_user(uid_t uid, gid_t gid, struct ckpt_err *err)
{
    char text[64];

    if (write_file("/proc/self/setgroups", "deny", err) < 0)
        return -1;
    snprintf(text, sizeof text, "%u %u 1", uid, uid);
    if (write_file("/proc/self/uid_map", text, err) < 0)
        return -1;
    snprintf(text, sizeof text, "%u %u 1", gid, gid);
    return write_file("/proc/self/gid_map", text, err);
}

/* The offsets are to the machine's clocks, not to those that we see, so what
 * we are in already counts. */
static void add_present_offsets(struct ckpt_namespace *ns)
{
    char name[16];
    long long sec, nsec;
    FILE *in = fopen("/proc/self/timens_offsets", "re");

    while (in && fscanf(in, "%15s %lld %lld", name, &sec, &nsec) == 3)
        *(strcmp(name, "monotonic") == 0 ? &ns->monotonic_ns
                                         : &ns->boottime_ns) += sec * NS + nsec;
    if (in)
        fclose(in);
}

static long long seconds(int64_t ns)
{
    return ns / NS - (ns % NS < 0);
}

static int shift_clocks(const struct ckpt_namespace *shift,
                        struct ckpt_err *err)
{
    struct ckpt_namespace to = *shift;
    char text[160];

    add_present_offsets(&to);
    long long mono = seconds(to.monotonic_ns), boot = seconds(to.boottime_ns);
    snprintf(text, sizeof text, "monotonic %lld %lld\nboottime %lld %lld\n",
             mono, (long long)to.monotonic_ns - mono * NS, boot,
             (long long)to.boottime_ns - boot * NS);
    return write_file("/proc/self/timens_offsets", text, err);
}

int ckpt_namespace_enter(const struct ckpt_namespace *ns, struct ckpt_err *err)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(ns->flags) < 0)
        return ckpt_err_sys(err, "%s namespaces cannot be made here",
                            ns->flags & CLONE_NEWUSER ? "user" : "new");
    if ((ns->flags & CLONE_NEWUSER) && map_user(uid, gid, err) < 0)
        return -1;
    if ((ns->flags & CLONE_NEWTIME) && shift_clocks(ns, err) < 0)
        return -1;
    /* what is mounted here stays here, what is mounted there shows here */
    if ((ns->flags & CLONE_NEWNS) &&
        mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return ckpt_err_sys(err, "cannot have mounts of its own");
    return 0;
}

uint64_t ckpt_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    memset(data, 0, sizeof data);
    syscall(SYS_capget, &head, data);
    return (uint64_t)data[1].effective << 32 | data[0].effective;
}

int ckpt_namespace_mount_proc(struct ckpt_err *err)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) <
        0)
        return ckpt_err_sys(err, "cannot mount /proc");
    return 0;
}

pid_t ckpt_namespace_fork(pid_t pid)
{
    int *libc_tid = NULL;
    struct clone_args args = {
        .exit_signal = SIGCHLD,
        .set_tid = (uintptr_t)&pid,
        .set_tid_size = 1,
    };

    if (prctl(PR_GET_TID_ADDRESS, &libc_tid) == 0 && libc_tid) {
        args.flags = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
        args.child_tid = (uintptr_t)libc_tid;
    }
    return pid > 0 ? (pid_t)syscall(SYS_clone3, &args, sizeof args) : fork();
}

/* --- trying --------------------------------------------------------------- */

static int reap(pid_t child)
{
    int status = -1;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* The first child of a new pid namespace must live while others are made. */
static int try_children(const struct ckpt_namespace *ns, pid_t pid,
                        struct ckpt_err *err)
{
    int ready[2];
    char byte;
    pid_t first = 0;

    if (pipe(ready) < 0)
        return ckpt_err_sys(err, "pipe");
    if (ns->flags & CLONE_NEWPID) {
        first = fork();
        if (first == 0) {
            if (ckpt_namespace_mount_proc(err) < 0 ||
                write(ready[1], "", 1) != 1)
                _exit(1);
            pause();
            _exit(0);
        }
        close(ready[1]);
        if (read(ready[0], &byte, 1) != 1)
            return -1;
    }
    pid_t child = ckpt_namespace_fork(pid);
    if (child == 0)
        _exit(0);
    if (child < 0)
        ckpt_err_sys(err, "process id %d", (int)pid);
    int rc = child < 0 || reap(child) != 0 ? -1 : 0;
    if (first > 0) {
        kill(first, SIGKILL);
        reap(first);
    }
    return rc;
}

int ckpt_namespace_works(const struct ckpt_namespace *ns, pid_t pid,
                         struct ckpt_err *err)
{
    struct ckpt_err *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rc = -1;

    if (told == MAP_FAILED)
        return ckpt_err_sys(err, "mmap");
    pid_t child = fork();
    if (child == 0) {
        signal(SIGCHLD, SIG_DFL);
        if (ns->flags && ckpt_namespace_enter(ns, told) < 0)
            _exit(1);
        _exit(try_children(ns, pid, told) < 0);
    }
    if (child > 0 && reap(child) == 0)
        rc = 0;
    else
        ckpt_err_set(err, EPERM, "%s", told->text);
    munmap(told, sizeof *told);
    return rc;
}
