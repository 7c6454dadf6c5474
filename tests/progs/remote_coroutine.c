/* remote_coroutine.c - calls of the kernel on a stack with no room for more
 *
 * A coroutine with one page of stack, as those of Go, writes a file while the
 * thread has an alternate stack; the thread does when its alternate stack is
 * as small.  A file is not for epoll, at home as anywhere. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096 };

static ucontext_t coroutine, thread;
static long result[5];

static void calls(void)
{
    static struct epoll_event event = {.events = EPOLLIN};
    static struct stat attr;
    long fd = syscall(SYS_openat, AT_FDCWD, "lines",
                      O_RDWR | O_CREAT | O_APPEND, 0644);
    long set = syscall(SYS_epoll_create1, 0);

    result[0] = syscall(SYS_write, fd, "a line\n", 7);
    result[1] = syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, fd, &event);
    result[2] = result[1] < 0 ? errno : 0;
    result[3] = syscall(SYS_fstat, fd, &attr);
    result[4] = attr.st_size;
    syscall(SYS_close, set);
    syscall(SYS_close, fd);
}

static void tell(const char *where)
{
    printf("%s: wrote %ld, epoll %ld %s, fstat %ld %ld\n", where, result[0],
           result[1], strerror((int)result[2]), result[3], result[4]);
}

/* So much memory with nothing below. */
static char *memory(size_t len)
{
    char *at = mmap(NULL, PAGE + len, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    mprotect(at, PAGE, PROT_NONE);
    return at + PAGE;
}

int main(void)
{
    stack_t large = {.ss_sp = memory(8 * PAGE), .ss_size = 8 * PAGE};
    stack_t small = {.ss_sp = memory(PAGE), .ss_size = PAGE};

    sigaltstack(&large, NULL);
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = memory(PAGE);
    coroutine.uc_stack.ss_size = PAGE;
    coroutine.uc_link = &thread;
    makecontext(&coroutine, calls, 0);
    swapcontext(&thread, &coroutine);
    tell("in a coroutine");
    sigaltstack(&small, NULL);
    calls();
    tell("with a small alternate stack");
    return 0;
}
