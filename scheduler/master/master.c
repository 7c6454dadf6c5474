/* master.c - ckpt-master: starts the daemons of a pool and starts them again
 *
 * A daemon that dies is started again, at once the first time, later and later
 * when it keeps dying.  A daemon that is there already (its lock is held: an
 * earlier master was killed) is adopted: watched, and replaced when it goes.
 * SIGTERM stops all: first the stations, which get their jobs off, then the
 * home station and the coordinator.
 */
#include "lib/common/stdfds.h"
#include "scheduler/pool/log.h"
#include "scheduler/pool/pooldir.h"
#include "scheduler/pool/program.h"
#include "scheduler/pool/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 250,
    QUIET_SEC = 10,
    BACKOFF_MAX_MS = 30000,
    STEADY_MS = 10000, /* lived this long: its next death is its first */
    STOP_STATIONS_MS = 20000,
    STOP_OTHERS_MS = 10000,
};

struct child {
    char name[POOLDIR_NAME_MAX + 16]; /* "home", "station.s1" */
    pid_t pid;                        /* 0: not running */
    bool adopted;                     /* not our child */
    uint64_t started_ms;
    uint64_t again_ms; /* not started before this */
    unsigned backoff_ms;
};

struct master {
    struct pooldir pool;
    struct child *children;
    size_t n;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int child_add(struct master *master, const char *name)
{
    struct child *more =
        realloc(master->children, (master->n + 1) * sizeof *more);

    if (!more)
        return -1;
    master->children = more;
    struct child *child = &more[master->n++];
    *child = (struct child){.pid = 0};
    snprintf(child->name, sizeof child->name, "%s", name);
    return 0;
}

static int station_add(const char *name, void *arg)
{
    char full[POOLDIR_NAME_MAX + 16];

    snprintf(full, sizeof full, "station.%s", name);
    return child_add(arg, full);
}

static int open_log(const struct pooldir *pool, const char *daemon)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", pool->path, daemon);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    snprintf(path, sizeof path, "%s/%s/log", pool->path, daemon);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* In the child: become the daemon.  Only a message in the log tells when that
 * fails; the master sees the exit. */
static void child_exec(const struct master *master, const struct child *child)
{
    const char *station = strchr(child->name, '.');
    char program[PATH_MAX];
    struct ckpt_err err;
    sigset_t none;

    int log = open_log(&master->pool, child->name);
    if (log >= 0)
        dup2(log, STDERR_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (station) /* see go_first() of the station */
        setsid();
    bool standby = strcmp(child->name, POOLDIR_STANDBY) == 0;
    bool coordinator = standby || strcmp(child->name, POOLDIR_COORDINATOR) == 0;
    if (program_find(coordinator ? "ckpt-coordinator" : "ckpt-station", program,
                     &err) < 0) {
        log_line("%s", err.text);
        _exit(127);
    }
    if (standby)
        execl(program, program, "--dir", master->pool.path, "--standby",
              (char *)NULL);
    else if (coordinator)
        execl(program, program, "--dir", master->pool.path, (char *)NULL);
    else if (station)
        execl(program, program, "--dir", master->pool.path, "--name",
              station + 1, (char *)NULL);
    else
        execl(program, program, "--dir", master->pool.path, "--home",
              (char *)NULL);
    log_line("%s: %s", program, strerror(errno));
    _exit(127);
}

static void child_start(struct master *master, struct child *child)
{
    pid_t holder = pooldir_holder(&master->pool, child->name);

    child->started_ms = now_ms();
    if (holder > 0) {
        child->pid = holder;
        child->adopted = true;
        log_line("%s: found running, process %d", child->name, (int)holder);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        child_exec(master, child);
    if (pid < 0) {
        log_line("%s: fork: %s", child->name, strerror(errno));
        child->again_ms = now_ms() + 1000;
        return;
    }
    child->pid = pid;
    child->adopted = false;
    log_line("%s: started, process %d", child->name, (int)pid);
}

static void child_ended(struct child *child, int status)
{
    uint64_t now = now_ms();

    if (now - child->started_ms >= STEADY_MS || child->adopted)
        child->backoff_ms = 0;
    else if (child->backoff_ms == 0)
        child->backoff_ms = TICK_MS;
    else if (child->backoff_ms < BACKOFF_MAX_MS)
        child->backoff_ms *= 2;
    child->again_ms = now + child->backoff_ms;
    if (child->adopted)
        log_line("%s: process %d is gone", child->name, (int)child->pid);
    else if (WIFSIGNALED(status))
        log_line("%s: process %d killed by signal %d", child->name,
                 (int)child->pid, WTERMSIG(status));
    else
        log_line("%s: process %d ended with %d", child->name, (int)child->pid,
                 WEXITSTATUS(status));
    child->pid = 0;
}

static void look_after(struct master *master)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < master->n; i++)
            if (master->children[i].pid == pid)
                child_ended(&master->children[i], status);
    for (size_t i = 0; i < master->n; i++) {
        struct child *child = &master->children[i];
        if (child->pid && child->adopted &&
            pooldir_holder(&master->pool, child->name) != child->pid)
            child_ended(child, 0);
    }
}

static void start_missing(struct master *master)
{
    for (size_t i = 0; i < master->n; i++)
        if (!master->children[i].pid &&
            now_ms() >= master->children[i].again_ms)
            child_start(master, &master->children[i]);
}

static size_t count_alive(const struct master *master, bool stations)
{
    size_t alive = 0;

    for (size_t i = 0; i < master->n; i++)
        if (master->children[i].pid &&
            (strchr(master->children[i].name, '.') != NULL) == stations)
            alive++;
    return alive;
}

static void signal_all(const struct master *master, bool stations, int sig)
{
    for (size_t i = 0; i < master->n; i++)
        if (master->children[i].pid &&
            (strchr(master->children[i].name, '.') != NULL) == stations)
            kill(master->children[i].pid, sig);
}

static void stop_group(struct master *master, bool stations, unsigned limit_ms)
{
    struct timespec tick = {0, 20 * 1000000L};
    uint64_t until = now_ms() + limit_ms;

    signal_all(master, stations, SIGTERM);
    for (;;) {
        look_after(master);
        if (count_alive(master, stations) == 0)
            return;
        if (now_ms() >= until)
            break;
        nanosleep(&tick, NULL);
    }
    log_line("some daemons do not stop: killing them");
    signal_all(master, stations, SIGKILL);
}

/* Until somebody has to be looked after who sends no SIGCHLD, or started. */
static struct timespec pause_of(const struct master *master)
{
    for (size_t i = 0; i < master->n; i++)
        if (!master->children[i].pid || master->children[i].adopted)
            return (struct timespec){0, TICK_MS * 1000000L};
    return (struct timespec){QUIET_SEC, 0};
}

static int run(struct master *master)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (;;) {
        start_missing(master);
        struct timespec tick = pause_of(master);
        int sig = sigtimedwait(&set, NULL, &tick);
        if (sig == SIGTERM || sig == SIGINT)
            break;
        look_after(master);
    }
    log_line("stopping");
    stop_group(master, true, STOP_STATIONS_MS);
    stop_group(master, false, STOP_OTHERS_MS);
    log_line("stopped");
    return 0;
}

