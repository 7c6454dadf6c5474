/* pool_confined.c - is a job on a station as confined as it should be?
 *
 * Linked statically and without libckpt, so that it asks the station's kernel
 * and nobody else.  Argument: a file of the home directory.  Exits with the
 * number of the first thing that is wrong, 0 if nothing is.  Signals and
 * places are Landlock's to keep, as is, for a job of the same user, all that
 * belongs to others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int can_open(const char *path, int flags)
{
    int fd = open(path, flags, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 3; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Each must fail; 20... */
static int confined_calls(void)
{
    int pair[2], status;
    struct rlimit limit = {1, 1};
    char byte;
    struct iovec to = {&byte, 1}, from = {&byte, 1};

    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
        return 20;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return 21;
    if (syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != ENOSYS)
        return 22;
    if (syscall(SYS_keyctl, 0, -3, 0) >= 0) /* KEYCTL_GET_KEYRING_ID */
        return 23;
    if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit) == 0)
        return 24;
    pid_t pid = fork();
    if (pid == 0)
        _exit(setsid() >= 0 || setpgid(0, 0) == 0);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 25;
    if (ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0)
        return 26;
    if (process_vm_readv(getppid(), &to, 1, &from, 1, 0) >= 0)
        return 27;
    if (setuid(0) == 0 || chroot(".") == 0)
        return 28;
    return 0;
}

/* Nothing of others is seen, whatever way is taken; 40... */
static int confined_files(const char *home_file)
{
    static const char *const places[] = {"/home",    "/root", "/tmp",
                                         "/dev/shm", "/run",  "/var/tmp"};
    static const char *const of_parent[] = {"mem", "environ", "cwd", "fd/0",
                                            "maps"};
    char path[64];

    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
        if (open(places[i], O_RDONLY | O_DIRECTORY) >= 0)
            return 40 + (int)i;
    for (unsigned i = 0; i < sizeof of_parent / sizeof of_parent[0]; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)getppid(),
                 of_parent[i]);
        if (can_open(path, O_RDONLY))
            return 50 + (int)i;
    }
    if (symlink(home_file, "way") < 0 || can_open("way", O_RDONLY))
        return 60;
    if (link("/etc/passwd", "passwd") == 0)
        return 61;
    if (can_open("/usr/made-by-a-job", O_WRONLY | O_CREAT) ||
        can_open("/tmp/made-by-a-job", O_WRONLY | O_CREAT))
        return 62;
    if (can_open("/dev/tty", O_RDWR))
        return 63;
    /* capabilities in a namespace of its own do not help */
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
        mount("none", ".", "tmpfs", 0, NULL) == 0)
        return 64;
    return can_open(home_file, O_RDONLY) ? 65 : 0;
}

/* Where the kernel shares out by sessions, ours comes last; the starter sees to
 * it within a few seconds. */
static int session_comes_last(void)
{
    for (int i = 0; i < 50; i++) {
        char text[128] = "";
        int fd = open("/proc/self/autogroup", O_RDONLY);
        if (fd < 0)
            return 1;
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        if (n <= 0 || strstr(text, "nice 19"))
            return 1;
        usleep(100000);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit core;
    struct stat here;

    if (argc != 2)
        return 1;
    if (can_open(argv[1], O_RDONLY))
        return 2;
    if (getuid() == 0 || geteuid() == 0)
        return 3;
    if (getpriority(PRIO_PROCESS, 0) != 19)
        return 4;
    if (getsid(0) != getpid() || getpgrp() != getpid())
        return 5;
    if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
        return 6;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 7;
    if (stat(".", &here) < 0 || (here.st_mode & 077) != 0 ||
        here.st_uid != getuid())
        return 8;
    if (!can_open("mine", O_RDWR | O_CREAT))
        return 9;
    if (!can_open("/etc/passwd", O_RDONLY) || !can_open("/dev/null", O_RDWR))
        return 10;
    if (open_descriptors() > 1) /* the boot record */
        return 11;
    if (getenv("LD_PRELOAD"))
        return 12;
    /* Landlock keeps signals in since version 6 (Linux 6.12) */
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 6 &&
        kill(getppid(), 0) == 0)
        return 13;
    if (!session_comes_last())
        return 14;
    int wrong = confined_calls();
    return wrong ? wrong : confined_files(argv[1]);
}
