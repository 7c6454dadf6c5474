/* wait.c - ckpt wait: until jobs are finished; exits as they did */
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/json.h"
#include "lib/common/conf.h"
#include "scheduler/core/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static const char usage[] =
    "usage: ckpt wait [--pool DIR] [--timeout DURATION] [--json] JOB...\n"
    "Wait until the jobs are finished.  Exits with the job's exit code, or "
    "128\n"
    "and the signal that ended it, as a shell does; with several jobs, that "
    "of\n"
    "the first one that is not 0.  A removed job counts as 1.  Jobs may be\n"
    "held, moved and resumed meanwhile; --timeout gives up (exit code 124).\n"
    "example: ckpt wait $(ckpt submit ./simulate input.dat)\n";

enum { TIMED_OUT = 124, PATIENCE_S = 60 };

struct target {
    uint64_t id;
    bool found, finished, warned;
    int state;
    int wait_status;
};

struct waiting {
    struct target *targets;
    size_t n;
};

static int exit_code(const struct target *t)
{
    if (t->state != JOB_COMPLETED)
        return 1;
    if (WIFSIGNALED(t->wait_status))
        return 128 + WTERMSIG(t->wait_status);
    return WEXITSTATUS(t->wait_status);
}

static void note(struct target *t, const home_job *job)
{
    t->found = true;
    t->state = job->state;
    t->wait_status = job->wait_status;
    t->finished = job_state_is_final((enum job_state)job->state);
    if (job->state == JOB_HELD && !t->warned)
        fprintf(stderr, "ckpt wait: job %llu is held: %s\n",
                (unsigned long long)t->id, job->why);
    t->warned = job->state == JOB_HELD;
    if (job->state == JOB_REMOVED)
        fprintf(stderr, "ckpt wait: job %llu was removed\n",
                (unsigned long long)t->id);
}

static int see(const home_job *job, void *arg)
{
    struct waiting *w = arg;

    for (size_t i = 0; i < w->n; i++)
        if (w->targets[i].id == job->id)
            note(&w->targets[i], job);
    return 0;
}

/* Ask after those that are not finished; how many, or -1. */
static int ask(struct waiting *w, struct home *home, struct ckpt_err *err)
{
    uint64_t *ids = calloc(w->n, sizeof *ids);
    size_t n = 0, left = 0;
    int result;

    if (!ids)
        return ckpt_err_set(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < w->n; i++)
        if (!w->targets[i].finished)
            ids[n++] = w->targets[i].id;
    result = home_each(home, ids, n, false, see, w, err);
    free(ids);
    for (size_t i = 0; i < w->n && result == 0; i++) {
        left += !w->targets[i].finished;
        if (!w->targets[i].found)
            result = ckpt_err_set(err, ENOENT, "there is no job %llu",
                                  (unsigned long long)w->targets[i].id);
    }
    return result ? -1 : (int)left;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The home station may be down for a while: it is started again. */
static bool is_passing(int errnum)
{
    return errnum == ECONNREFUSED || errnum == ECONNRESET ||
           errnum == ETIMEDOUT || errnum == EPIPE || errnum == EIO;
}

/* 0: all finished; 1: timed out; -1. */
static int wait_all(struct waiting *w, struct home *home, int64_t until,
                    struct ckpt_err *err)
{
    int64_t nap_ms = 20, heard = now_ms();
    int left;

    while ((left = ask(w, home, err)) != 0) {
        int64_t now = now_ms();
        if (left > 0)
            heard = now;
        else if (!is_passing(errno) || now - heard > PATIENCE_S * 1000)
            return -1;
        if (now >= until)
            return 1;
        if (nap_ms > until - now)
            nap_ms = until - now;
        nanosleep(&(struct timespec){nap_ms / 1000, nap_ms % 1000 * 1000000},
                  NULL);
        if (nap_ms < 500)
            nap_ms += nap_ms / 4 + 1;
    }
    return 0;
}

static int finish(const struct cli *cli, const struct waiting *w)
{
    struct json j = json_to(stdout);
    int code = 0;

    if (cli->json)
        json_array(&j, NULL);
    for (size_t i = 0; i < w->n; i++) {
        int own = exit_code(&w->targets[i]);
        code = code ? code : own;
        if (!cli->json)
            continue;
        json_object(&j, NULL);
        json_uint(&j, "id", w->targets[i].id);
        json_text(&j, "state",
                  job_state_name((enum job_state)w->targets[i].state));
        json_int(&j, "status", own);
        json_close(&j);
    }
    if (cli->json)
        json_close(&j);
    return code;
}

static int run(const struct cli *cli, struct waiting *w, int64_t until)
{
    struct ckpt_err err = {""};
    struct home home;
    int result;

    if (home_open(&home, &err))
        return cli_fail(&err);
    result = wait_all(w, &home, until, &err);
    home_close(&home);
    if (result < 0)
        return cli_fail(&err);
    if (result > 0) {
        cli_failf("not finished in time");
        return TIMED_OUT;
    }
    return finish(cli, w);
}

int cmd_wait(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_OPTIONS,
        {"timeout", required_argument, NULL, CLI_OPT_OWN},
        {NULL, 0, NULL, 0}};
    struct cli cli = {.usage = usage};
    struct waiting w = {NULL, 0};
    struct ckpt_err err;
    int64_t limit, until = INT64_MAX;
    uint64_t *ids = NULL;

    while (cli_getopt(&cli, argc, argv, "", options) != -1) {
        if (ckpt_conf_parse_ms(optarg, &limit))
            return cli_misuse("\"%s\" is not a duration", optarg);
        until = now_ms() + limit;
    }
    if (optind == argc)
        return cli_misuse("which job?");
    if (cli_job_ids(argv + optind, argc - optind, &ids, &w.n, &err))
        return cli_misuse("%s", err.text);
    w.targets = calloc(w.n, sizeof *w.targets);
    if (!w.targets)
        return cli_failf("out of memory");
    for (size_t i = 0; i < w.n; i++)
        w.targets[i].id = ids[i];
    int code = run(&cli, &w, until);
    free(w.targets);
    free(ids);
    return code;
}
