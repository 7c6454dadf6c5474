/* guards.c - memory made a guard (MADV_GUARD_INSTALL, Linux 6.13) is one again;
 * ways: dynamic static preload */
#include "tests/progs/prog.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, PAGES = 64, INSTALL = 102, REMOVE = 103 };

static sigjmp_buf fault;

static void on_fault(int sig)
{
    (void)sig;
    siglongjmp(fault, 1);
}

static int faults(volatile char *at)
{
    if (sigsetjmp(fault, 1))
        return 1;
    return *at == 3; /* no */
}

int main(void)
{
    char *m = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(m, 1, PAGES * PAGE);
    int known = madvise(m + PAGE, PAGE, INSTALL) == 0 &&
                madvise(m + 10 * PAGE, 5 * PAGE, INSTALL) == 0 &&
                madvise(m + 20 * PAGE, PAGE, INSTALL) == 0 &&
                madvise(m + 20 * PAGE, PAGE, REMOVE) == 0;
    signal(SIGSEGV, on_fault);
    prog_ready();
    prog_wait();
    for (int i = 0; i < PAGES && known; i++) {
        int guard = i == 1 || (i >= 10 && i < 15);
        prog_check(faults(m + i * PAGE) == guard);
        if (!guard)
            prog_check(m[i * PAGE + 7] == (i != 20));
    }
    if (!known)
        fprintf(stderr, "this kernel has no guards: nothing was tried\n");
    return prog_end();
}
