/* nodes.c - memory that is bound to nodes (mbind) is so again */
#include "tests/progs/prog.h"

#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { LEN = 1 << 20 };

static int mode_of(const char *at)
{
    int mode = -1;

    syscall(SYS_get_mempolicy, &mode, NULL, 0, at, MPOL_F_ADDR);
    return mode;
}

int main(void)
{
    unsigned long first = 1;
    char *m = mmap(NULL, 4 * LEN, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long rc = syscall(SYS_mbind, m, LEN, MPOL_BIND, &first, 64, 0);

    if (rc == 0)
        rc = syscall(SYS_mbind, m + 2 * LEN, LEN, MPOL_INTERLEAVE, &first, 64,
                     0);
    memset(m, 1, 4 * LEN);
    prog_ready();
    prog_wait();
    if (rc < 0)
        fprintf(stderr, "this machine has no nodes: nothing was tried\n");
    else
        prog_check(mode_of(m) == MPOL_BIND && mode_of(m + LEN) == 0 &&
                   mode_of(m + 2 * LEN) == MPOL_INTERLEAVE &&
                   mode_of(m + 3 * LEN) == 0);
    prog_check(m[0] == 1 && m[4 * LEN - 1] == 1);
    return prog_end();
}
