/* lazy.c - memory that is mapped from the image at a restart is the program's
 * own: it can be thrown away, grown, moved, protected, shared with children and
 * written by the kernel, while it is being loaded and after
 *
 * Threads change the memory all the while, and keep count.
 */
#include "tests/progs/prog.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

enum { PAGE = 4096, AREA = 96 << 20, WORDS = PAGE / 8, THREADS = 2 };
enum { SLICE = AREA / THREADS };

static char *area, *grown, *thrown, *forked, *kept;
static _Atomic uint64_t rounds[THREADS];
static atomic_bool stop;
static volatile sig_atomic_t signals;
static long in_coroutine;

static char *map(size_t len)
{
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        exit(2);
    return p;
}

static uint64_t value(const char *base, size_t page, size_t word)
{
    return ((uint64_t)(uintptr_t)base >> 12) * 0x9e3779b97f4a7c15u ^
           (page << 20 | word) * 0xd1342543de82ef95u;
}

static void fill(char *base, size_t len)
{
    for (size_t page = 0; page < len / PAGE; page++)
        for (size_t w = 0; w < WORDS; w++)
            ((uint64_t *)(base + page * PAGE))[w] = value(base, page, w);
}

static bool is_filled(const char *base, size_t from, size_t to)
{
    for (size_t page = from / PAGE; page < to / PAGE; page++)
        for (size_t w = 0; w < WORDS; w++)
            if (((const uint64_t *)(base + page * PAGE))[w] !=
                value(base, page, w))
                return false;
    return true;
}

static bool is_zero(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i += 8)
        if (*(const uint64_t *)(p + i) != 0)
            return false;
    return true;
}

/* Every page has a counter in its first word, all of which are equal at the end
 * of a round. */
static void *work(void *arg)
{
    int me = (int)(intptr_t)arg;
    char *mine = area + (size_t)me * SLICE;

    while (!stop) {
        uint64_t round = rounds[me];
        for (size_t at = 0; at < SLICE; at += PAGE)
            if ((*(uint64_t *)(mine + at))++ != round)
                return "a page lost a round";
        rounds[me] = round + 1;
        sched_yield(); /* a system call */
    }
    return NULL;
}

static void on_alarm(int sig)
{
    char c = 'x';
    int fds[2];

    (void)sig;
    if (pipe(fds) == 0) { /* calls in a handler with every signal blocked */
        signals += write(fds[1], &c, 1) == 1;
        close(fds[0]);
        close(fds[1]);
    }
}

static void set_alarm(void)
{
    struct sigaction sa = {.sa_handler = on_alarm,
                           .sa_flags = SA_RESTART | SA_ONSTACK};
    struct itimerval often = {{0, 1000}, {0, 1000}};

    sigfillset(&sa.sa_mask);
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

/* In half a page of stack there is no room for a handler. */
static void call(void)
{
    in_coroutine = syscall(SYS_getppid);
}

static void check_coroutine(void)
{
    static ucontext_t here, coroutine;
    char *stack = map(2 * PAGE);

    prog_check(mprotect(stack, PAGE, PROT_NONE) == 0);
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = stack + PAGE;
    coroutine.uc_stack.ss_size = PAGE / 2;
    coroutine.uc_link = &here;
    makecontext(&coroutine, call, 0);
    swapcontext(&here, &coroutine);
    prog_check(in_coroutine == getppid());
}

static void check_child(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        madvise(forked, 8 << 20, MADV_DONTNEED);
        _exit(!(is_zero(forked, 8 << 20) &&
                is_filled(forked, 8 << 20, 32 << 20)));
    }
    prog_check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    prog_check(is_filled(forked, 0, 32 << 20));
}

static void check_kernel_writes(void)
{
    int zero = open("/dev/zero", O_RDONLY);
    ssize_t done = 0, n = 0;

    while (done < 2 * PAGE && n >= 0) { /* a signal may cut it short */
        n = read(zero, kept + PAGE + done, (size_t)(2 * PAGE - done));
        done += n;
    }
    prog_check(done == 2 * PAGE);
    close(zero);
    prog_check(is_filled(kept, 0, PAGE) && is_zero(kept + PAGE, 2 * PAGE) &&
               is_filled(kept, 3 * PAGE, 32 << 20));
}

static void check_memory(void)
{
    prog_check(madvise(thrown + PAGE, 16 << 20, MADV_DONTNEED) == 0);
    prog_check(is_filled(thrown, 0, PAGE) && is_zero(thrown + PAGE, 16 << 20) &&
               is_filled(thrown, (16 << 20) + PAGE, 32 << 20));
    char *more = mremap(grown, 32 << 20, 40 << 20, MREMAP_MAYMOVE);
    prog_check(more != MAP_FAILED && is_zero(more + (32 << 20), 8 << 20));
    /* it is filled by its first address */
    prog_check(more != grown || is_filled(more, 0, 32 << 20));
    prog_check(mprotect(kept, 4 << 20, PROT_READ) == 0);
    prog_check(mprotect(kept, 4 << 20, PROT_READ | PROT_WRITE) == 0);
}

static void join(pthread_t *threads)
{
    void *error;

    stop = true;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &error);
        prog_check(error == NULL);
        for (size_t at = 0; at < SLICE; at += PAGE)
            prog_check(*(uint64_t *)(area + (size_t)i * SLICE + at) ==
                       rounds[i]);
    }
}

int main(void)
{
    pthread_t threads[THREADS];
    struct sigaction old;
    stack_t alternate = {.ss_sp = map(16 * PAGE), .ss_size = 16 * PAGE};

    sigaltstack(&alternate, NULL);
    call(); /* the linker's work takes more stack */
    area = map(AREA);
    grown = map(32 << 20);
    thrown = map(32 << 20);
    forked = map(32 << 20);
    kept = map(32 << 20);
    memset(area, 0, AREA);
    fill(grown, 32 << 20);
    fill(thrown, 32 << 20);
    fill(forked, 32 << 20);
    fill(kept, 32 << 20);
    for (size_t at = 8; at < AREA; at += PAGE)
        area[at] = 1; /* no page is zero */
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    set_alarm();
    prog_ready();
    prog_wait();
    check_coroutine();
    check_memory();
    check_child();
    check_kernel_writes();
    join(threads);
    prog_check(signals > 0);
    sigaction(SIGALRM, NULL, &old);
    prog_check(sigismember(&old.sa_mask, SIGSYS));
    sigaction(SIGSYS, NULL, &old);
    prog_check(old.sa_handler == SIG_DFL);
    return prog_end();
}
