/* act.c - rm, hold, release, vacate, migrate, prio: do something to jobs */
#include "cli/cli.h"
#include "cli/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rm_usage[] =
    "usage: ckpt rm [--pool DIR] JOB...\n"
    "Remove jobs from the queue; running ones are killed.\n"
    "example: ckpt rm 7 12-14\n";
static const char hold_usage[] =
    "usage: ckpt hold [--pool DIR] [--reason TEXT] JOB...\n"
    "Keep jobs from running until they are released.  A running one is\n"
    "checkpointed first.\n"
    "example: ckpt hold --reason 'wrong input' 7\n";
static const char release_usage[] = "usage: ckpt release [--pool DIR] JOB...\n"
                                    "Let held jobs run again.\n"
                                    "example: ckpt release 7\n";
static const char vacate_usage[] =
    "usage: ckpt vacate [--pool DIR] JOB|STATION...\n"
    "Checkpoint jobs and take them off their stations; they go back to the\n"
    "queue.  With a station's name: whatever runs there.\n"
    "example: ckpt vacate 7\n"
    "         ckpt vacate s1\n";
static const char migrate_usage[] =
    "usage: ckpt migrate [--pool DIR] JOB STATION\n"
    "Checkpoint a job, and carry it on on that station.\n"
    "example: ckpt migrate 7 s2\n";
static const char prio_usage[] =
    "usage: ckpt prio [--pool DIR] JOB... PRIORITY\n"
    "       ckpt prio [--pool DIR] -p PRIORITY JOB...\n"
    "Change the priority of jobs among those of the same owner; higher is\n"
    "sooner, 0 is the default.\n"
    "example: ckpt prio 7 10\n";

/* One action on the jobs named. */
static int act(const home_act_args *what, char *const *words, int count)
{
    struct ckpt_err err = {""};
    struct home home;
    uint64_t *ids = NULL;
    size_t n = 0;
    int failed;

    if (cli_job_ids(words, count, &ids, &n, &err))
        return cli_misuse("%s", err.text);
    if (home_open(&home, &err)) {
        free(ids);
        return cli_fail(&err);
    }
    failed = home_act(&home, what, ids, n, &err);
    home_close(&home);
    free(ids);
    if (failed < 0)
        return cli_fail(&err);
    return failed > 0;
}

int cmd_rm(int argc, char **argv)
{
    const home_act_args what = {.action = HOME_RM};
    struct cli cli = {.usage = rm_usage};

    cli_parse(&cli, argc, argv, 1, -1);
    return act(&what, argv + optind, argc - optind);
}

int cmd_hold(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_OPTIONS,
        {"reason", required_argument, NULL, CLI_OPT_OWN},
        {NULL, 0, NULL, 0}};
    home_act_args what = {.action = HOME_HOLD};
    struct cli cli = {.usage = hold_usage};

    while (cli_getopt(&cli, argc, argv, "", options) != -1)
        what.reason = optarg;
    if (optind == argc)
        return cli_misuse("which job?");
    if (what.reason && strlen(what.reason) > POOL_TEXT_MAX)
        return cli_misuse("the reason is longer than %d bytes", POOL_TEXT_MAX);
    return act(&what, argv + optind, argc - optind);
}

int cmd_release(int argc, char **argv)
{
    const home_act_args what = {.action = HOME_RELEASE};
    struct cli cli = {.usage = release_usage};

    cli_parse(&cli, argc, argv, 1, -1);
    return act(&what, argv + optind, argc - optind);
}

static int remember_address(const pool_station *station, void *arg)
{
    snprintf(arg, POOL_ADDR_MAX + 1, "%s", station->addr);
    return 0;
}

/* Where the station is, and, with `leave`, get off it what runs there: when
 * that is nothing, the owner has what was asked for. */
static int at_station(struct home *home, const char *name, bool leave,
                      struct ckpt_err *err)
{
    char addr[POOL_ADDR_MAX + 1] = "";

    if (coordinator_each(home, name, remember_address, addr, err))
        return -1;
    if (!addr[0])
        return ckpt_err_set(err, ENOENT, "there is no station %s", name);
    if (!leave || station_leave(home, addr, "vacate was asked for", err) == 0)
        return 0;
    if (errno != ESTALE)
        return ckpt_err_prefix(err, "station %s", name);
    printf("nothing runs on %s\n", name);
    return 0;
}

static int with_station(const char *name, bool leave)
{
    struct ckpt_err err = {""};
    struct home home;
    int result;

    if (home_open(&home, &err))
        return cli_fail(&err);
    result = at_station(&home, name, leave, &err);
    home_close(&home);
    return result ? cli_fail(&err) : 0;
}

int cmd_vacate(int argc, char **argv)
{
    const home_act_args what = {.action = HOME_VACATE};
    struct cli cli = {.usage = vacate_usage};
    int code = 0;

    cli_parse(&cli, argc, argv, 1, -1);
    for (int i = optind; i < argc; i++) {
        int one = cli_is_job(argv[i]) ? act(&what, argv + i, 1)
                                      : with_station(argv[i], true);
        code = one > code ? one : code;
    }
    return code;
}

int cmd_migrate(int argc, char **argv)
{
    home_act_args what = {.action = HOME_MIGRATE};
    struct cli cli = {.usage = migrate_usage};

    cli_parse(&cli, argc, argv, 2, 2);
    what.station = argv[optind + 1];
    if (strlen(what.station) > POOL_NAME_MAX)
        return cli_misuse("%s: no station has such a name", what.station);
    /* for one that is not there the job would wait for ever */
    if (with_station(what.station, false))
        return 1;
    return act(&what, argv + optind, 1);
}

static int parse_prio(const char *word, int *prio)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(word, &end, 10);
    if (end == word || *end || errno || value < -1000000 || value > 1000000)
        return cli_misuse("\"%s\" is not a priority", word);
    *prio = (int)value;
    return 0;
}

/* A priority below zero at the end looks like an option to getopt. */
static int last_is_number(int argc, char **argv)
{
    const char *last = argc > 2 ? argv[argc - 1] : "";

    return last[0] == '-' && last[1] >= '0' && last[1] <= '9';
}

int cmd_prio(int argc, char **argv)
{
    home_act_args what = {.action = HOME_PRIO};
    struct cli cli = {.usage = prio_usage};
    const char *word = NULL;
    int option, negative = last_is_number(argc, argv);

    if (negative)
        word = argv[--argc];
    while ((option = cli_getopt(&cli, argc, argv, "p:", cli_options)) != -1)
        word = optarg;
    if (!word && argc - optind > 1)
        word = argv[--argc];
    if (!word || optind == argc)
        return cli_misuse("give jobs and a priority");
    if (parse_prio(word, &what.prio))
        return 2;
    return act(&what, argv + optind, argc - optind);
}
