/* heap.c - malloc'ed memory, brk growth and mmap'ed areas go on as they were */
#include "tests/progs/prog.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCKS = 2000 };

int main(void)
{
    static char *block[BLOCKS];
    char *huge = malloc(64 << 20);
    void *brk_before = sbrk(0);

    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc((size_t)i * 7 + 1);
        memset(block[i], i, (size_t)i * 7 + 1);
    }
    memset(huge, 0x5a, 32 << 20); /* the other half stays untouched */
    char *guarded = mmap(NULL, 12288, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(guarded, 'g', 12288);
    mprotect(guarded + 4096, 4096, PROT_NONE);
    mprotect(guarded + 8192, 4096, PROT_READ);
    prog_ready();
    prog_wait();
    for (int i = 0; i < BLOCKS; i++) {
        for (int k = 0; k < i * 7 + 1; k += 97)
            prog_check(block[i][k] == (char)i);
        free(block[i]);
    }
    for (size_t i = 0; i < 64 << 20; i += 4096)
        prog_check(huge[i] == (i < 32 << 20 ? 0x5a : 0));
    free(huge);
    /* no access where there was none, and the contents are there behind it */
    int out = open("/dev/null", O_WRONLY), fds[2];
    prog_check(pipe(fds) == 0);
    prog_check(write(fds[1], guarded + 4096, 1) == -1);
    prog_check(write(fds[1], guarded + 8192, 1) == 1);
    mprotect(guarded + 4096, 4096, PROT_READ);
    prog_check(guarded[4096] == 'g' && guarded[0] == 'g');
    close(out);
    /* the heap still grows where it was */
    prog_check(sbrk(0) >= brk_before);
    char *end = sbrk(1 << 20);
    prog_check(end != (void *)-1);
    if (end != (void *)-1)
        memset(end, 1, 1 << 20);
    return prog_end();
}
