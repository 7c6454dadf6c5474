/* job.c - see job.h */
#include "scheduler/starter/job.h"

#include "lib/common/io.h"
#include "lib/common/program.h"
#include "scheduler/pool/program.h"
#include "scheduler/starter/confine.h"

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

static const char PRELOAD[] = "libckpt.so";

static int scratch_file(const char *scratch, const char *name, char *path,
                        struct ckpt_err *err)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", scratch, name);

    if (n < 0 || n >= PATH_MAX)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: too long", scratch);
    return 0;
}

/* Programs are known by their own name on the station, too. */
static const char *program_name(const struct job *job)
{
    const char *slash = strrchr(job->start.executable, '/');

    return slash ? slash + 1 : job->start.executable;
}

static const char *scratch_name(const struct job *job)
{
    return job->start.image_size > 0 ? "image" : program_name(job);
}

int job_fetch(struct job *job, struct slink *shadow, const char *scratch,
              struct ckpt_err *err)
{
    bool image = job->start.image_size > 0;
    char path[PATH_MAX];

    if (scratch_file(scratch, scratch_name(job), path, err) < 0)
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  image ? 0600 : 0700);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    int rc = slink_fetch(
        shadow, image,
        image ? job->start.image_size : job->start.executable_size, fd, err);
    close(fd);
    return rc;
}

/* --- what to execute ------------------------------------------------------ */

/* LIBCKPT_PLAIN=1 in the job's environment: the user knows that the program
 * sees this machine's files and nothing of home. */
static bool wants_to_be_plain(const struct job *job)
{
    for (unsigned i = 0; i < job->start.env.env_len; i++)
        if (strcmp(job->start.env.env_val[i], "LIBCKPT_PLAIN=1") == 0)
            return true;
    return false;
}

/* A program that can be neither asked for a checkpoint nor have its calls
 * served at home must not run here at all. */
static int needs_library(const struct job *job, const char *path, bool *needed,
                         struct ckpt_err *err)
{
    struct ckpt_program program;

    if (ckpt_program_find(path, &program, err) < 0)
        return -1;
    if (program.kind == CKPT_PROGRAM_STATIC && wants_to_be_plain(job)) {
        *needed = false;
        return 0;
    }
    if (program.kind == CKPT_PROGRAM_STATIC)
        return ckpt_err_set(err, ENOEXEC,
                            "the program is %s; its calls could not be served "
                            "from home",
                            program.why);
    *needed = program.kind != CKPT_PROGRAM_RELINKED;
    return 0;
}

static int copy_file(const char *from, const char *to, mode_t mode,
                     struct ckpt_err *err)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int rc = -1;

    if (in >= 0 && out >= 0 && fstat(in, &st) == 0) {
        off_t left = st.st_size;
        ssize_t n = 1;
        while (left > 0 && n > 0) {
            n = copy_file_range(in, NULL, out, NULL, (size_t)left, 0);
            left -= n > 0 ? n : 0;
        }
        rc = left == 0 ? 0 : -1;
    }
    if (rc < 0)
        ckpt_err_sys(err, "%s to %s", from, to);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return rc;
}

/* Unmodified programs get the library loaded before them. */
static int bring_library(const char *scratch, struct ckpt_err *err)
{
    char from[PATH_MAX], to[PATH_MAX];

    if (program_find(PRELOAD, from, err) < 0 ||
        scratch_file(scratch, PRELOAD, to, err) < 0)
        return -1;
    return copy_file(from, to, 0700, err);
}

struct command {
    int program_fd; /* `ckpt`, for a restart; -1: the program in scratch */
    bool preload;
    char **argv;
    char **envp;
};

static void command_clear(struct command *command)
{
    if (command->program_fd >= 0)
        close(command->program_fd);
    for (char **e = command->envp; e && *e; e++)
        free(*e);
    free(command->envp);
    for (char **a = command->argv; a && *a; a++)
        free(*a);
    free(command->argv);
}

static int command_program(struct command *command, const struct job *job,
                           const char *scratch, struct ckpt_err *err)
{
    const shadow_start_ok *start = &job->start;
    char path[PATH_MAX];

    if (scratch_file(scratch, scratch_name(job), path, err) < 0)
        return -1;
    if (needs_library(job, path, &command->preload, err) < 0 ||
        (command->preload && bring_library(scratch, err) < 0))
        return -1;
    command->argv = calloc(start->args.args_len + 2, sizeof *command->argv);
    if (!command->argv)
        return ckpt_err_sys(err, "no memory");
    for (unsigned i = 0; i < start->args.args_len; i++)
        command->argv[i] = strdup(start->args.args_val[i]);
    if (start->args.args_len == 0)
        command->argv[0] = strdup(program_name(job));
    return 0;
}

static int command_restart(struct command *command, int boot_fd,
                           struct ckpt_err *err)
{
    char program[PATH_MAX], fd[16];

    if (program_find("ckpt", program, err) < 0)
        return -1;
    command->program_fd = open(program, O_RDONLY | O_CLOEXEC);
    if (command->program_fd < 0)
        return ckpt_err_sys(err, "%s", program);
    snprintf(fd, sizeof fd, "%d", boot_fd);
    command->argv = calloc(6, sizeof *command->argv);
    if (!command->argv)
        return ckpt_err_sys(err, "no memory");
    command->argv[0] = strdup("ckpt");
    command->argv[1] = strdup("restart");
    command->argv[2] = strdup("--remote-fd");
    command->argv[3] = strdup(fd);
    command->argv[4] = strdup("image");
    return 0;
}

