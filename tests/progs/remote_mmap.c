/* remote_mmap.c - private and read-only mappings of a file */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    int fd = open("map.bin", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char block[4096];

    for (int i = 0; i < 40; i++) {
        memset(block, 'a' + i % 26, sizeof block);
        write(fd, block, sizeof block);
    }
    write(fd, "tail", 4);
    char *p = mmap(NULL, 40 * 4096 + 4, PROT_READ, MAP_SHARED, fd, 0);
    printf("%c %c %.4s %d\n", p[0], p[5 * 4096], p + 40 * 4096,
           p[40 * 4096 + 5]);
    char *q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    q[0] = 'Z';
    printf("%c %c\n", q[0], q[4096]);
    pread(fd, block, 1, 4096);
    printf("in the file %c\n", block[0]);
    close(fd);
    printf("still %c\n", q[4097]);
    munmap(p, 40 * 4096 + 4);
    munmap(q, 8192);
    return 0;
}
