/* submit_send.c - see submit_send.h */
#include "cli/submit_send.h"

#include "cli/home.h"
#include "cli/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of one call that are left for a last, large submission. */
enum { BATCH_BYTES = 256 << 10 };

/* Submissions that go in one call. */
struct batch {
    home_submit_args args[HOME_BATCH_MAX];
    u_quad_t first[HOME_BATCH_MAX];
    unsigned count;
    size_t bytes;
};

static char *or_empty(char *text)
{
    static char empty[] = "";

    return text ? text : empty;
}

/* Listings show the program's name unless there is another. */
static char *job_name(const struct job_spec *spec)
{
    char *slash = strrchr(spec->executable, '/');

    if (spec->name && *spec->name)
        return spec->name;
    return slash ? slash + 1 : spec->executable;
}

static int check_counts(const pool_job_spec *spec, struct ckpt_err *err)
{
    if (spec->args.args_len > POOL_ARGS_MAX ||
        spec->env.env_len > POOL_ARGS_MAX)
        return ckpt_err_set(err, E2BIG, "more than %d arguments or variables",
                            POOL_ARGS_MAX);
    if (spec->grants.grants_len > POOL_GRANTS_MAX ||
        spec->maps.maps_len > POOL_GRANTS_MAX)
        return ckpt_err_set(err, E2BIG, "more than %d grants or path rules",
                            POOL_GRANTS_MAX);
    return 0;
}

/* The numbers are the batch's to free. */
static int take_after(const struct job_spec *spec, pool_job_spec *to,
                      struct ckpt_err *err)
{
    size_t n = job_list_len(spec->after);
    u_quad_t *ids = NULL;

    if (n > POOL_AFTER_MAX)
        return ckpt_err_set(err, E2BIG, "more than %d jobs to wait for",
                            POOL_AFTER_MAX);
    if (n > 0 && !(ids = calloc(n, sizeof *ids)))
        return ckpt_err_sys(err, "no memory");
    for (size_t i = 0; i < n; i++)
        ids[i] = strtoull(spec->after[i], NULL, 10);
    to->after.after_val = ids;
    to->after.after_len = (u_int)n;
    return 0;
}

static int batch_add(struct batch *batch, const struct submission *s,
                     struct ckpt_err *err)
{
    const struct job_spec *spec = &s->spec;
    home_submit_args *args = &batch->args[batch->count];

    *args = (home_submit_args){
        .spec =
            {
                .name = job_name(spec),
                .executable = spec->executable,
                .args = {(u_int)job_list_len(spec->args), spec->args},
                .env = {(u_int)job_list_len(spec->env), spec->env},
                .cwd = spec->cwd,
                .in = or_empty(spec->in),
                .out = or_empty(spec->out),
                .err = or_empty(spec->err),
                .log = or_empty(spec->log),
                .requirements = or_empty(spec->requirements),
                .prio = spec->prio,
                .umask = spec->umask,
                .grants = {(u_int)job_list_len(spec->grants), spec->grants},
                .maps = {(u_int)job_list_len(spec->maps), spec->maps},
                .every = or_empty(spec->every),
                .notify = or_empty(spec->notify),
                .notify_user = or_empty(spec->notify_user),
                .on_done = or_empty(spec->on_done),
            },
        .count = s->count,
    };
    if (check_counts(&args->spec, err) || take_after(spec, &args->spec, err))
        return -1;
    batch->count++;
    batch->bytes += xdr_sizeof((xdrproc_t)(void *)xdr_home_submit_args, args);
    return 0;
}

static void batch_empty(struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        free(batch->args[i].spec.after.after_val);
    batch->count = 0;
    batch->bytes = 0;
}

static void print_jobs(const struct cli *cli, struct json *j, uint64_t first,
                       uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        if (cli->json) {
            json_object(j, NULL);
            json_uint(j, "id", first + k);
            json_uint(j, "cluster", first);
            json_uint(j, "process", k);
            json_close(j);
        } else {
            printf("%llu\n", (unsigned long long)(first + k));
        }
}

static int batch_send(struct batch *batch, struct home *home,
                      const struct cli *cli, struct json *j,
                      struct ckpt_err *err)
{
    if (home_submit(home, batch->args, batch->count, batch->first, err))
        return -1;
    for (unsigned i = 0; i < batch->count; i++)
        print_jobs(cli, j, batch->first[i], batch->args[i].count);
    return 0;
}

/* The numbers of all that were sent. */
static int wait_for(struct submission *s, const struct submission *made,
                    const uint64_t *firsts, struct ckpt_err *err)
{
    char text[48];

    for (size_t i = s->after_first; i < s->after_first + s->after_count; i++) {
        snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)firsts[i],
                 (unsigned long long)(firsts[i] + made[i].count - 1));
        if (submit_split_ids(text, &s->spec.after, err))
            return -1;
    }
    return 0;
}

/* One that waits for others of its file must know their numbers. */
static bool is_last(const struct batch *batch, const struct submission *next,
                    size_t sent)
{
    return !next || next->after_first + next->after_count > sent ||
           batch->count == HOME_BATCH_MAX || batch->bytes > BATCH_BYTES;
}

static int send_all(struct batch *batch, struct home *home,
                    const struct cli *cli, struct json *j,
                    struct submission *made, size_t count, uint64_t *firsts,
                    struct ckpt_err *err)
{
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        if (wait_for(&made[i], made, firsts, err) ||
            batch_add(batch, &made[i], err))
            return -1;
        if (!is_last(batch, i + 1 < count ? &made[i + 1] : NULL, sent))
            continue;
        if (batch_send(batch, home, cli, j, err))
            return -1;
        for (unsigned k = 0; k < batch->count; k++)
            firsts[sent++] = batch->first[k];
        batch_empty(batch);
    }
    return 0;
}

int submit_send(const struct cli *cli, struct submission *made, size_t count,
                uint64_t *id, struct ckpt_err *err)
{
    struct json j = json_to(stdout);
    struct batch *batch = calloc(1, sizeof *batch);
    uint64_t *firsts = calloc(count + 1, sizeof *firsts);
    struct home home;

    if (!batch || !firsts || home_open(&home, err)) {
        if (!batch || !firsts)
            ckpt_err_set(err, ENOMEM, "no memory");
        free(batch);
        free(firsts);
        return -1;
    }
    if (cli->json)
        json_array(&j, NULL);
    int result = send_all(batch, &home, cli, &j, made, count, firsts, err);
    *id = firsts[0];
    if (cli->json)
        json_close(&j);
    int saved = errno;
    batch_empty(batch);
    free(batch);
    free(firsts);
    home_close(&home);
    errno = saved;
    return result;
}
