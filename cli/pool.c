/* pool.c - ckpt pool start, stop, status: a personal pool on this machine */
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/json.h"
#include "cli/pool_edit.h"
#include "scheduler/pool/program.h"
#include "scheduler/pool/settings.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: ckpt pool start [--dir DIR] [--stations N] [--set KEY=VALUE]...\n"
    "       ckpt pool stop [--dir DIR]\n"
    "       ckpt pool status [--dir DIR] [--json]\n"
    "A pool of this machine: a coordinator, a home station with the queue, "
    "and\n"
    "N stations (1 unless there are some already) that run jobs.  DIR\n"
    "(--pool, CKPT_POOL, else ~/.ckpt) holds everything.  Starting a pool "
    "that\n"
    "runs is no error.  Jobs in the queue survive a stop.\n"
    "example: ckpt pool start --dir /tmp/pool --stations 3 --set "
    "idle_start=1m\n";

enum {
    OPT_DIR = CLI_OPT_OWN,
    OPT_STATIONS,
    OPT_SET,
    START_MS = 30000,
    STOP_MS = 60000,
    SETTINGS_MAX = 256,
};

struct pool_args {
    struct cli cli;
    unsigned stations; /* 0: as they are */
    char *settings[SETTINGS_MAX];
    size_t setting_count;
};

