/* home_submit.c - new jobs for the queue of a home station (home.x) */
#include "scheduler/pool/log.h"
#include "scheduler/pool/testpoint.h"
#include "scheduler/station/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct home *home;

void home_submit_init(struct home *the_home)
{
    home = the_home;
}

/* The lists of the wire, ended by NULL. */
static char **list_of(char **val, unsigned len)
{
    char **list = calloc((size_t)len + 1, sizeof *list);

    for (unsigned i = 0; list && i < len; i++)
        list[i] = val[i];
    return list;
}

static char **ids_of(const u_quad_t *val, unsigned len)
{
    char **list = calloc((size_t)len + 1, sizeof *list);

    for (unsigned i = 0; list && i < len; i++)
        if (asprintf(&list[i], "%llu", (unsigned long long)val[i]) < 0) {
            list[i] = NULL;
            job_list_free(list);
            return NULL;
        }
    return list;
}

static char *given(char *text)
{
    return text[0] ? text : NULL;
}

static int submit(const pool_job_spec *from, unsigned count, uint64_t *first,
                  struct ckpt_err *err)
{
    struct job_spec spec = {
        .name = given(from->name),
        .owner = home->user,
        .uid = geteuid(),
        .executable = from->executable,
        .args = list_of(from->args.args_val, from->args.args_len),
        .env = list_of(from->env.env_val, from->env.env_len),
        .cwd = from->cwd,
        .in = given(from->in),
        .out = given(from->out),
        .err = given(from->err),
        .log = given(from->log),
        .requirements = given(from->requirements),
        .prio = from->prio,
        .umask = from->umask,
        .grants = list_of(from->grants.grants_val, from->grants.grants_len),
        .maps = list_of(from->maps.maps_val, from->maps.maps_len),
        .after = ids_of(from->after.after_val, from->after.after_len),
        .every = given(from->every),
        .notify = given(from->notify),
        .notify_user = given(from->notify_user),
        .on_done = given(from->on_done),
    };
    int rc = -1;

    if (!spec.args || !spec.env || !spec.grants || !spec.maps || !spec.after)
        ckpt_err_sys(err, "no memory");
    else if (job_spec_check(&spec, err) == 0)
        rc =
            store_submit(home->store, &spec, count, home_wall_ms(), first, err);
    int saved = errno;
    free(spec.args);
    free(spec.env);
    free(spec.grants);
    free(spec.maps);
    job_list_free(spec.after);
    errno = saved;
    return rc;
}

static int check_and_submit(const home_submit_args *args, uint64_t *first,
                            struct ckpt_err *err)
{
    if (args->count < 1 || args->count > HOME_COUNT_MAX)
        return ckpt_err_set(err, EINVAL, "1 to %d jobs at a time",
                            HOME_COUNT_MAX);
    return submit(&args->spec, args->count, first, err);
}

static void submitted(const home_submit_args *args, uint64_t first)
{
    log_line("jobs %llu + %u: submitted: %s", (unsigned long long)first,
             args->count, args->spec.executable);
    home->eager = home->logs_due = true;
    home->waits_due = home->hooks_due = true;
}

bool_t home_submit_1_svc(home_submit_args *args, home_submit_res *res,
                         struct svc_req *req)
{
    struct ckpt_err err;
    uint64_t first = 0;

    (void)req;
    int rc = check_and_submit(args, &first, &err);
    res->status = rc < 0 ? (errno ? errno : EIO) : 0;
    if (rc < 0) {
        res->home_submit_res_u.why = strdup(err.text);
        return res->home_submit_res_u.why != NULL;
    }
    submitted(args, first);
    res->home_submit_res_u.ok.first = first;
    res->home_submit_res_u.ok.count = args->count;
    return TRUE;
}

/* One transaction, and one wait for the disk. */
static int submit_all(const home_submit_args *all, unsigned n, u_quad_t *firsts,
                      struct ckpt_err *err)
{
    if (store_begin(home->store, err) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        uint64_t first;
        if (check_and_submit(&all[i], &first, err) < 0) {
            int saved = errno;
            store_rollback(home->store);
            errno = saved;
            return -1;
        }
        firsts[i] = first;
    }
    testpoint("job", "none", "submit", "before");
    if (store_commit(home->store, err) < 0)
        return -1;
    testpoint("job", "none", "submit", "after");
    return 0;
}

bool_t home_submit_all_1_svc(home_submit_all_args *args,
                             home_submit_all_res *res, struct svc_req *req)
{
    unsigned n = args->all.all_len;
    const home_submit_args *all = args->all.all_val;
    u_quad_t *firsts = calloc(n + 1, sizeof *firsts);
    struct ckpt_err err;

    (void)req;
    if (!firsts)
        return FALSE;
    if (submit_all(all, n, firsts, &err) < 0) {
        res->status = errno ? errno : EIO;
        free(firsts);
        res->home_submit_all_res_u.why = strdup(err.text);
        return res->home_submit_all_res_u.why != NULL;
    }
    for (unsigned i = 0; i < n; i++)
        submitted(&all[i], firsts[i]);
    res->status = 0;
    res->home_submit_all_res_u.ok.first.first_len = n;
    res->home_submit_all_res_u.ok.first.first_val = firsts;
    return TRUE;
}
