/* sealed.c - memory sealed with mseal(2) (Linux 6.10) is sealed again
 *
 * The middle of a mapping, so that its neighbours are seen to be free; and all
 * of one that nothing can read.
 */
#include "tests/progs/prog.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 4096, SEAL = 462 };

static int can_change(char *at)
{
    return mprotect(at, PAGE, PROT_READ | PROT_WRITE) == 0;
}

int main(void)
{
    char *m = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *none =
        mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(m, 5, 3 * PAGE);
    int known = syscall(SEAL, m + PAGE, PAGE, 0) == 0 &&
                syscall(SEAL, none, PAGE, 0) == 0;
    prog_ready();
    prog_wait();
    if (!known)
        fprintf(stderr, "this kernel seals nothing: nothing was tried\n");
    prog_check(can_change(m) && can_change(m + 2 * PAGE));
    prog_check(can_change(m + PAGE) == !known);
    prog_check((munmap(m + PAGE, PAGE) < 0) == known);
    prog_check((munmap(none, PAGE) < 0) == known);
    for (int i = 0; i < 3 * PAGE && known; i++)
        if (m[i] != 5)
            prog_check(m[i] == 5);
    return prog_end();
}
