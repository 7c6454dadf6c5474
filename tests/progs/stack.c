/* stack.c - the stack still grows after a restart, and so does other memory
 * that grows downwards; setjmp, ucontext */
#include "tests/progs/prog.h"

#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static int deep(int n)
{
    volatile char frame[4096];

    memset((char *)frame, n, sizeof frame);
    return n == 0 ? frame[100] : deep(n - 1) + (frame[100] == (char)n);
}

static ucontext_t main_context, other_context;
static char other_stack[65536];
static int steps;

static void other(void)
{
    for (;;) {
        steps++;
        swapcontext(&other_context, &main_context);
    }
}

/* 8 KiB of memory that grows downwards, with room below. */
static volatile char *growing(void)
{
    enum { ROOM = 4 << 20 };
    char *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    munmap(room, ROOM);
    return mmap(room + ROOM - 8192, 8192, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
}

int main(void)
{
    volatile char *down = growing();
    jmp_buf env;
    volatile int jumped = 0;

    down[0] = 2;
    getcontext(&other_context);
    other_context.uc_stack.ss_sp = other_stack;
    other_context.uc_stack.ss_size = sizeof other_stack;
    makecontext(&other_context, other, 0);
    swapcontext(&main_context, &other_context);
    if (setjmp(env) == 0) {
        prog_ready();
        prog_wait();
        longjmp(env, 1);
    }
    jumped++;
    prog_check(jumped == 1);
    prog_check(deep(1500) == 1500); /* 6 MiB */
    swapcontext(&main_context, &other_context);
    prog_check(steps == 2);
    down[-20000] = 1;
    prog_check(down[0] == 2 && down[-20000] == 1);
    return prog_end();
}
