/* exec_claim.c - a claim, its starter and its job; see exec.h */
#include "scheduler/pool/log.h"
#include "scheduler/pool/program.h"
#include "scheduler/pool/remove.h"
#include "scheduler/station/ask.h"
#include "scheduler/station/exec.h"
#include "scheduler/station/halt.h"

#include "lib/common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLAIM_LEASE_SEC = 20, ASK_AGAIN_MS = 2000, KILL_WAIT_MS = 500 };

bool claim_is(const struct exec *exec, const char *id)
{
    static const char any[POOL_CLAIM_LEN];

    return exec->claim.held && (memcmp(id, exec->claim.id, sizeof any) == 0 ||
                                memcmp(id, any, sizeof any) == 0);
}

void claim_begin(struct exec *exec, const station_claim_args *args)
{
    struct claim *claim = &exec->claim;

    *claim = (struct claim){.held = true, .link = -1, .job = args->job};
    if (getrandom(claim->id, sizeof claim->id, 0) < 0)
        log_line("getrandom: %s", strerror(errno));
    snprintf(claim->home, sizeof claim->home, "%s", args->home);
    snprintf(claim->owner, sizeof claim->owner, "%s", args->owner);
    claim->begun_ms = pool_now_ms();
    claim->until_ms = claim->begun_ms + CLAIM_LEASE_SEC * 1000;
    exec->claims++;
}

void claim_end(struct exec *exec)
{
    struct claim *claim = &exec->claim;

    if (claim->link >= 0) {
        ckpt_serve_unwatch(exec->serve, claim->link);
        close(claim->link);
    }
    *claim = (struct claim){.link = -1};
}

/* --- the link ------------------------------------------------------------- */

static void heard_line(struct exec *exec, char *line)
{
    struct claim *claim = &exec->claim;

    if (line[0] == 'P') {
        claim->pid = (pid_t)strtol(line + 1, NULL, 10);
        log_line("job %llu runs, process %d", (unsigned long long)claim->job,
                 (int)claim->pid);
        exec->changed = true;
        if (claim->killed)
            kill(-claim->pid, SIGKILL);
        else if (exec->state == STATION_SUSPENDED)
            claim_stop(exec);
        else if (exec->state == STATION_VACATING)
            claim_ask(exec);
    } else if (line[0] == 'E') {
        log_line("job %llu was not started: %s", (unsigned long long)claim->job,
                 line + 2);
    } else if (line[0] == 'U') {
        snprintf(claim->fixed, sizeof claim->fixed, "%s", line + 2);
    } else if (line[0] == 'X') {
        claim->pid = 0;
        claim->ended = true;
    }
}

static void link_readable(int fd, short events, void *arg)
{
    struct exec *exec = arg;
    struct claim *claim = &exec->claim;
    char *end;

    (void)fd, (void)events;
    ssize_t n = recv(claim->link, claim->heard + claim->heard_len,
                     sizeof claim->heard - claim->heard_len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        ckpt_serve_unwatch(exec->serve, claim->link);
        return; /* the starter's end is seen by claim_reap() */
    }
    if (n > 0)
        claim->heard_len += (size_t)n;
    while ((end = memchr(claim->heard, '\n', claim->heard_len))) {
        *end = '\0';
        heard_line(exec, claim->heard);
        claim->heard_len -= (size_t)(end + 1 - claim->heard);
        memmove(claim->heard, end + 1, claim->heard_len);
    }
    if (claim->heard_len == sizeof claim->heard)
        claim->heard_len = 0;
}

/* --- start ---------------------------------------------------------------- */

/* The starter keeps this lock while it lives, so that a new station knows when
 * nothing of the old one's job is left (see exec_clear()). */
static int starter_lock(const struct exec *exec, struct ckpt_err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX + 128];

    snprintf(path, sizeof path, "%s/%s/starter", exec->pool.path, exec->daemon);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        ckpt_err_sys(err, "%s", path);
        close(fd);
        return -1;
    }
    return fd;
}

static int make_scratch(struct exec *exec, struct ckpt_err *err)
{
    struct claim *claim = &exec->claim;
    int n =
        snprintf(claim->scratch, sizeof claim->scratch, "%s/%llu.%u",
                 exec->scratch, (unsigned long long)claim->job, claim->epoch);

    if (n < 0 || (size_t)n >= sizeof claim->scratch)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: too long", exec->scratch);
    if (mkdir(claim->scratch, 0700) < 0)
        return ckpt_err_sys(err, "%s", claim->scratch);
    return 0;
}

static int boot_pipe(const station_start_args *args, struct ckpt_err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return ckpt_err_sys(err, "pipe");
    int rc = ckpt_write_full(fds[1], args->boot.boot_val, args->boot.boot_len);
    if (rc < 0)
        ckpt_err_sys(err, "pipe");
    close(fds[1]);
    if (rc < 0) {
        close(fds[0]);
        return -1;
    }
    return fds[0];
}