static void parse(struct pool_args *a, int argc, char **argv)
{
    static const struct option options[] = {
        CLI_OPTIONS,
        {"dir", required_argument, NULL, OPT_DIR},
        {"stations", required_argument, NULL, OPT_STATIONS},
        {"set", required_argument, NULL, OPT_SET},
        {NULL, 0, NULL, 0}};
    char *end;
    int option;

    while ((option = cli_getopt(&a->cli, argc, argv, "", options)) != -1) {
        if (option == OPT_DIR) {
            setenv("CKPT_POOL", cli_path("--dir", optarg), 1);
        } else if (option == OPT_SET) {
            if (a->setting_count == SETTINGS_MAX)
                exit(cli_misuse("more than %d settings", SETTINGS_MAX));
            a->settings[a->setting_count++] = optarg;
        } else {
            unsigned long n = strtoul(optarg, &end, 10);
            if (end == optarg || *end || n == 0 || n > POOLDIR_STATIONS_MAX)
                exit(cli_misuse("--stations: 1 to %d", POOLDIR_STATIONS_MAX));
            a->stations = (unsigned)n;
        }
    }
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void nap(void)
{
    nanosleep(&(struct timespec){0, 20 * 1000000L}, NULL);
}

static int count_one(const char *name, void *arg)
{
    (void)name;
    ++*(unsigned *)arg;
    return 0;
}

/* --- status -------------------------------------------------------------- */

struct daemon_list {
    const struct pooldir *pool;
    struct json *json; /* NULL: for people */
    unsigned running, all;
};

static void show_daemon(struct daemon_list *l, const char *name)
{
    char addr[POOLDIR_ADDR_MAX + 1] = "";
    pid_t pid = pooldir_holder(l->pool, name);

    l->all++;
    l->running += pid > 0;
    if (pid > 0)
        pooldir_addr(l->pool, name, addr, NULL);
    if (!l->json) {
        if (pid > 0)
            printf("  %-20s process %-8d %s\n", name, (int)pid, addr);
        else
            printf("  %-20s does not run\n", name);
        return;
    }
    json_object(l->json, NULL);
    json_text(l->json, "name", name);
    json_bool(l->json, "running", pid > 0);
    if (pid > 0)
        json_int(l->json, "pid", pid);
    else
        json_null(l->json, "pid");
    json_text(l->json, "addr", addr);
    json_close(l->json);
}

static int show_station(const char *name, void *arg)
{
    char full[POOLDIR_NAME_MAX + 16];

    snprintf(full, sizeof full, "station.%s", name);
    show_daemon(arg, full);
    return 0;
}

/* Is the coordinator another machine's? */
static int pool_joins(const struct pooldir *pool, bool *joins,
                      struct settings *settings, struct ckpt_err *err)
{
    if (settings_load(settings, pool, "", err))
        return -1;
    *joins = strcmp(settings->coordinator, "on") != 0;
    return 0;
}

/* The coordinator and its stand-by, of this machine or not. */
static void show_coordinators(struct daemon_list *l, const struct settings *s)
{
    if (strcmp(s->coordinator, "on") == 0)
        show_daemon(l, POOLDIR_COORDINATOR);
    else if (!l->json)
        printf("  %-20s elsewhere        %s\n", POOLDIR_COORDINATOR,
               s->coordinator);
    if (strcmp(s->standby, "on") == 0)
        show_daemon(l, POOLDIR_STANDBY);
    else if (!l->json && strcmp(s->standby, "off") != 0)
        printf("  %-20s elsewhere        %s\n", POOLDIR_STANDBY, s->standby);
}

/* What runs; *running is true when all of it does. */
static int show_pool(const struct pooldir *pool, bool as_json, bool *running,
                     struct ckpt_err *err)
{
    struct json j = json_to(stdout);
    struct daemon_list l = {.pool = pool, .json = as_json ? &j : NULL};
    struct settings settings;
    bool joins;

    if (pool_joins(pool, &joins, &settings, err))
        return -1;
    if (as_json) {
        json_object(&j, NULL);
        json_text(&j, "name", pool->name);
        json_text(&j, "dir", pool->path);
        json_array(&j, "daemons");
    } else {
        printf("pool %s in %s\n", pool->name, pool->path);
    }
    show_daemon(&l, "master");
    show_coordinators(&l, &settings);
    show_daemon(&l, "home");
    int result = pooldir_each_station(pool, show_station, &l, err);
    *running = l.running == l.all;
    if (as_json) {
        json_close(&j);
        json_bool(&j, "running", *running);
        json_close(&j);
    }
    return result;
}

static int pool_status(struct pool_args *a)
{
    struct ckpt_err err = {""};
    struct home home;
    bool running = false;

    if (home_open(&home, &err) ||
        show_pool(&home.pool, a->cli.json, &running, &err))
        return cli_fail(&err);
    home_close(&home);
    return running ? 0 : 1;
}

/* --- start --------------------------------------------------------------- */

static int start_master(const struct pooldir *pool, struct ckpt_err *err)
{
    char program[PATH_MAX];
    int status;

    if (program_find("ckpt-master", program, err))
        return -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "--dir", pool->path, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return ckpt_err_sys(err, "start %s", program);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return ckpt_err_set(err, ECHILD, "%s failed; see %s/master/log",
                            program, pool->path);
    return 0;
}

struct arriving {
    const struct pooldir *pool;
    unsigned wanted, known;
};

/* Of those that the coordinator knows, ours are where ours say they are. */
static int count_ours(const pool_station *station, void *arg)
{
    char name[POOLDIR_NAME_MAX + 16], addr[POOLDIR_ADDR_MAX + 1];
    struct arriving *a = arg;

    snprintf(name, sizeof name, "station.%.64s", station->name);
    if (pooldir_addr(a->pool, name, addr, NULL) == 0 &&
        strcmp(addr, station->addr) == 0)
        a->known++;
    return 0;
}

/* All daemons answer, and the coordinator knows the stations. */
static int pool_answers(struct home *home, struct ckpt_err *err)
{
    struct arriving a = {.pool = &home->pool};
    home_status_res hs;

    if (home_status(home, &hs, err))
        return -1;
    xdr_free((xdrproc_t)xdr_home_status_res, (char *)&hs);
    if (pooldir_each_station(&home->pool, count_one, &a.wanted, err) ||
        coordinator_each(home, NULL, count_ours, &a, err))
        return -1;
    if (a.known >= a.wanted)
        return 0;
    return ckpt_err_set(err, EAGAIN, "%u of %u stations are there", a.known,
                        a.wanted);
}

static int wait_until_up(struct home *home, struct ckpt_err *err)
{
    int64_t until = now_ms() + START_MS;

    while (pool_answers(home, err)) {
        if (now_ms() > until)
            return ckpt_err_prefix(err,
                                   "the pool does not come up (logs are "
                                   "in %s/*/log)",
                                   home->pool.path);
        /* one that was being killed when we looked is gone by now */
        if (pooldir_holder(&home->pool, "master") <= 0 &&
            start_master(&home->pool, err))
            return -1;
        nap();
    }
    return 0;
}

/* Directory, settings and stations. */
static int prepare(struct pool_args *a, struct pooldir *pool,
                   struct ckpt_err *err)
{
    bool running, changed, joins;
    struct settings settings;
    unsigned stations = 0;

    if (pooldir_create(cli_pool_dir(), err) ||
        pooldir_open(pool, cli_pool_dir(), err))
        return -1;
    running = pooldir_holder(pool, "master") > 0;
    if (pool_edit(pool->path, a->settings, a->setting_count, running, &changed,
                  err))
        return -1;
    if (pooldir_each_station(pool, count_one, &stations, err) &&
        errno != ENOENT)
        return -1;
    if (running && a->stations > stations)
        return ckpt_err_set(err, EBUSY,
                            "the pool runs with %u stations; `ckpt pool stop` "
                            "first",
                            stations);
    if (running || (a->stations <= stations && stations > 0))
        return 0;
    if (pool_joins(pool, &joins, &settings, err))
        return -1;
    return pooldir_set_stations(pool, a->stations ? a->stations : 1, joins,
                                err);
}

static int pool_start(struct pool_args *a)
{
    struct ckpt_err err = {""};
    struct pooldir pool;
    struct home home;
    bool running;

    if (prepare(a, &pool, &err) ||
        (pooldir_holder(&pool, "master") <= 0 && start_master(&pool, &err)))
        return cli_fail(&err);
    if (home_open(&home, &err) || wait_until_up(&home, &err) ||
        show_pool(&home.pool, a->cli.json, &running, &err))
        return cli_fail(&err);
    home_close(&home);
    return 0;
}

/* --- stop ---------------------------------------------------------------- */

struct stopping {
    const struct pooldir *pool;
    unsigned alive;
    int sig; /* 0: only count */
};

static void stop_daemon(struct stopping *s, const char *name)
{
    pid_t pid = pooldir_holder(s->pool, name);

    if (pid <= 0)
        return;
    s->alive++;
    if (s->sig)
        kill(pid, s->sig);
}

static int stop_station(const char *name, void *arg)
{
    char full[POOLDIR_NAME_MAX + 16];

    snprintf(full, sizeof full, "station.%s", name);
    stop_daemon(arg, full);
    return 0;
}

static unsigned stop_daemons(const struct pooldir *pool, int sig)
{
    struct stopping s = {.pool = pool, .sig = sig};

    pooldir_each_station(pool, stop_station, &s, NULL);
    stop_daemon(&s, "home");
    stop_daemon(&s, "coordinator");
    return s.alive;
}

/* The master stops the others in the right order; when it is gone (killed),
 * they are told one by one. */
static int stop_all(const struct pooldir *pool, struct ckpt_err *err)
{
    int64_t until = now_ms() + STOP_MS;
    pid_t master = pooldir_holder(pool, "master");

    if (master > 0)
        kill(master, SIGTERM);
    while (pooldir_holder(pool, "master") > 0 && now_ms() < until)
        nap();
    if (stop_daemons(pool, SIGTERM))
        while (stop_daemons(pool, 0) && now_ms() < until)
            nap();
    if (stop_daemons(pool, SIGKILL) == 0)
        return 0;
    nap();
    return stop_daemons(pool, 0)
               ? ckpt_err_set(err, EBUSY, "some daemons do not end")
               : 0;
}

static int pool_stop(struct pool_args *a)
{
    struct ckpt_err err = {""};
    struct home home;

    (void)a;
    if (home_open(&home, &err) || stop_all(&home.pool, &err))
        return cli_fail(&err);
    return 0;
}

int cmd_pool(int argc, char **argv)
{
    struct pool_args a = {.cli = {.usage = usage}};
    const char *what;

    parse(&a, argc, argv);
    if (argc - optind != 1)
        return cli_misuse("start, stop or status?");
    what = argv[optind];
    if (!strcmp(what, "start"))
        return pool_start(&a);
    if (!strcmp(what, "stop"))
        return pool_stop(&a);
    if (!strcmp(what, "status"))
        return pool_status(&a);
    return cli_misuse("start, stop or status, not \"%s\"?", what);
}
