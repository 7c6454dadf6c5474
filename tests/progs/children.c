/* children.c - KIND - makes a child, says so, waits for it when PROG_REAP is
 * there, and ends when PROG_GO is; each child ends when PROG_REAP is there
 *
 * Not one of the programs that go through every way: core_children.sh drives
 * it.
 */
#include "tests/progs/prog.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *reap;

static int be_child(void *unused)
{
    (void)unused;
    while (access(reap, F_OK) < 0)
        usleep(1000);
    syscall(SYS_exit_group, 0);
    return 0;
}

static void *fork_in_thread(void *unused)
{
    (void)unused;
    if (fork() == 0)
        be_child(NULL);
    return NULL;
}

/* Shares the memory and sends no signal: only __WALL finds it. */
static int be_quiet(void *unused)
{
    (void)unused;
    while (access(reap, F_OK) < 0)
        syscall(SYS_sched_yield);
    syscall(SYS_exit, 0);
    return 0;
}

static void make(const char *kind)
{
    static char stack[65536];
    pthread_t thread;

    if (strcmp(kind, "fork") == 0) {
        if (fork() == 0)
            be_child(NULL);
    } else if (strcmp(kind, "ended") == 0) {
        if (fork() == 0)
            _exit(0);
    } else if (strcmp(kind, "thread") == 0) {
        pthread_create(&thread, NULL, fork_in_thread, NULL);
        pthread_join(thread, NULL);
    } else if (strcmp(kind, "quiet") == 0) {
        clone(be_quiet, stack + sizeof stack, CLONE_VM, NULL);
    } else if (strcmp(kind, "ignored") == 0) {
        signal(SIGCHLD, SIG_IGN);
        if (fork() == 0)
            be_child(NULL);
    }
}

int main(int argc, char **argv)
{
    reap = getenv("PROG_REAP");
    if (argc != 2 || !reap)
        return 2;
    make(argv[1]);
    usleep(20000);
    prog_ready();
    while (access(reap, F_OK) < 0)
        usleep(1000);
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
    prog_check(errno == ECHILD);
    close(open("reaped", O_WRONLY | O_CREAT, 0600));
    prog_wait();
    return prog_end();
}
