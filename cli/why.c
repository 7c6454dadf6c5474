/* why.c - ckpt why and ckpt log: what keeps a job, what happened to it */
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char why_usage[] =
    "usage: ckpt why [--pool DIR] [--json] JOB\n"
    "Say why a job does not run, is not checkpointed, or is held.\n"
    "example: ckpt why 7\n";

static const char log_usage[] =
    "usage: ckpt log [--pool DIR] [--json] [-f] JOB\n"
    "Show what happened to a job, in the format of HTCondor's event log.\n"
    "-f follows it until the job is finished.\n"
    "example: ckpt log -f 7\n";

/* One job's id.  2 for wrong usage. */
static int parse_job(char *const *word, uint64_t *id)
{
    struct ckpt_err err;
    uint64_t *ids;
    size_t n;
    int result = 0;

    if (cli_job_ids(word, 1, &ids, &n, &err))
        return cli_misuse("%s", err.text);
    if (n == 1)
        *id = ids[0];
    else
        result = cli_misuse("%s: one job only", *word);
    free(ids);
    return result;
}

static void show_why(const struct cli *cli, uint64_t id, const home_why_ok *ok)
{
    struct json j = json_to(stdout);

    if (cli->json) {
        json_object(&j, NULL);
        json_uint(&j, "id", id);
        json_array(&j, "why");
    }
    for (u_int i = 0; i < ok->lines.lines_len; i++)
        if (cli->json)
            json_text(&j, NULL, ok->lines.lines_val[i]);
        else
            puts(ok->lines.lines_val[i]);
    if (cli->json) {
        json_close(&j);
        json_close(&j);
    }
}

int cmd_why(int argc, char **argv)
{
    struct cli cli = {.usage = why_usage};
    struct ckpt_err err = {""};
    struct home home;
    home_why_res res;
    uint64_t id = 0;
    int result;

    cli_parse(&cli, argc, argv, 1, 1);
    if (parse_job(argv + optind, &id))
        return 2;
    if (home_open(&home, &err))
        return cli_fail(&err);
    result = home_why(&home, id, &res, &err);
    if (result == 0) {
        show_why(&cli, id, &res.home_why_res_u.ok);
        xdr_free((xdrproc_t)xdr_home_why_res, (char *)&res);
    }
    home_close(&home);
    return result ? cli_fail(&err) : 0;
}

/* --- log ----------------------------------------------------------------- */

/* One record "NNN (cluster.proc.000) DATE TIME text\n\tmore\n...\n". */
static void show_record_json(struct json *j, const char *record, size_t len)
{
    char *text = strndup(record, len), *rest;

    if (!text)
        return;
    json_object(j, NULL);
    json_int(j, "event", strtol(text, &rest, 10));
    rest = strstr(text, ") ");
    if (rest && strlen(rest) > 22) {
        rest[21] = '\0';
        json_text(j, "time", rest + 2);
        json_text(j, "text", rest + 22);
    }
    json_close(j);
    free(text);
}

/* Show whole records; returns the bytes used. */
static size_t show_records(struct json *j, const char *data, size_t len)
{
    size_t used = 0;

    for (;;) {
        const char *end = memmem(data + used, len - used, "\n...\n", 5);
        if (!end)
            return used;
        show_record_json(j, data + used, (size_t)(end - data) - used);
        used = (size_t)(end - data) + 5;
    }
}

static int show_piece(const struct cli *cli, struct json *j, uint64_t id,
                      struct home *home, uint64_t *offset, bool *last,
                      struct ckpt_err *err)
{
    home_log_res res;

    if (home_log(home, id, *offset, &res, err))
        return -1;
    const home_log_ok *ok = &res.home_log_res_u.ok;
    size_t used = ok->data.data_len;
    if (cli->json)
        used = show_records(j, ok->data.data_val, used);
    else
        fwrite(ok->data.data_val, 1, used, stdout);
    fflush(stdout);
    *offset += used;
    *last = used == 0 && ok->last;
    int got = used > 0;
    xdr_free((xdrproc_t)xdr_home_log_res, (char *)&res);
    return got;
}

static int show_log(const struct cli *cli, uint64_t id, bool follow,
                    struct ckpt_err *err)
{
    const struct timespec nap = {0, 200 * 1000000L};
    struct json j = json_to(stdout);
    uint64_t offset = 0;
    struct home home;
    bool last = false;
    int got;

    if (home_open(&home, err))
        return -1;
    if (cli->json)
        json_array(&j, NULL);
    do {
        got = show_piece(cli, &j, id, &home, &offset, &last, err);
        if (got == 0 && follow && !last)
            nanosleep(&nap, NULL);
    } while (got > 0 || (got == 0 && follow && !last));
    if (cli->json)
        json_close(&j);
    home_close(&home);
    return got;
}

int cmd_log(int argc, char **argv)
{
    struct cli cli = {.usage = log_usage};
    struct ckpt_err err = {""};
    bool follow = false;
    uint64_t id = 0;

    while (cli_getopt(&cli, argc, argv, "f", cli_options) != -1)
        follow = true;
    if (argc - optind != 1)
        return cli_misuse("give one job");
    if (parse_job(argv + optind, &id))
        return 2;
    return show_log(&cli, id, follow, &err) ? cli_fail(&err) : 0;
}