/* See RHYTHM of shadow.x. */
static int environment_rhythm(const shadow_start_ok *start, char **envp,
                              size_t *n)
{
    unsigned every = start->checkpoint_every_sec;

    if (start->checkpoint_mtbf_sec == 0)
        return every > 0 ? asprintf(&envp[(*n)++], "CKPT_EVERY=%us", every) : 0;
    if ((envp[(*n)++] = strdup("CKPT_EVERY=auto")) == NULL ||
        asprintf(&envp[(*n)++], "CKPT_MTBF=%us", start->checkpoint_mtbf_sec) <
            0)
        return -1;
    return every > 0 ? asprintf(&envp[(*n)++], "CKPT_EVERY_MOST=%us", every)
                     : 0;
}

static int command_environment(struct command *command, const struct job *job,
                               int boot_fd, struct ckpt_err *err)
{
    const shadow_start_ok *start = &job->start;
    size_t n = 0;

    command->envp = calloc(start->env.env_len + 6, sizeof *command->envp);
    if (!command->envp)
        return ckpt_err_sys(err, "no memory");
    for (unsigned i = 0; i < start->env.env_len; i++)
        if (strncmp(start->env.env_val[i], "CKPT_", 5) != 0 &&
            strncmp(start->env.env_val[i], "LD_PRELOAD=", 11) != 0)
            command->envp[n++] = strdup(start->env.env_val[i]);
    if (asprintf(&command->envp[n++], "CKPT_REMOTE_FD=%d", boot_fd) < 0)
        return ckpt_err_sys(err, "no memory");
    if (environment_rhythm(start, command->envp, &n) < 0)
        return ckpt_err_sys(err, "no memory");
    if (command->preload &&
        asprintf(&command->envp[n++], "LD_PRELOAD=./%s", PRELOAD) < 0)
        return ckpt_err_sys(err, "no memory");
    return 0;
}

static int command_make(struct command *command, const struct job *job,
                        const char *scratch, int boot_fd, struct ckpt_err *err)
{
    int rc = job->start.image_size > 0
                 ? command_restart(command, boot_fd, err)
                 : command_program(command, job, scratch, err);

    return rc < 0 ? rc : command_environment(command, job, boot_fd, err);
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

/* In the child.  What goes wrong is written to `report`. */
static void become_job(const struct job *job, const struct confine *confine,
                       const struct command *command, int boot_fd, int report,
                       int complaint)
{
    struct ckpt_err err;
    char name[NAME_MAX + 4];
    sigset_t none;

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        dup2(fd == 2 && complaint >= 0 ? complaint : null, fd);
    cgroup_join(&job->cgroup);
    if (confine_self(confine, &err) < 0)
        goto failed;
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
    fcntl(boot_fd, F_SETFD, 0);
    umask(022);
    if (command->program_fd >= 0) {
        execveat(command->program_fd, "", command->argv, command->envp,
                 AT_EMPTY_PATH);
    } else {
        snprintf(name, sizeof name, "./%s", program_name(job));
        execve(name, command->argv, command->envp);
    }
    ckpt_err_sys(&err, "%s", command->argv[0]);
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

static int launch(struct job *job, const struct confine *confine,
                  const struct command *command, int boot_fd,
                  struct ckpt_err *err)
{
    int report[2], complaint[2] = {-1, -1};

    if (pipe2(report, O_CLOEXEC) < 0)
        return ckpt_err_sys(err, "pipe");
    if (command->program_fd >= 0 &&
        pipe2(complaint, O_CLOEXEC | O_NONBLOCK) < 0)
        complaint[0] = complaint[1] = -1; /* its words are not heard, then */
    pid_t pid = fork();
    if (pid == 0)
        become_job(job, confine, command, boot_fd, report[1], complaint[1]);
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

int job_start(struct job *job, const struct ckpt_boot *boot,
              const char *scratch, struct ckpt_err *err)
{
    struct confine confine = {.scratch = scratch, .parent = getpid()};
    struct command command = {.program_fd = -1};
    int boot_fd = boot_pipe(boot, err);
    int rc = -1;

    if (boot_fd < 0)
        return -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (command_make(&command, job, scratch, boot_fd, err) == 0 &&
        find_user(job, &confine, err) == 0 &&
        give_scratch(&confine, err) == 0) {
        confine.program_fd = command.program_fd;
        cgroup_make(&job->cgroup, job->memory);
        if (!job->cgroup.has_memory)
            confine.memory = job->memory;
        rc = launch(job, &confine, &command, boot_fd, err);
    }
    if (rc < 0)
        cgroup_remove(&job->cgroup);
    command_clear(&command);
    close(boot_fd);
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

/* Whatever the job left behind is our child now (we are its subreaper). */
static void kill_orphans(void)
{
    char path[64];
    int pid;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (int round = 0; round < 100; round++) {
        FILE *in = fopen(path, "re");
        int found = 0;
        while (in && fscanf(in, "%d", &pid) == 1) {
            found++;
            kill(pid, SIGKILL);
        }
        if (in)
            fclose(in);
        if (!found)
            return;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
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
    kill_orphans();
    job->wait_status = status;
    job->cpu_usec = usec(usage.ru_utime) + usec(usage.ru_stime);
    return JOB_ENDED;
}

/* Ask `ckpt image verify`, as the job's user: the starter itself reads no
 * image. */
static bool image_is_damaged(const struct job *job, const char *scratch)
{
    struct confine confine = {
        .scratch = scratch, .parent = getpid(), .program_fd = -1};
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
