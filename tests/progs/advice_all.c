/* advice_all.c - all memory locked, and all that will be mapped */
#include "tests/progs/prog.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

static long locked_kb(void)
{
    char line[256];
    long kb = -1;
    FILE *in = fopen("/proc/self/status", "r");

    while (fgets(line, sizeof line, in))
        if (strncmp(line, "VmLck:", 6) == 0)
            kb = atol(line + 6);
    fclose(in);
    return kb;
}

int main(void)
{
    char *before = malloc(1 << 20), *after;
    struct rlimit limit;

    getrlimit(RLIMIT_MEMLOCK, &limit);
    /* a checkpoint needs room to work in, which counts */
    if ((geteuid() != 0 && limit.rlim_cur < 512ul << 20) ||
        mlockall(MCL_CURRENT | MCL_FUTURE) < 0) {
        prog_ready(); /* not allowed to lock so much: nothing to see */
        prog_wait();
        return prog_end();
    }
    memset(before, 1, 1 << 20);
    long had = locked_kb();
    prog_check(had > 1024);
    prog_ready();
    prog_wait();
    prog_check(locked_kb() >= had - 1024); /* not that of libckpt */
    long now = locked_kb();
    after = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    prog_check(after != MAP_FAILED && locked_kb() >= now + 4096);
    prog_check(munlockall() == 0 && locked_kb() == 0);
    prog_check(before[77] == 1);
    return prog_end();
}
