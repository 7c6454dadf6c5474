/* q.c - ckpt q and ckpt history: the queue, and what has left it */
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/json.h"
#include "scheduler/core/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static const char q_usage[] =
    "usage: ckpt q [--pool DIR] [--json] [JOB...]\n"
    "List the jobs in the queue, or those named.  ST is I idle, R running,\n"
    "S suspended, H held, C completed, X removed.  GOODPUT is the share of\n"
    "RUN_TIME that is saved in a checkpoint.  JOB is an id, or A-B.\n"
    "example: ckpt q 7 12-14\n";

static const char history_usage[] =
    "usage: ckpt history [--pool DIR] [--json | --export] [JOB...]\n"
    "List the jobs that completed or were removed.  LEVERAGE is processor "
    "time\n"
    "on stations over that of the job's shadows at home.  --export writes "
    "those\n"
    "that completed as a workload for `ckpt sim`: submission in seconds after\n"
    "the first, owner, processor seconds, image size in MB.\n"
    "example: ckpt history --json\n";

struct listing {
    struct cli cli;
    struct json json;
    bool history;
    bool export;         /* as a workload for ckpt sim */
    int64_t first, last; /* submissions exported */
    int64_t now;
    uint32_t total;
    uint32_t states[JOB_STATE_COUNT];
    const uint64_t *ids; /* asked for */
    bool *seen;
    size_t n;
};

static int permille(const home_job *job)
{
    if (job->run_ms == 0)
        return job->state == JOB_COMPLETED ? 1000 : -1;
    return (int)(job->saved_ms * 1000 / job->run_ms);
}

/* Processor time on stations over that of the shadows, -1 before there is
 * any. */
static double leverage(const home_job *job)
{
    return job->home_cpu_usec == 0
               ? -1
               : (double)job->cpu_ms * 1000 / (double)job->home_cpu_usec;
}

/* "exit 0", "signal 9", "removed" */
static void ending(const home_job *job, char *buf)
{
    if (job->state != JOB_COMPLETED)
        snprintf(buf, CLI_TEXT, "%s",
                 job_state_name((enum job_state)job->state));
    else if (WIFSIGNALED(job->wait_status))
        snprintf(buf, CLI_TEXT, "signal %d", WTERMSIG(job->wait_status));
    else
        snprintf(buf, CLI_TEXT, "exit %d", WEXITSTATUS(job->wait_status));
}

static void show_end_json(struct json *j, const home_job *job)
{
    if (job->state != JOB_COMPLETED) {
        json_null(j, "exit_code");
        json_null(j, "signal");
    } else if (WIFSIGNALED(job->wait_status)) {
        json_null(j, "exit_code");
        json_int(j, "signal", WTERMSIG(job->wait_status));
    } else {
        json_int(j, "exit_code", WEXITSTATUS(job->wait_status));
        json_null(j, "signal");
    }
}

static void show_json(struct listing *l, const home_job *job)
{
    struct json *j = &l->json;
    char st[2] = {job->letter, '\0'};

    json_object(j, NULL);
    json_uint(j, "id", job->id);
    json_text(j, "name", job->name);
    json_text(j, "owner", job->owner);
    json_int(j, "submitted", job->submitted);
    json_real(j, "run_time", (double)job->run_ms / 1000);
    json_text(j, "st", st);
    json_text(j, "state", job_state_name((enum job_state)job->state));
    json_int(j, "pri", job->prio);
    json_uint(j, "size", job->image_size);
    if (job->checkpointed)
        json_int(j, "ckpt_age",
                 l->now > job->checkpointed ? l->now - job->checkpointed : 0);
    else
        json_null(j, "ckpt_age");
    if (permille(job) < 0)
        json_null(j, "goodput");
    else
        json_real(j, "goodput", (double)permille(job) / 1000);
    json_text(j, "cmd", job->command);
    json_text(j, "station", job->station);
    json_real(j, "cpu", (double)job->cpu_ms / 1000);
    json_real(j, "home_cpu", (double)job->home_cpu_usec / 1e6);
    if (leverage(job) < 0)
        json_null(j, "leverage");
    else
        json_real(j, "leverage", leverage(job));
    json_uint(j, "epoch", job->epoch);
    json_uint(j, "starts", job->starts);
    json_uint(j, "evictions", job->evictions);
    json_int(j, "started", job->started);
    json_int(j, "finished", job->finished);
    show_end_json(j, job);
    json_text(j, "why", job->why);
    json_close(j);
}

static void show_row(const struct listing *l, const home_job *job)
{
    char submitted[CLI_TEXT], run[CLI_TEXT], size[CLI_TEXT], age[CLI_TEXT],
        goodput[CLI_TEXT];

    snprintf(age, sizeof age, "-");
    if (job->checkpointed)
        cli_duration((l->now - job->checkpointed) * 1000, age);
    printf("%-6llu %-9.9s %-11s %11s %c  %3d %6s %11s %7s %s\n",
           (unsigned long long)job->id, job->owner,
           cli_when(job->submitted, submitted),
           cli_duration((int64_t)job->run_ms, run), job->letter, job->prio,
           cli_size(job->image_size, size), age,
           cli_permille(permille(job), goodput), job->command);
}

