/* job.c - see job.h */
#include "scheduler/starter/job.h"

#include "lib/capture/arena.h"
#include "lib/common/io.h"
#include "scheduler/pool/program.h"
#include "scheduler/starter/command.h"
#include "scheduler/starter/confine.h"
#include "scheduler/starter/frontend.h"
#include "scheduler/starter/view.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int job_fetch(struct job *job, struct slink *shadow, const char *scratch,
              struct ckpt_err *err)
{
    bool image = job->start.image_size > 0;
    uint64_t size = image ? job->start.image_size : job->start.executable_size;
    char path[PATH_MAX];

    if (job->disk.limit > 0 && size > job->disk.limit)
        return ckpt_err_set(err, EFBIG,
                            "its %s of %llu MB is larger than the station's "
                            "job_disk of %llu MB",
                            image ? "image" : "program",
                            (unsigned long long)(size >> 20),
                            (unsigned long long)(job->disk.limit >> 20));
    if (command_scratch(scratch, command_file(&job->start), path, err) < 0)
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  image ? 0600 : 0700);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    int rc = slink_fetch(shadow, image, size, fd, err);
    close(fd);
    if (rc == 0)
        rc = slink_grants(shadow, &job->grants, err);
    if (rc == 0)
        rc = frontend_choose(&job->start, &job->grants, image ? NULL : path,
                             scratch, &job->frontend, err);
    return rc;
}

/* --- start ---------------------------------------------------------------- */

static int find_user(const struct job *job, struct confine *confine,
                     struct ckpt_err *err)
{
    if (geteuid() != 0 || !job->user || strcmp(job->user, "root") == 0)
        return 0;
    errno = 0;
    struct passwd *pw = getpwnam(job->user);
    if (!pw)
        return ckpt_err_set(err, errno ? errno : ENOENT,
                            "job_user %s: no such user", job->user);
    confine->change_user = true;
    confine->uid = pw->pw_uid;
    confine->gid = pw->pw_gid;
    return 0;
}

/* The directory and what we put there become the job's. */
static int give_scratch(const struct confine *confine, struct ckpt_err *err)
{
    char *paths[] = {(char *)(uintptr_t)confine->scratch, NULL};
    int rc = 0;

    if (!confine->change_user)
        return 0;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return ckpt_err_sys(err, "%s", confine->scratch);
    for (FTSENT *e = fts_read(tree); e && rc == 0; e = fts_read(tree))
        if (e->fts_info != FTS_DP)
            rc = lchown(e->fts_accpath, confine->uid, confine->gid);
    if (rc < 0)
        ckpt_err_sys(err, "%s", confine->scratch);
    fts_close(tree);
    return rc;
}

/* The boot record for the job, in a pipe that is as good as a file of it. */
static int boot_pipe(const struct ckpt_boot *boot, struct ckpt_err *err)
{
    uint8_t record[CKPT_BOOT_MAX];
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return ckpt_err_sys(err, "pipe");
    size_t len = ckpt_boot_encode(boot, record);
    int rc = ckpt_write_full(fds[1], record, len);
    explicit_bzero(record, sizeof record);
    close(fds[1]);
    if (rc < 0) {
        ckpt_err_sys(err, "pipe");
        close(fds[0]);
        return -1;
    }
    return fds[0];
}

struct launch {
    const struct job *job;
    struct confine confine;
    struct view view; /* of a job whose files are mounted */
    struct command command;
    int boot_fd;
};

static void standard_null(int complaint)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd <= 2; fd++)
        dup2(fd == 2 && complaint >= 0 ? complaint : null, fd);
}

/* The view comes first: it takes rights that the job does not have.  Says in
 * *program what to execute. */
static int enter(const struct launch *launch, int complaint,
                 const char **program, struct ckpt_err *err)
{
    const struct command *command = &launch->command;
    bool mounted = job_mounted(launch->job);

    *program = command->program;
    if (mounted && view_enter(&launch->view, err) < 0)
        return -1;
    if (mounted && command->program_fd < 0)
        *program =
            view_program(launch->job->start.executable, command->program);
    if (confine_self(&launch->confine, err) < 0)
        return -1;
    return mounted ? view_streams(&launch->view, complaint < 0, err) : 0;
}

