/* request_find.c - see request_find.h
 *
 * A mapping named after marker.h tells that a process is under checkpointing,
 * and by which signal it is asked: without it no signal is sent, because
 * SIGUSR2 would end an ordinary program.
 */
#include "lib/capture/request_find.h"

#include "lib/capture/marker.h"
#include "lib/common/io.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARKER_WAIT_MS = 1000, COMING_WAIT_MS = 60000 };

/* The checkpoint signal that the marker names in one thread's list of mappings;
 * 0 when there is none. */
static int read_marker(const char *path)
{
    char line[512];
    int sig = 0;
    FILE *maps = fopen(path, "re");

    while (maps && sig == 0 && fgets(line, sizeof line, maps)) {
        const char *name = strstr(line, "/memfd:" CKPT_MARKER_PREFIX);
        if (name)
            sig = atoi(name + sizeof "/memfd:" CKPT_MARKER_PREFIX - 1);
    }
    if (maps)
        fclose(maps);
    return sig > 0 && sig <= 64 ? sig : 0;
}

/* The first thread may have ended; any other shows the same mappings. */
int ckpt_request_marker(pid_t pid)
{
    char path[300];
    int sig = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return -1;
    for (struct dirent *d; sig == 0 && (d = readdir(tasks));) {
        if (d->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/maps", (int)pid,
                 d->d_name);
        sig = read_marker(path);
    }
    closedir(tasks);
    return sig;
}

/* More than the (perhaps ended) first thread. */
static bool has_threads_left(pid_t pid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return stat(path, &st) == 0 && st.st_nlink > 3;
}

bool ckpt_request_gone(pid_t pid)
{
    char path[64], stat[512];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (has_threads_left(pid))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = ckpt_read_full(fd, stat, sizeof stat - 1);
    close(fd);
    stat[n > 0 ? n : 0] = '\0';
    char *paren = strrchr(stat, ')');
    return !paren || paren[1] == '\0' || paren[2] == 'Z' || paren[2] == 'X';
}

/* What a line of /proc/PID/status says, without its name; false when there is
 * none. */
static bool status_line(pid_t pid, const char *name, char *value, size_t size)
{
    char path[64], line[512];
    size_t len = strlen(name);
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *in = fopen(path, "re");
    while (in && !found && fgets(line, sizeof line, in))
        if (strncmp(line, name, len) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(value, size, "%s", line + len);
            found = true;
        }
    if (in)
        fclose(in);
    return found;
}

static bool is_parent(pid_t pid)
{
    char comm[64];

    return status_line(pid, "Name:\t", comm, sizeof comm) &&
           strcmp(comm, CKPT_PARENT_COMM) == 0;
}

/* The id in its own, innermost namespace, and how many there are. */
static pid_t inner_id(pid_t pid, int *depth)
{
    char value[256];
    pid_t inner = pid;

    *depth = 0;
    if (status_line(pid, "NSpid:", value, sizeof value))
        for (char *at = strtok(value, "\t "); at; at = strtok(NULL, "\t ")) {
            inner = atoi(at);
            ++*depth;
        }
    return inner;
}

/* A process that `pid` stands for: its child, or one that has this id inside
 * a namespace.  The only one, or 0. */
static pid_t look_further(pid_t pid, struct ckpt_err *err)
{
    bool parent = is_parent(pid);
    pid_t found = 0;
    char value[64];
    int depth;
    DIR *proc = opendir("/proc");

    for (struct dirent *d; proc && (d = readdir(proc));) {
        pid_t other = atoi(d->d_name);
        if (other <= 0 || other == pid || !isdigit((unsigned char)*d->d_name))
            continue;
        bool match = parent
                         ? status_line(other, "PPid:\t", value, sizeof value) &&
                               atoi(value) == pid
                         : inner_id(other, &depth) == pid && depth > 1;
        if (!match || ckpt_request_marker(other) <= 0)
            continue;
        if (found) {
            ckpt_err_set(err, EINVAL,
                         "process %d is in several namespaces: name it %d or "
                         "%d",
                         (int)pid, (int)found, (int)other);
            found = -1;
            break;
        }
        found = other;
    }
    if (proc)
        closedir(proc);
    return found;
}

static bool same_namespace(pid_t pid, const char *name)
{
    char path[64];
    struct stat theirs, ours;

    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
    if (stat(path, &theirs) < 0)
        return true; /* nothing can be done about it, and perhaps it is */
    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    return stat(path, &ours) < 0 || ours.st_ino == theirs.st_ino;
}

/* 1 when it is there, 0 when not (yet), -1 with err. */
static int look(pid_t pid, struct ckpt_request_target *target,
                struct ckpt_err *err)
{
    int depth, signal = ckpt_request_marker(pid);

    if (signal <= 0) {
        pid_t other = look_further(pid, err);
        if (other < 0)
            return -1;
        if (other == 0)
            return 0;
        pid = other;
        signal = ckpt_request_marker(pid);
    }
    if (signal <= 0)
        return 0;
    target->pid = pid;
    target->inner = inner_id(pid, &depth);
    target->signal = signal;
    target->elsewhere =
        !same_namespace(pid, "pid") || !same_namespace(pid, "user");
    return 1;
}

/* The process is still ckpt, which reads an image or is about to execute the
 * program; or the program's libckpt is there, but has not begun. */
static bool is_coming(pid_t pid)
{
    char path[64], line[512];
    struct stat theirs, ours;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    if (stat(path, &theirs) == 0 && stat("/proc/self/exe", &ours) == 0 &&
        theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
        return true;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    while (maps && !found && fgets(line, sizeof line, maps))
        found = strstr(line, "/libckpt.so\n") != NULL;
    if (maps)
        fclose(maps);
    return found;
}

int ckpt_request_find(pid_t pid, struct ckpt_request_target *target,
                      struct ckpt_err *err)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    for (int ms = 0;
         ms < MARKER_WAIT_MS || (ms < COMING_WAIT_MS && is_coming(pid));
         ms += 10) {
        int rc = look(pid, target, err);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
        if (access(path, F_OK) < 0 && errno == ENOENT)
            return ckpt_err_set(err, ESRCH, "there is no process %d", (int)pid);
        if (ckpt_request_gone(pid))
            return ckpt_err_set(err, ESRCH, "process %d has ended", (int)pid);
        poll(NULL, 0, 10);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    close(fd);
    return ckpt_err_set(err, ENOTSUP,
                        "process %d is not under checkpointing: relink it with "
                        "ckpt-cc or start it with ckpt run",
                        (int)pid);
}

static int join(pid_t pid, const char *name, int type, struct ckpt_err *err)
{
    char path[64];

    if (same_namespace(pid, name))
        return 0;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : setns(fd, type);
    if (rc < 0)
        ckpt_err_sys(err, "cannot enter the namespace of process %d", (int)pid);
    if (fd >= 0)
        close(fd);
    return rc;
}

int ckpt_request_go(const struct ckpt_request_target *target,
                    struct ckpt_err *err)
{
    if (join(target->pid, "user", CLONE_NEWUSER, err) < 0)
        return -1;
    return join(target->pid, "pid", CLONE_NEWPID, err);
}