static void become_starter(struct exec *exec, const char *program, int boot_fd,
                           int link_fd, int lock_fd)
{
    char boot[16], link[16], pid[32], memory[32], disk[32], nice[16];
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    setpriority(PRIO_PROCESS, 0, 0);
    fcntl(boot_fd, F_SETFD, 0);
    fcntl(link_fd, F_SETFD, 0);
    fcntl(lock_fd, F_SETFD, 0);
    snprintf(pid, sizeof pid, "%-10d\n", (int)getpid());
    (void)!pwrite(lock_fd, pid, strlen(pid), 0);
    snprintf(boot, sizeof boot, "%d", boot_fd);
    snprintf(link, sizeof link, "%d", link_fd);
    snprintf(memory, sizeof memory, "%llu",
             (unsigned long long)exec->settings.job_memory);
    snprintf(nice, sizeof nice, "%d", exec->settings.job_nice);
    snprintf(disk, sizeof disk, "%llu",
             (unsigned long long)exec->settings.job_disk);
    execl(program, program, "--scratch", exec->claim.scratch, "--boot-fd", boot,
          "--link-fd", link, "--user", exec->settings.job_user, "--memory",
          memory, "--disk", disk, "--nice", nice, (char *)NULL);
    log_line("%s: %s", program, strerror(errno));
    _exit(127);
}

static int fork_starter(struct exec *exec, int boot_fd, int lock_fd,
                        struct ckpt_err *err)
{
    char program[PATH_MAX];
    int ends[2];

    if (program_find("ckpt-starter", program, err) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return ckpt_err_sys(err, "socketpair");
    pid_t pid = fork();
    if (pid == 0)
        become_starter(exec, program, boot_fd, ends[1], lock_fd);
    close(ends[1]);
    if (pid < 0) {
        ckpt_err_sys(err, "fork");
        close(ends[0]);
        return -1;
    }
    exec->claim.starter = pid;
    exec->claim.link = ends[0];
    ckpt_serve_watch(exec->serve, ends[0], POLLIN, link_readable, exec);
    return 0;
}

int claim_start(struct exec *exec, const station_start_args *args,
                struct ckpt_err *err)
{
    int rc = -1;

    exec->claim.job = args->job;
    exec->claim.epoch = args->epoch;
    int lock = starter_lock(exec, err);
    if (lock < 0)
        return -1;
    int boot = boot_pipe(args, err);
    if (boot >= 0 && make_scratch(exec, err) == 0)
        rc = fork_starter(exec, boot, lock, err);
    if (rc < 0 && exec->claim.scratch[0])
        rmdir(exec->claim.scratch);
    if (boot >= 0)
        close(boot);
    close(lock);
    return rc;
}

/* --- what is done to the job ---------------------------------------------- */

void claim_stop(struct exec *exec)
{
    if (exec->claim.pid > 0)
        halt_job(exec->claim.pid);
}

void claim_continue(struct exec *exec)
{
    if (exec->claim.pid > 0)
        kill(-exec->claim.pid, SIGCONT);
}

/* The program cannot answer us: it is confined.  It answers by going, or its
 * library tells the shadow why it cannot; until then we ask again. */
void claim_ask(struct exec *exec)
{
    struct claim *claim = &exec->claim;
    uint64_t now = pool_now_ms();

    if (!claim->starter || claim->killed || claim->ended)
        return;
    if (claim->pid == 0) { /* nothing of it has run yet, nothing is lost */
        claim_kill(exec, "it has to go before it began");
        return;
    }
    if (claim->fixed[0]) {
        claim_kill(exec, claim->fixed);
        return;
    }
    if (claim->asked && now - claim->asked_ms < ASK_AGAIN_MS)
        return;
    /* told first: being continued in order to leave is not going on */
    (void)!send(claim->link, "V", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    claim_continue(exec);
    ask_to_leave(claim->pid);
    claim->asked = true;
    claim->asked_ms = now;
}

void claim_stay(struct exec *exec)
{
    exec->claim.asked = false;
    if (exec->claim.link >= 0)
        (void)!send(exec->claim.link, "S", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void claim_kill(struct exec *exec, const char *why)
{
    struct claim *claim = &exec->claim;

    if (!claim->starter)
        return;
    if (!claim->killed) {
        log_line("job %llu is killed: %s", (unsigned long long)claim->job, why);
        claim->killed_ms = pool_now_ms();
    }
    claim->killed = true;
    /* a starter that is busy with the shadow must not keep the owner waiting */
    if (claim->pid > 0 && pool_now_ms() - claim->killed_ms > KILL_WAIT_MS)
        kill(-claim->pid, SIGKILL);
    /* told first, so that it reports an eviction and not the job's end */
    (void)!send(claim->link, "K", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void claim_reap(struct exec *exec)
{
    struct claim *claim = &exec->claim;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != claim->starter)
            continue;
        log_line("job %llu is gone", (unsigned long long)claim->job);
        if (claim->pid > 0) /* the starter was killed; its child dies with it */
            kill(-claim->pid, SIGKILL);
        claim->starter = 0;
        remove_tree(claim->scratch);
        exec_event(exec, STATION_EV_JOB_GONE, "the job is gone");
    }
}
