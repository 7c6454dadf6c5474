/* remote_calls.c - microseconds for one file call of each kind
 *
 * Prints "NAME MICROSECONDS" lines on standard error, which is no file of the
 * measurement.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

#define MEASURE(name, count, call)                                             \
    do {                                                                       \
        double from = now();                                                   \
        for (long i = 0; i < (count); i++)                                     \
            (void)!(call);                                                     \
        dprintf(2, "%s %.3f\n", name, (now() - from) / (count));               \
    } while (0)

static char block[65536];

static int open_stat_close(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    return fstat(fd, &st) + close(fd);
}

int main(void)
{
    int null = open("/dev/null", O_WRONLY);
    int fd = open("bench.bin", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat st;
    sigset_t none;

    sigemptyset(&none);
    MEASURE("gettid-passes", 200000, syscall(SYS_gettid));
    MEASURE("getpid-trapped", 200000, getpid());
    MEASURE("sigprocmask", 100000, sigprocmask(SIG_SETMASK, &none, NULL));
    MEASURE("write-64-to-null", 200000, write(null, block, 64));
    MEASURE("write-64", 200000, write(fd, block, 64));
    lseek(fd, 0, SEEK_SET);
    MEASURE("read-64", 200000, read(fd, block, 64));
    lseek(fd, 0, SEEK_SET);
    MEASURE("write-4K", 16384, write(fd, block, 4096));
    lseek(fd, 0, SEEK_SET);
    MEASURE("read-4K", 16384, read(fd, block, 4096));
    lseek(fd, 0, SEEK_SET);
    MEASURE("write-64K", 1024, write(fd, block, 65536));
    lseek(fd, 0, SEEK_SET);
    MEASURE("read-64K", 1024, read(fd, block, 65536));
    MEASURE("pread-4K-random", 4000,
            pread(fd, block, 4096, i * 7919 % 16384 * 4096));
    MEASURE("stat", 4000, stat("bench.bin", &st));
    MEASURE("open-fstat-close", 2000, open_stat_close("bench.bin"));
    close(fd);
    unlink("bench.bin");
    return 0;
}
