/* remote_refused.c - calls that a remote job cannot make */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static void result(const char *what, long rc)
{
    printf("%s %ld %s\n", what, rc, strerrorname_np(errno));
}

/* A child that comes to be all the same tells so. */
static void made(const char *what, long pid)
{
    static const char text[] = "a child was made\n";

    if (pid == 0) {
        syscall(SYS_write, 1, text, sizeof text - 1);
        syscall(SYS_exit_group, 0);
    }
    result(what, pid);
}

static int child(void *unused)
{
    (void)unused;
    return 0;
}

/* By every way that there is. */
static void make_children(void)
{
    static char stack[65536];
    struct clone_args args = {.exit_signal = SIGCHLD};
    char *argv[] = {"true", NULL};
    pid_t pid = -1;

    made("vfork", vfork());
    made("_Fork", _Fork());
    made("fork call", syscall(SYS_fork));
    made("vfork call", syscall(SYS_vfork));
    made("clone call", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    made("no signal", syscall(SYS_clone, 0, 0, 0, 0, 0));
    made("sibling", syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
    made("clone3 call", syscall(SYS_clone3, &args, sizeof args));
    result("clone", clone(child, stack + sizeof stack, SIGCHLD, NULL));
    result("shared",
           clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL));
    errno = posix_spawnp(&pid, "true", NULL, NULL, argv, environ);
    result("posix_spawn", pid);
    result("popen", popen("true", "r") ? 0 : -1);
}

int main(void)
{
    char *argv[] = {"/bin/true", NULL};
    int fd = open("refused.txt", O_RDWR | O_CREAT, 0600);

    setvbuf(stdout, NULL, _IONBF, 0);
    made("fork", fork());
    make_children();
    result("execve", execve(argv[0], argv, argv + 1));
    result("socket", socket(AF_INET, SOCK_STREAM, 0));
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    result("mremap", (long)mremap(map, 4096, 8192, MREMAP_MAYMOVE));
    printf("system %d\n", system("true"));
    result("setxattr", setxattr("refused.txt", "user.a", "b", 1, 0));
    result("setsid", setsid());
    result("kill init", kill(1, 0));
    return 0;
}
