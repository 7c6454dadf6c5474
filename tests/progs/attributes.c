/* attributes.c - small properties of the process and of each of its threads
 *
 * What rights or the kernel do not allow is not set, and so not checked.
 */
#include "tests/progs/prog.h"

#include <asm/prctl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31) /* asm/signal.h clashes with signal.h */
#endif

enum {
    REGISTRATIONS = 1 << 9, /* membarrier(2), Linux 6.3 */
    SET_MDWE = 65,
    GET_MDWE = 66,
    DEADLINE = 6,
    DEADLINE_NS = 10000000,
};
enum { THREADS = 4, IOPRIO_BEST_EFFORT = 2 << 13, MPOL_INTERLEAVE = 3 };

struct seen {
    int nice, policy, priority, ioprio, personality, no_new_privs, securebits;
    int death, memory_policy, tsc, bad_memory;
    unsigned long gs, scheduling[6]; /* struct sched_attr */
    unsigned long nodes[16];
    int slack;
    cpu_set_t affinity;
    char name[16];
    stack_t stack;
    sigset_t mask;
};

static pthread_barrier_t set;
static char stacks[THREADS][65536];

static void look(struct seen *s)
{
    struct sched_param param = {0};

    memset(s, 0, sizeof *s);
    s->nice = getpriority(PRIO_PROCESS, 0);
    s->policy = sched_getscheduler(0);
    sched_getparam(0, &param);
    s->priority = param.sched_priority;
    s->ioprio = (int)syscall(SYS_ioprio_get, 1, 0);
    s->personality = personality(0xffffffff);
    s->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    s->securebits = prctl(PR_GET_SECUREBITS);
    prctl(PR_GET_PDEATHSIG, &s->death);
    syscall(SYS_get_mempolicy, &s->memory_policy, s->nodes, 1024, NULL, 0);
    s->slack = prctl(PR_GET_TIMERSLACK);
    prctl(PR_GET_TSC, &s->tsc);
    s->bad_memory = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
    syscall(SYS_arch_prctl, ARCH_GET_GS, &s->gs);
    syscall(SYS_sched_getattr, 0, s->scheduling, sizeof s->scheduling, 0);
    sched_getaffinity(0, sizeof s->affinity, &s->affinity);
    prctl(PR_GET_NAME, s->name);
    sigaltstack(NULL, &s->stack);
    sigprocmask(SIG_BLOCK, NULL, &s->mask);
}

