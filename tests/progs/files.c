/* files.c - offsets, shared descriptions, flags, close-on-exec, appending,
 * directories, and what was written after the checkpoint is gone */
#include "tests/progs/prog.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static off_t at(int fd)
{
    return lseek(fd, 0, SEEK_CUR);
}

int main(void)
{
    char dir[] = "files.XXXXXX", buf[64];

    prog_check(mkdtemp(dir) != NULL);
    prog_check(chdir(dir) == 0);
    umask(027);
    int a = open("a", O_RDWR | O_CREAT, 0600);
    prog_check(write(a, "0123456789", 10) == 10);
    lseek(a, 4, SEEK_SET);
    int b = dup(a);                          /* shares the offset */
    int c = open("a", O_RDONLY | O_CLOEXEC); /* has its own */
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    prog_check(write(log, "before\n", 7) == 7);
    int high = fcntl(log, F_DUPFD, 77);
    int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
    close(open("b", O_WRONLY | O_CREAT, 0600));
    DIR *d = opendir(".");
    prog_check(readdir(d) != NULL);
    prog_ready();
    prog_wait();
    prog_check(at(a) == 4 && at(b) == 4 && at(c) == 0);
    prog_check(read(b, buf, 3) == 3 && memcmp(buf, "456", 3) == 0);
    prog_check(at(a) == 7 && at(c) == 0);
    prog_check((fcntl(c, F_GETFD) & FD_CLOEXEC) != 0);
    prog_check((fcntl(a, F_GETFD) & FD_CLOEXEC) == 0);
    prog_check((fcntl(log, F_GETFL) & O_APPEND) != 0);
    prog_check(write(high, "after\n", 6) == 6);
    struct stat st;
    prog_check(fstat(log, &st) == 0 && st.st_size == 13);
    prog_check(write(null, "x", 1) == 1);
    prog_check(read(zero, buf, 8) == 8 && buf[0] == 0);
    int n = 1;
    while (readdir(d))
        n++;
    prog_check(n == 5); /* . .. a b log */
    closedir(d);
    prog_check(umask(0) == 027);
    unlink("a");
    unlink("b");
    unlink("log");
    prog_check(chdir("..") == 0 && rmdir(dir) == 0);
    return prog_end();
}
