/* children.c - see children.h
 *
 * Whether there are any, wait(2) tells; which, /proc, where the kernel was
 * built with that.
 */
#include "lib/capture/children.h"

#include "lib/capture/child.h"
#include "lib/common/dirent.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The file as a string, without the end of its line. */
static void read_line(const char *path, char *text, size_t size)
{
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : ckpt_read_full((int)fd, text, size - 1);

    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (fd >= 0)
        ckpt_sys(SYS_close, fd);
}

/* A child is its thread's. */
static int child_of_thread(const char *tid)
{
    char path[64], text[64];

    snprintf(path, sizeof path, "/proc/self/task/%.16s/children", tid);
    read_line(path, text, sizeof text);
    return atoi(text);
}

/* A child that lives; 0 when /proc does not tell. */
static int find_child(void)
{
    _Alignas(struct ckpt_dirent) char buf[4096];
    long n, dirfd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/task",
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int child = 0;

    while (dirfd >= 0 && child == 0 &&
           (n = ckpt_sys(SYS_getdents64, dirfd, buf, sizeof buf)) > 0) {
        for (long at = 0; at < n && child == 0;) {
            struct ckpt_dirent *d = (void *)(buf + at);
            at += d->reclen;
            child = d->name[0] == '.' ? 0 : child_of_thread(d->name);
        }
    }
    if (dirfd >= 0)
        ckpt_sys(SYS_close, dirfd);
    return child;
}

/* The writer of what this process was before execve(): it is waited for, but
 * not if it is only merging. */
static bool end_former_writer(int child, const char *comm)
{
    if (strcmp(comm, CKPT_MERGER_NAME) == 0)
        ckpt_sys(SYS_kill, child, SIGKILL);
    else if (strcmp(comm, CKPT_WRITER_NAME) != 0)
        return false;
    return ckpt_sys(SYS_wait4, child, NULL, __WALL, NULL) == child;
}

int ckpt_children_refuse(struct ckpt_err *err)
{
    siginfo_t info;
    char path[64], comm[32], name[64] = "";
    int child;

    do {
        info.si_pid = 0;
        long rc = ckpt_sys(SYS_waitid, P_ALL, 0, &info,
                           WEXITED | WNOHANG | WNOWAIT | __WALL, NULL);
        if (rc == -ECHILD)
            return 0;
        child = info.si_pid ? info.si_pid : find_child();
        snprintf(path, sizeof path, "/proc/%d/comm", child);
        read_line(path, comm, sizeof comm);
    } while (child > 0 && end_former_writer(child, comm));
    if (child > 0)
        snprintf(name, sizeof name, " %d (%s)", child, comm);
    if (info.si_pid)
        return ckpt_err_set(err, EBUSY,
                            "it has a child process%s, which has ended, and "
                            "has not waited for it",
                            name);
    return ckpt_err_set(err, EBUSY,
                        "it has a child process%s, which cannot be saved with "
                        "it: try again when that has ended",
                        name);
}
