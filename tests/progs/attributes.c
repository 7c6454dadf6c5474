/* attributes.c - small properties of the process and of each of its threads
 *
 * What rights or the kernel do not allow is not set, and so not checked.
 */
#include "tests/progs/prog.h"

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

enum { THREADS = 3, IOPRIO_BEST_EFFORT = 2 << 13, MPOL_INTERLEAVE = 3 };

struct seen {
    int nice, policy, priority, ioprio, personality, no_new_privs, securebits;
    int death, memory_policy;
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
    cpu_set_t one;
    sigset_t mask;
    char name[16];
    stack_t stack = {.ss_sp = stacks[i],
                     .ss_size = sizeof stacks[i],
                     .ss_flags = i == 1 ? (int)SS_AUTODISARM : 0};

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    if (i != 1)
        sched_setaffinity(0, sizeof one, &one);
    setpriority(PRIO_PROCESS, 0, 3 + i);
    if (i == 0)
        sched_setscheduler(0, SCHED_BATCH, &none);
    if (i == 1)
        sched_setscheduler(0, SCHED_IDLE, &none);
    if (i == 2)
        sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &rt);
    syscall(SYS_ioprio_set, 1, 0, IOPRIO_BEST_EFFORT | (5 + (i & 1)));
    prctl(PR_SET_TIMERSLACK, 70000 + i);
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
    prctl(PR_SET_DUMPABLE, 1);
    prog_check(read_number("/proc/self/oom_score_adj") == 321);
    return prog_end();
}
