/* remote_mmap.c - mappings of a file */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Written through a mapping: seen by msync, munmap, and at the end; never more
 * than the file holds. */
static void shared(void)
{
    int fd = open("shared.bin", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char block[4096] = "", c[2] = "";

    for (int i = 0; i < 5; i++)
        write(fd, block, sizeof block);
    write(fd, "end", 3);
    char *p = mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(p + 4095, "across");
    p[5 * 4096] = 'E';
    p[5 * 4096 + 100] = 'x';
    printf("msync %d", msync(p, 6 * 4096, MS_SYNC));
    pread(fd, block, 7, 4095);
    pread(fd, c, 1, 5 * 4096);
    printf(" %s %s %ld\n", block, c, (long)lseek(fd, 0, SEEK_END));
    p[2 * 4096 + 1] = 'm';
    munmap(p + 2 * 4096, 4096);
    pread(fd, c, 1, 2 * 4096 + 1);
    printf("munmap %s\n", c);
    p[3 * 4096] = 'f';
    mmap(p + 3 * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
         -1, 0);
    pread(fd, c, 1, 3 * 4096);
    printf("covered %s\n", c);
    close(fd);
    p[0] = 'l'; /* and left to the end */
}

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
    shared();
    return 0;
}
