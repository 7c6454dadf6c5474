/* request_send.c - the asker's side of a request; see request.h */
#include "lib/capture/request.h"

#include "lib/capture/request_find.h"
#include "lib/common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPEAT_MS = 200 };

struct asking {
    struct ckpt_request_target target;
    bool follow; /* the signal is what the marker says */
    enum ckpt_request_mode mode;
    pid_t pid; /* the target's, here */
    pid_t to;  /* the same as the signal is sent to it */
    int reply_fd, path_fd;
    int hold_fd; /* our writing end, open until the program has its own: only
                    then does end of file mean that the program is gone */
    char line[CKPT_REQUEST_LINE_MAX];
    size_t len;
    bool taken;
};

static int send_signal(const struct asking *a, struct ckpt_err *err)
{
    siginfo_t info;
    uint64_t value = (uint64_t)CKPT_REQUEST_MAGIC << 32 |
                     (uint64_t)a->mode << 28 | (uint64_t)a->path_fd << 14 |
                     (uint64_t)a->reply_fd;

    memset(&info, 0, sizeof info);
    info.si_signo = a->target.signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)(uintptr_t)value;
    if (syscall(SYS_rt_sigqueueinfo, a->to, info.si_signo, &info) < 0)
        return ckpt_err_sys(err, "cannot signal process %d", (int)a->pid);
    return 0;
}

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Take the whole lines that have come; true when the last answer is there. */
static bool answered(struct asking *a, char **answer)
{
    char *line = a->line, *end;

    while ((end = memchr(line, '\n', a->len - (size_t)(line - a->line)))) {
        *end = '\0';
        if (strcmp(line, "taken") != 0) {
            *answer = line;
            return true;
        }
        a->taken = true;
        close(a->hold_fd);
        a->hold_fd = -1;
        line = end + 1;
    }
    a->len -= (size_t)(line - a->line);
    memmove(a->line, line, a->len);
    return false;
}

/* It could not even answer. */
static bool has_no_descriptor_left(pid_t pid, const struct rlimit *limit)
{
    char path[64];
    rlim_t used = 0;
    struct dirent *entry;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    while ((entry = readdir(dir)))
        used += entry->d_name[0] != '.' &&
                strtoull(entry->d_name, NULL, 10) < limit->rlim_cur;
    closedir(dir);
    return used >= limit->rlim_cur;
}

/* Ask again; the program may have another checkpoint signal by now. */
static int repeat(struct asking *a, struct ckpt_err *err)
{
    int marked = a->follow ? ckpt_request_marker(a->pid) : 0;
    struct rlimit limit;

    if (prlimit(a->pid, RLIMIT_NOFILE, NULL, &limit) == 0 &&
        has_no_descriptor_left(a->pid, &limit))
        return ckpt_err_set(err, EMFILE,
                            "process %d has no descriptor left of its %llu: "
                            "prlimit --nofile=N --pid %d gives it more",
                            (int)a->pid, (unsigned long long)limit.rlim_cur,
                            (int)a->pid);
    if (marked > 0)
        a->target.signal = marked;
    return send_signal(a, err);
}

/* Wait for the final answer line. */
static int await(struct asking *a, int timeout_ms, char **answer,
                 struct ckpt_err *err)
{
    long deadline = timeout_ms < 0 ? 0 : now_ms() + timeout_ms;

    for (;;) {
        struct pollfd p = {.fd = a->reply_fd, .events = POLLIN};
        poll(&p, 1, REPEAT_MS);
        if (p.revents & POLLIN) {
            ssize_t n = read(a->reply_fd, a->line + a->len,
                             sizeof a->line - 1 - a->len);
            if (n > 0)
                a->len += (size_t)n;
            if (answered(a, answer))
                return 0;
        } else if (p.revents & POLLHUP) {
            return ckpt_err_set(err, ESRCH,
                                "process %d ended during the checkpoint",
                                (int)a->pid);
        }
        if (!a->taken && ckpt_request_gone(a->pid))
            return ckpt_err_set(err, ESRCH, "process %d ended", (int)a->pid);
        if (timeout_ms >= 0 && now_ms() > deadline)
            return ckpt_err_set(err, ETIMEDOUT,
                                "process %d did not answer within %d s",
                                (int)a->pid, timeout_ms / 1000);
        if (!a->taken && p.revents == 0 && repeat(a, err) < 0)
            return -1;
    }
}

static int interpret(char *answer, char *image, size_t image_size,
                     struct ckpt_err *err)
{
    if (strncmp(answer, "done ", 5) == 0) {
        if (strlen(answer + 5) >= image_size)
            return ckpt_err_set(err, ENAMETOOLONG, "image path too long");
        strcpy(image, answer + 5);
        return 0;
    }
    if (strncmp(answer, "refused ", 8) == 0)
        return ckpt_err_set(err, EBUSY, "%s", answer + 8);
    return ckpt_err_set(err, EPROTO, "unexpected answer: %.100s", answer);
}