/* In the child.  What goes wrong is written to `report`. */
static void become_job(const struct launch *launch, int report, int complaint)
{
    struct ckpt_err err;
    const char *program;
    sigset_t none;

    standard_null(complaint);
    cgroup_join(&launch->job->cgroup);
    if (enter(launch, complaint, &program, &err) < 0)
        goto failed;
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
    if (!job_mounted(launch->job))
        fcntl(launch->boot_fd, F_SETFD, 0);
    umask(job_mounted(launch->job) ? launch->view.grants.umask : 022);
    command_exec(&launch->command, program, &err);
failed:
    (void)!write(report, err.text, strlen(err.text));
    _exit(127);
}

static int wait_for_exec(pid_t pid, int report, struct ckpt_err *err)
{
    char text[400];
    ssize_t n = ckpt_read_full(report, text, sizeof text - 1);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    waitpid(pid, NULL, 0);
    return ckpt_err_set(err, ENOEXEC, "%s", text);
}

static int start_child(struct job *job, const struct launch *launch,
                       struct ckpt_err *err)
{
    int report[2], complaint[2] = {-1, -1};

    if (pipe2(report, O_CLOEXEC) < 0)
        return ckpt_err_sys(err, "pipe");
    if (launch->command.program_fd >= 0 &&
        pipe2(complaint, O_CLOEXEC | O_NONBLOCK) < 0)
        complaint[0] = complaint[1] = -1; /* its words are not heard, then */
    pid_t pid = fork();
    if (pid == 0)
        become_job(launch, report[1], complaint[1]);
    close(report[1]);
    if (complaint[1] >= 0)
        close(complaint[1]);
    int rc = pid < 0 ? ckpt_err_sys(err, "fork")
                     : wait_for_exec(pid, report[0], err);
    close(report[0]);
    job->complaint_fd = complaint[0];
    if (rc == 0)
        job->pid = pid;
    return rc;
}

/* The server of its files, and where the job is to see them. */
static int start_server(struct job *job, struct launch *launch,
                        struct ckpt_err *err)
{
    const struct confine *confine = &launch->confine;

    launch->view =
        (struct view){.grants = job->grants,
                      .scratch = confine->scratch,
                      .uid = confine->change_user ? confine->uid
                             : geteuid() == 0     ? 0
                                                  : job->grants.uid,
                      .gid = confine->change_user ? confine->gid
                             : geteuid() == 0     ? getegid()
                                                  : job->grants.gid,
                      .server = fileserver_start(&job->server, confine,
                                                 launch->boot_fd, err)};
    launch->confine.scratch = job->grants.cwd;
    launch->confine.mounted = &job->grants;
    return launch->view.server < 0 ? -1 : 0;
}

static int start_launch(struct job *job, struct launch *launch,
                        struct ckpt_err *err)
{
    cgroup_make(&job->cgroup, job->memory);
    if (!job->cgroup.has_memory && job->memory > 0)
        launch->confine.memory =
            job->memory + CKPT_ARENA_BYTES + CKPT_ARENA_WRITING;
    if (job_mounted(job) && start_server(job, launch, err) < 0)
        return -1;
    int rc = start_child(job, launch, err);
    if (rc == 0)
        confine_session(job->pid, job->nice);
    if (job_mounted(job))
        close(launch->view.server);
    return rc;
}

int job_start(struct job *job, const struct ckpt_boot *boot,
              const char *scratch, struct ckpt_err *err)
{
    struct launch launch = {
        .job = job,
        .confine = {.scratch = scratch, .nice = job->nice, .parent = getpid()},
        .command = {.program_fd = -1},
        .boot_fd = boot_pipe(boot, err)};
    int rc = -1;

    if (launch.boot_fd < 0)
        return -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if ((!job_mounted(job) || view_prepare(scratch, err) == 0) &&
        command_make(&launch.command, &job->start, job->frontend, scratch,
                     launch.boot_fd, err) == 0 &&
        find_user(job, &launch.confine, err) == 0 &&
        give_scratch(&launch.confine, err) == 0) {
        launch.confine.program_fd = launch.command.program_fd;
        rc = start_launch(job, &launch, err);
    }
    if (rc < 0) {
        fileserver_kill(&job->server);
        cgroup_remove(&job->cgroup);
    }
    command_clear(&launch.command);
    close(launch.boot_fd);
    return rc;
}

