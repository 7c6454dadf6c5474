/* hugepages.c - memory of reserved huge pages (MAP_HUGETLB)
 *
 * Driven by core_huge.sh, which reserves them.  Afterwards they are there
 * again, or, where a file says so, ordinary memory with the same contents.
 */
#include "tests/progs/prog.h"

#include <string.h>
#include <sys/mman.h>

enum { HUGE = 2 << 20 };

/* The kernel's page size of the mapping at `addr`. */
static long page_kb(const void *addr)
{
    char line[512];
    unsigned long start, end, at = (unsigned long)addr;
    long kb = -1, inside = 0;
    FILE *in = fopen("/proc/self/smaps", "r");

    while (kb < 0 && fgets(line, sizeof line, in)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = at >= start && at < end;
        else if (inside)
            sscanf(line, "KernelPageSize: %ld", &kb);
    }
    fclose(in);
    return kb;
}

int main(void)
{
    char *m = mmap(NULL, 3 * HUGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

    if (m == MAP_FAILED) {
        perror("MAP_HUGETLB");
        return 1;
    }
    memset(m, 7, HUGE / 2);
    memset(m + 2 * HUGE, 9, HUGE);
    prog_check(mprotect(m + 2 * HUGE, HUGE, PROT_READ) == 0);
    prog_ready();
    prog_wait();
    long kb = access("ordinary", F_OK) == 0 ? 4 : HUGE / 1024;
    prog_check(page_kb(m) == kb && page_kb(m + 2 * HUGE) == kb);
    prog_check(m[0] == 7 && m[HUGE / 2 - 1] == 7 && m[HUGE / 2] == 0);
    prog_check(m[2 * HUGE] == 9 && m[3 * HUGE - 1] == 9);
    prog_check(m[HUGE + 5] == 0);
    m[HUGE + 5] = 8;
    prog_check(munmap(m, HUGE) == 0 && m[HUGE + 5] == 8);
    return prog_end();
}
