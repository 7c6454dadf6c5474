/* guards_unseen.c - guards that no function of libc was asked for
 *
 * As newer libcs install them for the stacks of threads; in private, shared and
 * file memory (Linux 6.15, which also tells where they are).
 */
#include "tests/progs/prog.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 4096, PAGES = 64, INSTALL = 102, REMOVE = 103, AT = 7 };

static sigjmp_buf fault;

static void on_fault(int sig)
{
    siglongjmp(fault, sig);
}

static int faults(volatile char *at)
{
    if (sigsetjmp(fault, 1))
        return 1;
    return *at == 99; /* no */
}

static int advise(void *at, long advice)
{
    long rc;

    __asm__ volatile("syscall"
                     : "=a"(rc)
                     : "a"(SYS_madvise), "D"(at), "S"((long)PAGE), "d"(advice)
                     : "rcx", "r11", "memory");
    return (int)rc;
}

static char *map(int flags, int fd, int prot)
{
    return mmap(NULL, PAGES * PAGE, prot, flags, fd, 0);
}

int main(int argc, char **argv)
{
    char *own = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, PROT_READ | PROT_WRITE);
    char *shared = map(MAP_SHARED | MAP_ANONYMOUS, -1, PROT_READ | PROT_WRITE);
    char *file = map(MAP_PRIVATE, open(argv[argc - 1], O_RDONLY), PROT_READ);

    memset(own, 1, PAGES * PAGE);
    memset(shared, 2, PAGES * PAGE);
    int known = advise(own + AT * PAGE, INSTALL) == 0 &&
                advise(file + PAGE, INSTALL) == 0 &&
                advise(shared + AT * PAGE, INSTALL) == 0;
    if (!known) {
        fprintf(stderr, "this kernel does not tell: nothing was tried\n");
        advise(own + AT * PAGE, REMOVE);
    }
    signal(SIGSEGV, on_fault);
    prog_ready();
    prog_wait();
    for (int i = 0; i < PAGES && known; i++) {
        prog_check(faults(own + i * PAGE) == (i == AT));
        prog_check(faults(shared + i * PAGE) == (i == AT));
        if (i != AT)
            prog_check(own[i * PAGE] == 1 && shared[i * PAGE] == 2);
    }
    prog_check(!faults(file) && faults(file + PAGE) == known);
    return prog_end();
}