/* Leave the terminal and the caller behind. */
static int detach(const struct pooldir *pool)
{
    int log = open_log(pool, "master");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (log < 0 || null < 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid > 0)
        _exit(0);
    setsid();
    if (chdir("/") < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(null, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        return -1;
    /* what else the caller had open is not ours, and not our jobs' */
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
    return 0;
}

/* One that runs elsewhere: who looks for it reads its address. */
static int daemon_elsewhere(struct master *master, const char *name,
                            const char *addr, struct ckpt_err *err)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", master->pool.path, name);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s", path);
    return pooldir_write_addr(&master->pool, name, addr, err);
}

static int daemon_none(struct master *master, const char *name,
                       struct ckpt_err *err)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s/addr", master->pool.path, name);
    if (unlink(path) < 0 && errno != ENOENT)
        return ckpt_err_sys(err, "%s", path);
    return 0;
}

static int coordinators_add(struct master *master, struct ckpt_err *err)
{
    struct settings settings;
    int rc;

    if (settings_load(&settings, &master->pool, "", err) < 0)
        return -1;
    log_limit(settings.log_max);
    if (strcmp(settings.coordinator, "on") == 0)
        rc = child_add(master, POOLDIR_COORDINATOR);
    else
        rc = daemon_elsewhere(master, POOLDIR_COORDINATOR, settings.coordinator,
                              err);
    if (rc < 0)
        return -1;
    if (strcmp(settings.standby, "on") == 0)
        return child_add(master, POOLDIR_STANDBY);
    if (strcmp(settings.standby, "off") == 0)
        return daemon_none(master, POOLDIR_STANDBY, err);
    return daemon_elsewhere(master, POOLDIR_STANDBY, settings.standby, err);
}

static int usage(FILE *out, int rc)
{
    fprintf(out, "usage: ckpt-master --dir DIR [--foreground]\n"
                 "Run the daemons of the pool in DIR; `ckpt pool start` does "
                 "this.\n"
                 "example: ckpt-master --dir ~/.ckpt\n");
    return rc;
}

int main(int argc, char **argv)
{
    struct master master = {.n = 0};
    const char *dir = NULL;
    bool foreground = false;
    struct ckpt_err err;

    ckpt_stdfds_fill(O_RDWR);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, 0);
        if (strcmp(argv[i], "--foreground") == 0)
            foreground = true;
        else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
            dir = argv[++i];
        else
            return usage(stderr, 2);
    }
    if (!dir)
        return usage(stderr, 2);
    log_name("master");
    umask(077);
    if (pooldir_open(&master.pool, dir, &err) < 0 ||
        coordinators_add(&master, &err) < 0 || child_add(&master, "home") < 0 ||
        pooldir_each_station(&master.pool, station_add, &master, &err) < 0) {
        fprintf(stderr, "ckpt-master: %s\n", err.text);
        return 1;
    }
    if (pooldir_holder(&master.pool, "master") > 0)
        return 0;
    if (!foreground && detach(&master.pool) < 0) {
        fprintf(stderr, "ckpt-master: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    if (pooldir_lock(&master.pool, "master", &err) < 0) {
        log_line("%s", err.text);
        return errno == EAGAIN ? 0 : 1;
    }
    return run(&master);
}
