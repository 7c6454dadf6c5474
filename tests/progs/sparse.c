/* sparse.c - memory larger than the machine, of which little is used; more
 * mappings than half of what a process may have; and memory functions of the
 * program's own, which libckpt must not call */
#include "tests/progs/prog.h"

#include <sys/mman.h>

enum { PIECES = 300, MAPPINGS = 36000 };
static const size_t length = 400ul << 30;
static int calls;

/* In place of libc's, in a program that was linked dynamically. */
__attribute__((visibility("default"))) int memcmp(const void *a, const void *b,
                                                  size_t n)
{
    const unsigned char *p = a, *q = b;

    for (calls++; n > 0; n--, p++, q++)
        if (*p != *q)
            return *p < *q ? -1 : 1;
    return 0;
}

/* Neighbours differ, so that none are joined. */
static void map_many(void)
{
    for (int i = 0; i < MAPPINGS; i++)
        prog_check(mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

int main(void)
{
    char *at = mmap(NULL, length, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    prog_check(at != MAP_FAILED);
    for (size_t i = 0; i < PIECES; i++)
        at[length / PIECES * i] = (char)(i % 127);
    map_many();
    calls = 0;
    prog_ready();
    prog_wait();
    prog_check(calls == 0);
    for (size_t i = 0; i < PIECES; i++) {
        prog_check(at[length / PIECES * i] == (char)(i % 127));
        prog_check(at[length / PIECES * i + 4096] == 0);
    }
    return prog_end();
}
