/* kill_at.c - kill -9 between any two system calls
 *
 *     kill_at N COMMAND...           of a command, its threads and children
 *     kill_at N -p PID COMMAND...    of a process that runs, its threads and
 *                                    the children it makes, while the command,
 *                                    which is left alone, runs
 *
 * Counts the calls of all of them together (of a process that runs: from the
 * first signal that it gets); whoever makes the Nth is killed
 * before it is made.  Ends as the command does (128 + signal); prints to
 * standard error "killed NAME before call NR" or "CALLS calls".  77 when it may
 * not trace.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77, SYSCALL_STOP = SIGTRAP | 0x80 };
static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                            PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
static unsigned long wanted, calls;
static bool done, counting;

static long trace(long request, pid_t tid, void *data)
{
    return ptrace((enum __ptrace_request)request, tid, NULL, data);
}

static void skip(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(SKIPPED);
}

/* --- beginning and ending ------------------------------------------------- */

static void seize(pid_t tid)
{
    if (trace(PTRACE_SEIZE, tid, (void *)options) < 0 ||
        trace(PTRACE_INTERRUPT, tid, NULL) < 0)
        skip("cannot trace");
}

static void seize_all(pid_t pid)
{
    char name[64];
    struct dirent *entry;

    snprintf(name, sizeof name, "/proc/%d/task", pid);
    DIR *dir = opendir(name);
    if (!dir)
        skip(name);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            seize(atoi(entry->d_name));
    closedir(dir);
}

/* The command; traced, it waits until it is. */
static pid_t start(char **argv, bool traced)
{
    int go[2];
    char byte;

    if (pipe(go) < 0)
        skip("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        if (read(go[0], &byte, 1) == 1)
            execvp(argv[0], argv);
        _exit(127);
    }
    close(go[0]);
    if (traced)
        seize(pid);
    if (pid < 0 || write(go[1], "", 1) != 1)
        skip("fork");
    close(go[1]);
    return pid;
}

/* --- stops ---------------------------------------------------------------- */

static void kill_it(pid_t tid, unsigned long long nr)
{
    char name[64], comm[32] = "?\n";

    snprintf(name, sizeof name, "/proc/%d/comm", tid);
    FILE *f = fopen(name, "r");
    if (f && !fgets(comm, sizeof comm, f))
        comm[0] = '\0';
    if (f)
        fclose(f);
    fprintf(stderr, "killed %.*s before call %llu\n", (int)strcspn(comm, "\n"),
            comm, nr);
    kill(tid, SIGKILL);
    done = true;
}

static void at_call(pid_t tid)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    if (counting && ++calls == wanted && !done)
        kill_it(tid, info.entry.nr);
}

static void go_on(pid_t tid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;

    if (sig == SYSCALL_STOP) {
        at_call(tid);
        sig = 0;
    } else if (event == PTRACE_EVENT_STOP &&
               (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
                sig == SIGTTOU)) {
        trace(PTRACE_LISTEN, tid, NULL);
        return;
    } else if (event != 0) {
        sig = 0;
    } else {
        counting = true;
    }
    trace(PTRACE_SYSCALL, tid, (void *)(long)sig);
}

int main(int argc, char **argv)
{
    bool attach = argc > 4 && strcmp(argv[2], "-p") == 0;
    int status, result = 127;

    if (argc < 3)
        return 2;
    wanted = strtoul(argv[1], NULL, 10);
    counting = !attach;
    if (attach)
        seize_all(atoi(argv[3]));
    pid_t pid, command = start(argv + (attach ? 4 : 2), !attach);
    /* tracees that are left are let go when this ends */
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (WIFSTOPPED(status)) {
            go_on(pid, status);
            continue;
        }
        if (pid != command)
            continue;
        result =
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        break;
    }
    if (!done)
        fprintf(stderr, "%lu calls\n", calls);
    return result;
}
