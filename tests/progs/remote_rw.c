/* remote_rw.c - read, write, seek and their kin on one file through several
 * descriptors */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char big[3 << 20], back[3 << 20];

static unsigned sum(const char *p, size_t n)
{
    unsigned s = 1;
    while (n--)
        s = s * 31 + (unsigned char)*p++;
    return s;
}

static void big_transfers(void)
{
    int fd = open("big.bin", O_RDWR | O_CREAT | O_TRUNC, 0644);

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 251);
    printf("write %zd\n", write(fd, big, sizeof big));
    printf("pread %zd\n", pread(fd, back, sizeof back, 0));
    printf("sums %d\n", sum(big, sizeof big) == sum(back, sizeof back));
    for (size_t at = 0; at < 300000; at += 64)
        if (pwrite(fd,
                   "0123456789abcdef0123456789abcdef0123456789abcdef"
                   "0123456789abcdef",
                   64, (off_t)at) != 64)
            printf("short\n");
    printf("at %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    printf("end %ld\n", (long)lseek(fd, 0, SEEK_END));
    printf("read at end %zd\n", read(fd, back, 10));
    lseek(fd, 299990, SEEK_SET);
    printf("read %zd\n", read(fd, back, 200000));
    printf("%08x\n", sum(back, 200000));
    close(fd);
}

/* Small reads through a large file, while parts of it are overwritten ahead of
 * the reader. */
static void long_reader(void)
{
    int fd = open("long.bin", O_RDWR | O_CREAT | O_TRUNC, 0644);
    size_t at = 0, wrong = 0;
    ssize_t n;

    for (int i = 0; i < 2; i++)
        write(fd, big, sizeof big);
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, back, 997)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            wrong += back[i] != big[(at + (size_t)i) % sizeof big];
        at += (size_t)n;
        if (at / 997 % 100 == 0 && at + 500000 < 2 * sizeof big) {
            size_t to = at + 400000;
            pwrite(fd, "changed", 7, (off_t)to);
            for (size_t i = 0; i < 7; i++)
                big[(to + i) % sizeof big] = "changed"[i];
        }
    }
    printf("read %zu, %zu as they were before a change\n", at, wrong);
    printf("%08x\n", sum(big, sizeof big));
    close(fd);
}

static void two_descriptors(void)
{
    char buf[64] = "";
    int a = open("two.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int b = open("two.txt", O_RDONLY);
    int c = open("two.txt", O_WRONLY | O_APPEND);
    int d = dup(a);

    write(a, "hello ", 6);
    write(d, "world", 5);
    printf("b sees %zd", read(b, buf, sizeof buf));
    printf(" %s\n", buf);
    write(c, "!\n", 2);
    write(c, "?\n", 2);
    printf("c at %ld\n", (long)lseek(c, 0, SEEK_CUR));
    printf("b sees %zd\n", read(b, buf, sizeof buf));
    pwrite(a, "J", 1, 0);
    pread(b, buf, 5, 0);
    printf("%.5s\n", buf);
    struct stat st;
    fstat(b, &st);
    printf("size %ld\n", (long)st.st_size);
    ftruncate(a, 3);
    memset(buf, 0, sizeof buf);
    printf("short now %zd %s\n", pread(b, buf, sizeof buf, 0), buf);
    close(a);
    printf("d lives %zd\n", write(d, "x", 1));
    printf("a is gone %zd", write(a, "x", 1));
    printf(" %d\n", errno == EBADF);
    printf("b is read-only %zd", write(b, "x", 1));
    printf(" %d\n", errno == EBADF);
    close(b), close(c), close(d);
}

static void vectors(void)
{
    char one[4] = "", two[8] = "";
    struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defgh", 5}};
    struct iovec in[2] = {{one, 3}, {two, 7}};
    int fd = open("vec.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);

    printf("writev %zd\n", writev(fd, out, 3));
    lseek(fd, 0, SEEK_SET);
    printf("readv %zd %s %s\n", readv(fd, in, 2), one, two);
    printf("pwritev %zd\n", pwritev(fd, out, 1, 100));
    printf("preadv %zd %s\n", preadv(fd, in, 2, 99), two);
    printf("end %ld\n", (long)lseek(fd, 0, SEEK_END));
    printf("bad seek %ld", (long)lseek(fd, -500, SEEK_CUR));
    printf(" %d\n", errno == EINVAL);
    close(fd);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    big_transfers();
    long_reader();
    two_descriptors();
    vectors();
    return 0;
}
