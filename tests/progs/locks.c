/* locks.c - flock, POSIX and OFD locks are held after a checkpoint and after
 * a restart */
#include "tests/progs/prog.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

static char name[] = "locks.XXXXXX";

/* What another process finds: the type of the first lock in its way. */
static int seen_by_another(off_t start, off_t len)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        struct flock fl = {.l_type = F_WRLCK, .l_start = start, .l_len = len};
        int fd = open(name, O_RDWR);
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &fl) == 0 ? fl.l_type : 99);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

int main(void)
{
    struct flock fl;
    char buf[8];

    int a = mkstemp(name), b = open(name, O_RDWR), c = open(name, O_WRONLY);
    prog_check(write(a, "text", 4) == 4);
    prog_check(flock(a, LOCK_EX) == 0);
    fl = (struct flock){.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
    prog_check(fcntl(a, F_SETLK, &fl) == 0);
    fl = (struct flock){.l_type = F_RDLCK, .l_start = 100, .l_len = 0};
    prog_check(fcntl(b, F_SETLK, &fl) == 0);
    fl = (struct flock){.l_type = F_WRLCK, .l_start = 50, .l_len = 5};
    prog_check(fcntl(b, F_OFD_SETLK, &fl) == 0);
    prog_ready();
    prog_wait();
    prog_check(seen_by_another(10, 10) == F_WRLCK);
    prog_check(seen_by_another(19, 1) == F_WRLCK);
    prog_check(seen_by_another(20, 10) == F_UNLCK);
    prog_check(seen_by_another(1000, 1) == F_RDLCK);
    prog_check(seen_by_another(50, 5) == F_WRLCK);
    prog_check(flock(b, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
    fl = (struct flock){.l_type = F_WRLCK, .l_start = 50, .l_len = 5};
    prog_check(fcntl(a, F_OFD_SETLK, &fl) == -1); /* b's */
    prog_check(pread(a, buf, 8, 0) == 4 && pwrite(c, "x", 1, 0) == 1);
    prog_check(flock(a, LOCK_UN) == 0 && flock(b, LOCK_EX | LOCK_NB) == 0);
    close(c); /* drops the POSIX locks */
    prog_check(seen_by_another(10, 10) == F_UNLCK);
    unlink(name);
    return prog_end();
}