static int path_memfd(const char *path, struct ckpt_err *err)
{
    int fd = memfd_create("ckpt-request", MFD_CLOEXEC);

    if (fd < 0 || ckpt_write_full(fd, path, strlen(path)) < 0)
        return ckpt_err_sys(err, "memfd");
    return fd;
}

static int ask(struct asking *a, const char *path, int timeout_ms, char *image,
               size_t image_size, struct ckpt_err *err)
{
    int ends[2] = {-1, -1}, rc = -1;
    char *answer = NULL;

    /* the program opens our descriptors through /proc, which a process that
     * has changed its user id does not allow by default */
    prctl(PR_SET_DUMPABLE, 1);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        ckpt_err_sys(err, "pipe");
        goto out;
    }
    a->hold_fd = ends[1];
    a->reply_fd = ends[0];
    if (path && *path && (a->path_fd = path_memfd(path, err)) < 0)
        goto out;
    if (send_signal(a, err) < 0 || await(a, timeout_ms, &answer, err) < 0)
        goto out;
    rc = interpret(answer, image, image_size, err);
out:
    if (ends[0] >= 0)
        close(ends[0]);
    if (a->hold_fd >= 0)
        close(a->hold_fd);
    if (a->path_fd > 0)
        close(a->path_fd);
    return rc;
}

struct outcome {
    int rc, errnum;
    struct ckpt_err err;
    char image[4096];
};

/* As the program's own user, whose /proc entries it may open, and with no more
 * rights than it can have. */
static int become_owner(pid_t pid, struct ckpt_err *err)
{
    struct stat owner; /* as it is called in this namespace */
    char proc[64];
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2];

    snprintf(proc, sizeof proc, "/proc/%d", (int)pid);
    if (stat(proc, &owner) < 0)
        return ckpt_err_set(err, ESRCH, "there is no process %d", (int)pid);
    if (geteuid() != owner.st_uid &&
        (setresgid(owner.st_gid, owner.st_gid, owner.st_gid) < 0 ||
         setresuid(owner.st_uid, owner.st_uid, owner.st_uid) < 0))
        return ckpt_err_sys(err, "cannot become user %u", owner.st_uid);
    if (owner.st_uid == 0)
        return 0;
    memset(none, 0, sizeof none);
    syscall(SYS_capset, &head, none);
    return 0;
}

static int reap(pid_t child)
{
    int status = -1;

    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* In a child: enter the program's namespaces, and ask from a child of that. */
static int ask_there(struct asking *a, const char *path, int timeout_ms,
                     struct outcome *o)
{
    if (a->target.elsewhere) {
        if (ckpt_request_go(&a->target, &o->err) < 0)
            return -1;
        a->to = a->target.inner;
        pid_t child = fork();
        if (child != 0)
            return child > 0 && reap(child) == 0 ? 0 : -1;
    }
    o->rc = become_owner(a->pid, &o->err);
    if (o->rc == 0)
        o->rc = ask(a, path, timeout_ms, o->image, sizeof o->image, &o->err);
    o->errnum = errno;
    _exit(0);
}

static int ask_in_child(struct asking *a, const char *path, int timeout_ms,
                        char *image, size_t image_size, struct ckpt_err *err)
{
    struct outcome *o = mmap(NULL, sizeof *o, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (o == MAP_FAILED)
        return ckpt_err_sys(err, "mmap");
    o->rc = -1;
    o->errnum = ESRCH;
    pid_t child = fork();
    if (child == 0)
        _exit(ask_there(a, path, timeout_ms, o) < 0);
    reap(child);
    int rc = o->rc;
    if (rc == 0 && strlen(o->image) < image_size)
        strcpy(image, o->image);
    else
        rc = ckpt_err_set(err, o->errnum, "%s", o->err.text);
    munmap(o, sizeof *o);
    return rc;
}

int ckpt_request_send(pid_t pid, int sig, enum ckpt_request_mode mode,
                      const char *path, int timeout_ms, char *image,
                      size_t image_size, struct ckpt_err *err)
{
    struct asking a = {.mode = mode, .hold_fd = -1};
    char proc[64];
    struct stat owner;

    if (ckpt_request_find(pid, &a.target, err) < 0)
        return -1;
    a.pid = a.to = a.target.pid;
    a.follow = sig <= 0;
    if (sig > 0)
        a.target.signal = sig;
    snprintf(proc, sizeof proc, "/proc/%d", (int)a.pid);
    if (stat(proc, &owner) < 0)
        return ckpt_err_set(err, ESRCH, "there is no process %d", (int)pid);
    if (a.target.elsewhere || (geteuid() == 0 && owner.st_uid != 0))
        return ask_in_child(&a, path, timeout_ms, image, image_size, err);
    return ask(&a, path, timeout_ms, image, image_size, err);
}
