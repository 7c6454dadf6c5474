/* real_shadow.c - run one program in remote mode against ckpt-shadow
 *
 *     real-shadow JOBDIR EPOCH PROG ARG...
 *
 * The working directory is the job's home and its only grant; its standard
 * output and errors are JOBDIR.out and JOBDIR.err.  Ends with the
 * program's status.  $CKPT_SHADOW names the daemon.
 *
 * $REAL_SHADOW_LINK, a command line, is started with the shadow's host and
 * port added, and prints the port by which the job reaches the shadow
 * (tests/bench/delay_link.c).  With $REAL_SHADOW_PLAIN the channel goes plain.
 * $REAL_SHADOW_CPU names a file for the
 * microseconds of processor time of job and shadow.
 */
#include "lib/proto/boot.h"
#include "shadow/jobdir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const struct ckpt_err *err)
{
    fprintf(stderr, "real-shadow: %s\n", err->text);
    return 99;
}

static int describe(const char *dir, uint32_t epoch, char **argv,
                    struct ckpt_err *err)
{
    struct jobspec spec;
    char cwd[4096], out[4200], errors[4200];

    jobspec_init(&spec);
    if (!getcwd(cwd, sizeof cwd))
        return ckpt_err_sys(err, "getcwd");
    snprintf(out, sizeof out, "%s.out", dir);
    snprintf(errors, sizeof errors, "%s.err", dir);
    char *env[] = {NULL};
    spec.job = 1;
    spec.epoch = epoch;
    spec.user = getenv("USER") ? getenv("USER") : "root";
    spec.executable = argv[0];
    spec.cwd = cwd;
    spec.out = out;
    spec.err = errors;
    spec.args = argv;
    spec.env = env;
    spec.umask = 022;
    spec.plain = getenv("REAL_SHADOW_PLAIN") != NULL;
    return jobspec_grant_add(&spec, cwd, true) < 0
               ? ckpt_err_sys(err, "grant")
               : jobspec_write(dir, &spec, err);
}

/* Wait until the shadow tells its address. */
static int find_address(const char *dir, pid_t shadow, struct ckpt_boot *boot,
                        struct ckpt_err *err)
{
    for (int i = 0; i < 500; i++) {
        if (jobdir_shadow_pid(dir) == shadow &&
            jobdir_addr_read(dir, boot->host, &boot->port, err) == 0)
            return 0;
        if (waitpid(shadow, NULL, WNOHANG) == shadow)
            return ckpt_err_set(err, ECHILD, "the shadow has ended: see %s",
                                dir);
        usleep(10000);
    }
    return ckpt_err_set(err, ETIMEDOUT, "the shadow does not come");
}

/* Put $REAL_SHADOW_LINK between job and shadow; it ends with this process. */
static int set_link(struct ckpt_boot *boot)
{
    const char *link = getenv("REAL_SHADOW_LINK");
    char command[4200];
    int in[2], out[2];
    unsigned port = 0;

    if (!link)
        return 0;
    snprintf(command, sizeof command, "exec %s %s %u", link, boot->host,
             boot->port);
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return -1;
    if (fork() == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *answer = fdopen(out[0], "r");
    if (!answer || fscanf(answer, "%u", &port) != 1)
        return -1;
    boot->port = (uint16_t)port;
    return 0;
}

static long long cpu_of(const struct rusage *ru)
{
    return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000LL +
           ru->ru_utime.tv_usec + ru->ru_stime.tv_usec;
}

static void tell_cpu(const struct rusage *job, const struct rusage *shadow)
{
    const char *name = getenv("REAL_SHADOW_CPU");
    FILE *file = name ? fopen(name, "w") : NULL;

    if (!file)
        return;
    fprintf(file, "%lld %lld\n", cpu_of(job), cpu_of(shadow));
    fclose(file);
}

static void become_job(char **argv, int fd)
{
    char number[16];
    int null = open("/dev/null", O_RDWR);

    dup2(null, 0);
    dup2(null, 1);
    close(null);
    snprintf(number, sizeof number, "%d", fd);
    setenv("CKPT_REMOTE_FD", number, 1);
    if (chdir("/") == 0)
        execv(argv[0], argv);
    _exit(127);
}

static int run(char **argv, const struct ckpt_boot *boot, struct rusage *used)
{
    uint8_t bytes[CKPT_BOOT_MAX];
    int ends[2], status = 0;

    size_t len = ckpt_boot_encode(boot, bytes);
    if (pipe(ends) != 0 || write(ends[1], bytes, len) != (ssize_t)len)
        return 98;
    close(ends[1]);
    pid_t pid = fork();
    if (pid == 0)
        become_job(argv, ends[0]);
    close(ends[0]);
    wait4(pid, &status, 0, used);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct ckpt_err err = {""};
    const char *daemon = getenv("CKPT_SHADOW");

    if (argc < 4 || !daemon)
        return 2;
    struct ckpt_boot boot = {.job = 1,
                             .epoch = (uint32_t)atoi(argv[2]),
                             .plain = getenv("REAL_SHADOW_PLAIN") != NULL};
    memset(boot.token, 42, sizeof boot.token);
    if (describe(argv[1], boot.epoch, argv + 3, &err) < 0)
        return fail(&err);
    pid_t shadow =
        jobdir_shadow_start(daemon, argv[1], "127.0.0.1", boot.token, &err);
    if (shadow < 0 || find_address(argv[1], shadow, &boot, &err) < 0)
        return fail(&err);
    if (set_link(&boot) != 0)
        return 97;
    struct rusage job, home;
    int status = run(argv + 3, &boot, &job);
    kill(shadow, SIGTERM);
    wait4(shadow, NULL, 0, &home);
    tell_cpu(&job, &home);
    return status;
}
