/* pool_confined.c - is a job on a station as confined as it should be?
 *
 * Linked statically and without libckpt, so that it asks the station's kernel
 * and nobody else.  Argument: a file of the home directory.  Exits with the
 * number of the first thing that is wrong, 0 if nothing is.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
    return 0;
}
