/* stack.c - the stack still grows after a restart; setjmp, ucontext */
#include "tests/progs/prog.h"

#include <setjmp.h>
#include <string.h>
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

int main(void)
{
    jmp_buf env;
    volatile int jumped = 0;

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
    return prog_end();
}