/* Something of its own for each thread. */
static void change(int i)
{
    struct sched_param none = {0}, rt = {.sched_priority = 5 + i};
    unsigned long node = 1;
    unsigned long deadline[6] = {48 | (unsigned long)DEADLINE << 32,
                                 0,
                                 0,
                                 DEADLINE_NS / 10,
                                 DEADLINE_NS,
                                 DEADLINE_NS};
    cpu_set_t one;
    sigset_t mask;
    char name[16];
    stack_t stack = {.ss_sp = stacks[i],
                     .ss_size = sizeof stacks[i],
                     .ss_flags = i == 1 ? (int)SS_AUTODISARM : 0};

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    if (i != 1 && i != 3) /* those of a deadline run anywhere */
        sched_setaffinity(0, sizeof one, &one);
    setpriority(PRIO_PROCESS, 0, 3 + i);
    if (i == 0)
        sched_setscheduler(0, SCHED_BATCH, &none);
    if (i == 1)
        sched_setscheduler(0, SCHED_IDLE, &none);
    if (i == 2)
        sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &rt);
    if (i == 3)
        syscall(SYS_sched_setattr, 0, deadline, 0);
    else
        prctl(PR_SET_TIMERSLACK, 70000 + i);
    prctl(PR_SET_TSC, i & 1 ? PR_TSC_SIGSEGV : PR_TSC_ENABLE);
    prctl(PR_MCE_KILL, PR_MCE_KILL_SET,
          i & 1 ? PR_MCE_KILL_EARLY : PR_MCE_KILL_LATE, 0, 0);
    syscall(SYS_arch_prctl, ARCH_SET_GS, 0x1000ul * (unsigned)i);
    syscall(SYS_ioprio_set, 1, 0, IOPRIO_BEST_EFFORT | (5 + (i & 1)));
    syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &node, 64);
    snprintf(name, sizeof name, "thread %d", i);
    prctl(PR_SET_NAME, name);
    prctl(PR_SET_KEEPCAPS, i & 1);
    sigaltstack(&stack, NULL);
    sigemptyset(&mask);
    sigaddset(&mask, SIGRTMIN + i);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void compare(const struct seen *a, const struct seen *b)
{
    prog_check(a->nice == b->nice);
    prog_check(a->policy == b->policy && a->priority == b->priority);
    prog_check(a->ioprio == b->ioprio);
    prog_check(a->personality == b->personality);
    prog_check(a->no_new_privs == b->no_new_privs);
    prog_check(a->securebits == b->securebits);
    prog_check(a->death == b->death);
    prog_check(a->memory_policy == b->memory_policy &&
               a->nodes[0] == b->nodes[0]);
    prog_check(a->slack == b->slack);
    prog_check(a->tsc == b->tsc && a->bad_memory == b->bad_memory);
    prog_check(a->gs == b->gs);
    if (a->policy == DEADLINE)
        prog_check(memcmp(a->scheduling, b->scheduling, sizeof a->scheduling) ==
                   0);
    prog_check(CPU_EQUAL(&a->affinity, &b->affinity));
    prog_check(strcmp(a->name, b->name) == 0);
    prog_check(memcmp(&a->stack, &b->stack, sizeof a->stack) == 0);
    prog_check(memcmp(&a->mask, &b->mask, 8) == 0);
}

static void *run(void *arg)
{
    struct seen before, after;

    change((int)(long)arg);
    look(&before);
    pthread_barrier_wait(&set);
    prog_wait();
    look(&after);
    compare(&before, &after);
    return NULL;
}

static int read_number(const char *path)
{
    int number = -1;
    FILE *in = fopen(path, "r");

    if (in && fscanf(in, "%d", &number) != 1)
        number = -1;
    if (in)
        fclose(in);
    return number;
}

int main(void)
{
    pthread_t threads[THREADS];
    struct rlimit limit = {100, 200}, now;
    int value = 0;
    FILE *oom;

    pthread_barrier_init(&set, NULL, THREADS + 1);
    personality(ADDR_NO_RANDOMIZE);
    prctl(SET_MDWE, 1, 0, 0, 0);
    long mdwe = prctl(GET_MDWE, 0, 0, 0, 0);
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
    long barriers = syscall(SYS_membarrier, REGISTRATIONS, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGWINCH);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    oom = fopen("/proc/self/oom_score_adj", "w");
    fprintf(oom, "321");
    fclose(oom);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, (void *)i);
    pthread_barrier_wait(&set);
    prog_check(read_number("/proc/self/oom_score_adj") == 321);
    prctl(PR_SET_DUMPABLE, geteuid() == 0 ? 0 : 1);
    prog_ready();
    prog_wait();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    prog_check(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
    prog_check(prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 1);
    prog_check(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
    prog_check(prctl(PR_GET_PDEATHSIG, &value) == 0 && value == SIGWINCH);
    prog_check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    prog_check(prctl(PR_GET_DUMPABLE) == (geteuid() == 0 ? 0 : 1));
    prog_check(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 100 &&
               now.rlim_max == 200);
    prog_check(prctl(GET_MDWE, 0, 0, 0, 0) == mdwe);
    prog_check(syscall(SYS_membarrier, REGISTRATIONS, 0, 0) == barriers);
    prog_check(
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
    prctl(PR_SET_DUMPABLE, 1);
    prog_check(read_number("/proc/self/oom_score_adj") == 321);
    return prog_end();
}
