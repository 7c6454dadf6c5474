/* remote_full.c - a disk that is full: told late, but told, once */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fill(int fd)
{
    char block[512];

    memset(block, 'x', sizeof block);
    for (int i = 0; i < 4000; i++)
        if (write(fd, block, sizeof block) < 0)
            return errno;
    return 0;
}

int main(void)
{
    int fd = open("full.bin", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int error = fill(fd);

    if (error == 0 && fsync(fd) < 0)
        error = errno;
    printf("told %s\n", error ? strerrorname_np(error) : "nothing");
    ftruncate(fd, 10);
    printf("read %zd\n", pread(fd, (char[20]){0}, 20, 0));
    printf("close %d\n", close(fd));

    fd = open("full.bin", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pwrite(fd, "x", 1, 300000000);
    error = close(fd) < 0 ? errno : 0;
    printf("close tells %s\n", error ? strerrorname_np(error) : "nothing");
    return 0;
}