/* --- while it runs, and the end ------------------------------------------- */

bool job_wanted_memory(const struct job *job)
{
    return job->cgroup.has_memory && cgroup_oom_kills(&job->cgroup) > 0;
}

void job_clear(struct job *job)
{
    cgroup_remove(&job->cgroup);
}

/* Of all its threads; those of processes it has waited for count at the end. */
uint64_t job_cpu_usec(const struct job *job)
{
    struct timespec used;
    clockid_t clock;

    if (job->cpu_usec || !job->pid)
        return job->cpu_usec;
    if (clock_getcpuclockid(job->pid, &clock) != 0 ||
        clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

/* Whatever the job left behind is our child now (we are its subreaper); what
 * serves its files is not the job's. */
static void kill_orphans(const struct job *job)
{
    char path[64];
    int pid;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (int round = 0; round < 100; round++) {
        FILE *in = fopen(path, "re");
        int found = 0;
        while (in && fscanf(in, "%d", &pid) == 1) {
            if (pid == job->server.pid)
                continue;
            found++;
            kill(pid, SIGKILL);
            waitpid(pid, NULL, WNOHANG);
        }
        if (in)
            fclose(in);
        if (!found)
            return;
        usleep(1000);
    }
}

static uint64_t usec(struct timeval tv)
{
    return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec;
}

enum job_change job_look(struct job *job)
{
    struct rusage usage;
    int status;

    pid_t pid =
        wait4(job->pid, &status, WNOHANG | WUNTRACED | WCONTINUED, &usage);
    if (pid <= 0)
        return JOB_NOTHING;
    if (WIFSTOPPED(status))
        return JOB_STOPPED;
    if (WIFCONTINUED(status))
        return JOB_CONTINUED;
    kill(-job->pid, SIGKILL);
    kill_orphans(job);
    job->wait_status = status;
    job->cpu_usec = usec(usage.ru_utime) + usec(usage.ru_stime);
    return JOB_ENDED;
}

/* Ask `ckpt image verify`, as the job's user: the starter itself reads no
 * image. */
static bool image_is_damaged(const struct job *job, const char *scratch)
{
    struct confine confine = {.scratch = scratch,
                              .nice = job->nice,
                              .parent = getpid(),
                              .program_fd = -1};
    char program[PATH_MAX];
    struct ckpt_err err;
    int status;

    if (program_find("ckpt", program, &err) < 0 ||
        find_user(job, &confine, &err) < 0)
        return false;
    confine.program_fd = open(program, O_RDONLY | O_CLOEXEC);
    pid_t pid = confine.program_fd < 0 ? -1 : fork();
    if (pid == 0) {
        char *argv[] = {"ckpt", "image", "verify", "image", NULL};
        char *envp[] = {NULL};
        if (confine_self(&confine, &err) == 0)
            execveat(confine.program_fd, "", argv, envp, AT_EMPTY_PATH);
        _exit(127);
    }
    if (confine.program_fd >= 0)
        close(confine.program_fd);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 1;
}

bool job_restart_failed(struct job *job, const char *scratch, char *text,
                        size_t size)
{
    char said[400];

    if (job->complaint_fd < 0)
        return false;
    ssize_t n = read(job->complaint_fd, said, sizeof said - 1);
    close(job->complaint_fd);
    job->complaint_fd = -1;
    if (n <= 0 || !WIFEXITED(job->wait_status) ||
        WEXITSTATUS(job->wait_status) == 0 || WEXITSTATUS(job->wait_status) > 2)
        return false;
    said[n] = '\0';
    said[strcspn(said, "\n")] = '\0';
    snprintf(text, size, "%s: %s",
             image_is_damaged(job, scratch) ? "damaged image" : "restart",
             said);
    return true;
}

void job_signal(struct job *job, int sig)
{
    kill(-job->pid, sig);
}

void job_kill(struct job *job)
{
    kill(-job->pid, SIGKILL);
}
