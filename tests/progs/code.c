/* code.c - code made at run time, written while not executable and the other
 * way round; guard pages that still guard; a large BSS; an arena that is a hole
 * for the most part */
#include "tests/progs/prog.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };
#define ARENA (8ul << 30)

static char bss[300 << 20];
static sigjmp_buf env;

static void on_segv(int sig)
{
    siglongjmp(env, sig);
}

/* mov eax, value; ret */
static void put(unsigned char *code, int value)
{
    code[0] = 0xb8;
    memcpy(code + 1, &value, 4);
    code[5] = 0xc3;
}

static int call(const unsigned char *code)
{
    int (*fn)(void);

    memcpy(&fn, &code, sizeof fn);
    return fn();
}

static int faults(volatile char *at, int write)
{
    if (sigsetjmp(env, 1) != 0)
        return 1;
    if (write)
        *at = 1;
    else
        (void)*at;
    return 0;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_segv};
    int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;

    sigaction(SIGSEGV, &sa, NULL);
    unsigned char *code = mmap(NULL, 3 * PAGE, prot, flags, -1, 0);
    put(code, 42);
    put(code + PAGE, 43);
    prog_check(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
    unsigned char *rwx = mmap(NULL, PAGE, prot | PROT_EXEC, flags, -1, 0);
    put(rwx, 7);
    char *guard = mmap(NULL, 3 * PAGE, prot, flags, -1, 0);
    memset(guard, 5, 3 * PAGE);
    mprotect(guard + PAGE, PAGE, PROT_NONE);
    char *arena = mmap(NULL, ARENA, PROT_NONE, flags | MAP_NORESERVE, -1, 0);
    prog_check(mprotect(arena + ARENA / 2, 4 * PAGE, prot) == 0);
    strcpy(arena + ARENA / 2, "middle");
    bss[0] = bss[150 << 20] = bss[sizeof bss - 1] = 9;
    prog_ready();
    prog_wait();
    prog_check(call(code) == 42 && call(rwx) == 7);
    prog_check(faults((char *)code, 1) && !faults((char *)code, 0));
    prog_check(mprotect(code + PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
    prog_check(call(code + PAGE) == 43);
    put(rwx, 8);
    prog_check(call(rwx) == 8);
    prog_check(faults(guard + PAGE, 0) && faults(guard + PAGE, 1));
    prog_check(guard[PAGE - 1] == 5 && guard[2 * PAGE] == 5);
    mprotect(guard + PAGE, PAGE, prot);
    prog_check(guard[PAGE] == 5); /* what was behind the guard */
    prog_check(strcmp(arena + ARENA / 2, "middle") == 0);
    prog_check(faults(arena + PAGE, 0));
    prog_check(mprotect(arena, PAGE, prot) == 0 && arena[0] == 0);
    prog_check(munmap(arena, ARENA) == 0);
    prog_check(bss[0] + bss[150 << 20] + bss[sizeof bss - 1] == 27);
    prog_check(bss[100 << 20] == 0);
    bss[100 << 20] = 1;
    return prog_end();
}
