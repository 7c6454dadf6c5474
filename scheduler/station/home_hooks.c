/* home_hooks.c - commands and mails at the end of jobs; see home.h
 *
 * What is due is in the queue, noted by the transition that made it due; a
 * hook goes from there when it has ended, well or not.  So it runs at least
 * once: again, when the home station was killed meanwhile.  A hook runs as the
 * user who owns the pool, in a session of its own, for hook_limit at most;
 * what it says goes to DIR/home/hooks.log.
 */
#include "scheduler/core/notify.h"
#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/station/home.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct home_hook *free_place(struct home *home)
{
    for (int i = 0; i < HOME_HOOKS; i++)
        if (home->hooks[i].pid == 0)
            return &home->hooks[i];
    return NULL;
}

/* --- in the child ----------------------------------------------------------
 */

static void set_number(const char *name, const char *format, double value)
{
    char text[40];

    snprintf(text, sizeof text, format, value);
    setenv(name, text, 1);
}

/* The job's own environment, as it was submitted, and what became of it. */
static void set_environment(const struct home *home, const struct job *job)
{
    char outcome[128];
    bool ended = job->state == JOB_COMPLETED;
    int status = job->exit_status;

    clearenv();
    for (char **e = job->spec.env; e && *e; e++)
        putenv(*e);
    notify_outcome(job, outcome, sizeof outcome);
    setenv("CKPT_POOL", home->pool.path, 1);
    set_number("CKPT_JOB_ID", "%.0f", (double)job->id);
    setenv("CKPT_JOB_NAME", job->spec.name ? job->spec.name : "", 1);
    setenv("CKPT_JOB_STATE", job_state_name(job->state), 1);
    setenv("CKPT_JOB_OUTCOME", outcome, 1);
    setenv("CKPT_JOB_STATION", job->station, 1);
    setenv("CKPT_JOB_REASON", job->why, 1);
    set_number("CKPT_JOB_RUN_TIME", "%.3f", (double)job->run_ms / 1000);
    set_number("CKPT_JOB_CPU_TIME", "%.3f", (double)job->cpu_usec / 1e6);
    setenv("CKPT_JOB_EXIT_CODE", "", 1);
    setenv("CKPT_JOB_SIGNAL", "", 1);
    if (ended && WIFSIGNALED(status))
        set_number("CKPT_JOB_SIGNAL", "%.0f", WTERMSIG(status));
    else if (ended)
        set_number("CKPT_JOB_EXIT_CODE", "%.0f", WEXITSTATUS(status));
}

static void put_mail(FILE *out, const struct home *home, const struct job *job)
{
    char outcome[128], command[512];
    const struct job_spec *spec = &job->spec;

    notify_outcome(job, outcome, sizeof outcome);
    job_spec_command(spec, command, sizeof command);
    fprintf(out,
            "To: %s\nSubject: ckpt job %llu (%.100s) %s\n\n"
            "Job %llu of %s in the pool %s %s.\n\n"
            "  command   %s\n  directory %s\n  station   %s\n",
            spec->notify_user ? spec->notify_user : spec->owner,
            (unsigned long long)job->id, spec->name ? spec->name : "?", outcome,
            (unsigned long long)job->id, spec->owner, home->pool.path, outcome,
            command, spec->cwd, job->station);
    if (job->why[0])
        fprintf(out, "  reason    %s\n", job->why);
    fprintf(out, "  run time  %.3f s, processor time %.3f s, evictions %u\n",
            (double)job->run_ms / 1000, (double)job->cpu_usec / 1e6,
            job->evictions);
}

/* An unnamed file: the mailer may read it whenever it likes. */
static int mail_file(const struct home *home, const struct job *job)
{
    FILE *out = tmpfile();

    if (!out)
        return -1;
    put_mail(out, home, job);
    fflush(out);
    int fd = dup(fileno(out));
    fclose(out);
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static void become_hook(const struct home *home, const struct job *job,
                        enum notify_how how)
{
    const char *command =
        how == NOTIFY_MAIL ? home->settings.mail_command : job->spec.on_done;
    char path[PATH_MAX + 64];
    sigset_t none;

    setsid();
    int in = how == NOTIFY_MAIL ? mail_file(home, job)
                                : open("/dev/null", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/home/hooks.log", home->pool.path);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (in < 0 || out < 0)
        _exit(126);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    closefrom(3);
    set_environment(home, job);
    if (chdir(job->spec.cwd) < 0 && chdir("/") < 0)
        _exit(126);
    umask((mode_t)job->spec.umask);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* --- in the home station ---------------------------------------------------
 */

static const char *hook_name(enum notify_how how)
{
    return how == NOTIFY_MAIL ? "mail" : "command";
}

static void hook_over(struct home *home, struct home_hook *hook)
{
    struct ckpt_err err;

    if (store_hook_done(home->store, hook->seq, &err) < 0)
        log_line("job %llu: %s: %s", (unsigned long long)hook->job,
                 hook_name(hook->how), err.text);
    *hook = (struct home_hook){.pid = 0};
    home->hooks_due = true;
}

static int hook_start(const struct store_hook *due, void *arg)
{
    struct home *home = arg;
    struct home_hook *hook = free_place(home);
    struct job job;

    if (!hook)
        return 1;
    *hook = (struct home_hook){.seq = due->seq,
                               .job = due->job,
                               .how = due->how,
                               .began_ms = pool_now_ms()};
    if (store_get(home->store, due->job, &job, NULL) < 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0)
        become_hook(home, &job, due->how);
    job_clear(&job);
    if (pid < 0)
        log_line("job %llu: %s: fork: %s", (unsigned long long)due->job,
                 hook_name(due->how), strerror(errno));
    hook->pid = pid > 0 ? pid : 0;
    home->hook_started = due->seq;
    return 0;
}

void hooks_step(struct home *home, uint64_t now)
{
    struct ckpt_err err;

    for (int i = 0; i < HOME_HOOKS; i++) {
        struct home_hook *hook = &home->hooks[i];
        if (hook->pid == 0 || hook->late ||
            (double)(now - hook->began_ms) < home->settings.hook_limit_s * 1000)
            continue;
        hook->late = true;
        kill(-hook->pid, SIGKILL);
    }
    if (!home->hooks_due || !free_place(home) || home->stopping)
        return;
    home->hooks_due = false;
    if (store_hooks_each(home->store, home->hook_started, HOME_HOOKS,
                         hook_start, home, &err) < 0)
        log_line("hooks: %s", err.text);
}

void hooks_reap(struct home *home, pid_t pid, int status)
{
    for (int i = 0; i < HOME_HOOKS; i++) {
        struct home_hook *hook = &home->hooks[i];
        if (hook->pid != pid)
            continue;
        if (hook->late)
            log_line("job %llu: %s: ended after %.0f s (hook_limit)",
                     (unsigned long long)hook->job, hook_name(hook->how),
                     home->settings.hook_limit_s);
        else if (WIFSIGNALED(status))
            log_line("job %llu: %s: ended by signal %d",
                     (unsigned long long)hook->job, hook_name(hook->how),
                     WTERMSIG(status));
        else
            log_line("job %llu: %s: exit code %d%s",
                     (unsigned long long)hook->job, hook_name(hook->how),
                     WEXITSTATUS(status),
                     WEXITSTATUS(status) ? "; see home/hooks.log" : "");
        hook_over(home, hook);
        return;
    }
}

bool hooks_running(const struct home *home)
{
    for (int i = 0; i < HOME_HOOKS; i++)
        if (home->hooks[i].pid != 0)
            return true;
    return false;
}
