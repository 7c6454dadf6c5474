/* halt.c - see halt.h */
#include "scheduler/station/halt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 512, LOOK_US = 50, LIMIT_US = 5000 };

struct thread {
    pid_t id;
    int policy; /* its own */
    struct sched_param param;
};

static size_t find_threads(pid_t pid, struct thread *threads)
{
    char path[64];
    const struct dirent *entry;
    size_t n = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    while (dir && n < THREADS_MAX && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            threads[n++].id = atoi(entry->d_name);
    if (dir)
        closedir(dir);
    return n;
}

/* False without the privilege. */
static bool go_first(struct thread *thread)
{
    struct sched_param first = {.sched_priority = 1};

    thread->policy = sched_getscheduler(thread->id);
    if (thread->policy < 0 || sched_getparam(thread->id, &thread->param) < 0)
        return errno == ESRCH;
    return sched_setscheduler(thread->id, SCHED_FIFO, &first) == 0 ||
           errno == ESRCH;
}

static bool has_stopped(pid_t pid, pid_t thread)
{
    char path[96], text[512];

    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return true;
    text[n] = '\0';
    const char *after = strrchr(text, ')');
    return !after || strchr("TtZX", after[2]);
}

/* What is in the kernel meanwhile is not waited for: it must not go first for
 * longer. */
static void wait_stopped(pid_t pid, const struct thread *threads, size_t n)
{
    struct timespec pause = {0, LOOK_US * 1000};

    for (int us = 0; us < LIMIT_US; us += LOOK_US) {
        size_t i = 0;
        while (i < n && has_stopped(pid, threads[i].id))
            i++;
        if (i == n)
            return;
        nanosleep(&pause, NULL);
    }
}

void halt_job(pid_t pid)
{
    static struct thread threads[THREADS_MAX];
    size_t n, first = 0;

    kill(-pid, SIGSTOP); /* before: they are to stop, not to compute */
    n = find_threads(pid, threads);
    while (first < n && go_first(&threads[first]))
        first++;
    if (first > 0)
        wait_stopped(pid, threads, first);
    for (size_t i = 0; i < first; i++)
        if (threads[i].policy >= 0)
            (void)sched_setscheduler(threads[i].id, threads[i].policy,
                                     &threads[i].param);
}
