/* pipes.c - pipes with bytes in them, their sizes and flags, several
 * descriptions of one end, packets, a FIFO, and a pipe whose writer is gone */
#include "tests/progs/prog.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static int holds(int fd)
{
    int n = -1;

    ioctl(fd, FIONREAD, &n);
    return n;
}

int main(void)
{
    int p[2], big[2], packets[2], gone[2], empty[2];
    char buf[4096], path[64];
    static char much[200000];

    prog_check(pipe(p) == 0 && pipe(big) == 0 && pipe(gone) == 0);
    prog_check(pipe2(packets, O_DIRECT) == 0);
    prog_check(pipe2(empty, O_NONBLOCK | O_CLOEXEC) == 0);
    prog_check(write(p[1], "hello ", 6) == 6 && write(p[1], "pipe", 4) == 4);
    int again = dup(p[1]);
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
    int other = open(path, O_RDONLY | O_NONBLOCK); /* its own flags */
    prog_check(other >= 0);
    prog_check(fcntl(big[1], F_SETPIPE_SZ, 262144) == 262144);
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i % 251);
    prog_check(write(big[1], much, sizeof much) == (ssize_t)sizeof much);
    prog_check(write(packets[1], "one", 3) == 3);
    prog_check(write(packets[1], "three", 5) == 5);
    prog_check(write(gone[1], "last", 4) == 4);
    close(gone[1]);
    char fifo[] = "fifo.XXXXXX";
    prog_check(mkdtemp(fifo) != NULL);
    snprintf(path, sizeof path, "%s/f", fifo);
    prog_check(mkfifo(path, 0600) == 0);
    int named = open(path, O_RDWR);
    prog_check(write(named, "named", 5) == 5);
    prog_ready();
    prog_wait();
    prog_check(holds(p[0]) == 10 && holds(other) == 10);
    prog_check(write(again, "!", 1) == 1);
    prog_check(read(p[0], buf, 7) == 7 && memcmp(buf, "hello p", 7) == 0);
    prog_check(read(other, buf, 9) == 4 && memcmp(buf, "ipe!", 4) == 0);
    prog_check(read(other, buf, 9) == -1 && errno == EAGAIN);
    prog_check((fcntl(p[0], F_GETFL) & O_NONBLOCK) == 0);
    prog_check(fcntl(big[0], F_GETPIPE_SZ) == 262144);
    size_t at = 0;
    for (ssize_t n; at < sizeof much; at += (size_t)n) {
        n = read(big[0], buf, sizeof buf);
        if (n <= 0 || memcmp(buf, much + at, (size_t)n) != 0)
            break;
    }
    prog_check(at == sizeof much && holds(big[0]) == 0);
    prog_check(fcntl(p[0], F_GETPIPE_SZ) == 65536);
    prog_check(read(packets[0], buf, 99) == 3 && memcmp(buf, "one", 3) == 0);
    prog_check(read(packets[0], buf, 99) == 5 && memcmp(buf, "three", 5) == 0);
    prog_check(fcntl(packets[1], F_GETFL) & O_DIRECT);
    prog_check(read(gone[0], buf, 9) == 4 && read(gone[0], buf, 9) == 0);
    prog_check(read(empty[0], buf, 1) == -1 && errno == EAGAIN);
    prog_check(fcntl(empty[0], F_GETFD) & FD_CLOEXEC);
    close(empty[0]);
    prog_check(read(named, buf, 9) == 5 && memcmp(buf, "named", 5) == 0);
    unlink(path);
    rmdir(fifo);
    return prog_end();
}