static void show_history_row(const home_job *job)
{
    char submitted[CLI_TEXT], run[CLI_TEXT], finished[CLI_TEXT], how[CLI_TEXT],
        ratio[CLI_TEXT] = "-";

    ending(job, how);
    if (leverage(job) >= 0)
        snprintf(ratio, sizeof ratio, "%.0f", leverage(job));
    printf("%-6llu %-9.9s %-11s %11s %c  %-11s %-10s %4u      %8s %s\n",
           (unsigned long long)job->id, job->owner,
           cli_when(job->submitted, submitted),
           cli_duration((int64_t)job->run_ms, run), job->letter,
           cli_when(job->finished, finished), how, job->evictions, ratio,
           job->command);
}

/* One line of a workload (doc/simulator.md).  Jobs come in the order of their
 * ids, hence of submission, up to a clock that was set back. */
static void show_export(struct listing *l, const home_job *job)
{
    uint64_t ms = job->cpu_ms ? job->cpu_ms : job->run_ms;

    if (job->state != JOB_COMPLETED || ms == 0)
        return;
    if (l->last == 0)
        l->first = l->last = job->submitted;
    if (job->submitted > l->last)
        l->last = job->submitted;
    printf("%lld %s %.3f %.3f\n", (long long)(l->last - l->first), job->owner,
           (double)ms / 1000, (double)job->image_size / 1e6);
}

static int show(const home_job *job, void *arg)
{
    struct listing *l = arg;

    for (size_t i = 0; i < l->n; i++)
        l->seen[i] |= l->ids[i] == job->id;
    if (l->history && job->state != JOB_COMPLETED && job->state != JOB_REMOVED)
        return 0;
    l->total++;
    if (job->state >= 0 && job->state < JOB_STATE_COUNT)
        l->states[job->state]++;
    if (l->export)
        show_export(l, job);
    else if (l->cli.json)
        show_json(l, job);
    else if (l->history)
        show_history_row(job);
    else
        show_row(l, job);
    return 0;
}

static void show_totals(const struct listing *l)
{
    const uint32_t *s = l->states;

    printf("\n%u jobs; %u completed, %u removed, %u idle, %u running, %u held, "
           "%u suspended\n",
           l->total, s[JOB_COMPLETED], s[JOB_REMOVED] + s[JOB_REMOVING],
           s[JOB_IDLE] + s[JOB_STARTING] + s[JOB_WAITING], s[JOB_RUNNING],
           s[JOB_HELD] + s[JOB_HOLDING], s[JOB_SUSPENDED] + s[JOB_VACATING]);
}

static int missing(const struct listing *l)
{
    int code = 0;

    for (size_t i = 0; i < l->n; i++)
        if (!l->seen[i])
            code = cli_failf("there is no job %llu",
                             (unsigned long long)l->ids[i]);
    return code;
}

static int list(struct listing *l, struct home *home, struct ckpt_err *err)
{
    if (l->export)
        puts("# SUBMIT USER SECONDS IMAGE_MB");
    else if (l->cli.json)
        json_array(&l->json, NULL);
    else if (l->history)
        puts("ID     OWNER     SUBMITTED      RUN_TIME ST FINISHED    END"
             "        EVICTIONS LEVERAGE CMD");
    else
        puts("ID     OWNER     SUBMITTED      RUN_TIME ST PRI   SIZE    "
             "CKPT_AGE GOODPUT CMD");
    int result = home_each(home, l->ids, l->n, l->history, show, l, err);
    if (l->cli.json)
        json_close(&l->json);
    else if (!l->history)
        show_totals(l);
    return result;
}

static void parse(struct listing *l, int argc, char **argv)
{
    enum { OPT_EXPORT = CLI_OPT_OWN };
    static const struct option with_export[] = {
        CLI_OPTIONS,
        {"export", no_argument, NULL, OPT_EXPORT},
        {NULL, 0, NULL, 0},
    };

    while (cli_getopt(&l->cli, argc, argv, "",
                      l->history ? with_export : cli_options) == OPT_EXPORT)
        l->export = true;
    if (l->export)
        l->cli.json = false;
}

static int run(struct listing *l, int argc, char **argv)
{
    uint64_t *ids = NULL;
    struct ckpt_err err = {""};
    struct home home;
    int result;

    parse(l, argc, argv);
    if (cli_job_ids(argv + optind, argc - optind, &ids, &l->n, &err))
        return cli_misuse("%s", err.text);
    l->ids = ids;
    l->seen = calloc(l->n + 1, sizeof *l->seen);
    l->now = time(NULL);
    l->json = json_to(stdout);
    if (!l->seen)
        return cli_failf("out of memory");
    if (home_open(&home, &err))
        return cli_fail(&err);
    result = list(l, &home, &err) ? cli_fail(&err) : missing(l);
    home_close(&home);
    free(l->seen);
    free(ids);
    return result;
}

int cmd_q(int argc, char **argv)
{
    struct listing l = {.cli = {.usage = q_usage}};

    return run(&l, argc, argv);
}

int cmd_history(int argc, char **argv)
{
    struct listing l = {.cli = {.usage = history_usage}, .history = true};

    return run(&l, argc, argv);
}
