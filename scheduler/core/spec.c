/* spec.c - see spec.h */
#include "scheduler/core/spec.h"

#include "lib/common/conf.h"
#include "scheduler/core/grant.h"
#include "scheduler/core/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 131072 };

size_t job_list_len(char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

void job_list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

int job_list_add(char ***list, const char *text)
{
    size_t n = job_list_len(*list);
    char *copy = strdup(text);
    char **grown = copy ? realloc(*list, (n + 2) * sizeof *grown) : NULL;

    if (!grown) {
        free(copy);
        errno = ENOMEM;
        return -1;
    }
    grown[n] = copy;
    grown[n + 1] = NULL;
    *list = grown;
    return 0;
}

char **job_list_copy(char *const *list)
{
    char **copy = NULL;

    for (size_t i = 0; list && list[i]; i++)
        if (job_list_add(&copy, list[i])) {
            job_list_free(copy);
            return NULL;
        }
    if (!copy)
        copy = calloc(1, sizeof *copy);
    return copy;
}

void job_spec_clear(struct job_spec *spec)
{
    free(spec->name);
    free(spec->owner);
    free(spec->executable);
    job_list_free(spec->args);
    job_list_free(spec->env);
    free(spec->cwd);
    free(spec->in);
    free(spec->out);
    free(spec->err);
    free(spec->log);
    free(spec->requirements);
    job_list_free(spec->grants);
    job_list_free(spec->maps);
    job_list_free(spec->after);
    free(spec->every);
    free(spec->notify);
    free(spec->notify_user);
    free(spec->on_done);
    memset(spec, 0, sizeof *spec);
}

/* The value of a macro of one submission; NULL: not one of them. */
static const char *macro_value(const char *name, size_t len,
                               const char *cluster, const char *process)
{
    static const char *const process_names[] = {"Process", "ProcId"};
    static const char *const cluster_names[] = {"Cluster", "ClusterId"};

    for (int i = 0; i < 2; i++) {
        if (strlen(process_names[i]) == len &&
            !strncasecmp(name, process_names[i], len))
            return process;
        if (strlen(cluster_names[i]) == len &&
            !strncasecmp(name, cluster_names[i], len))
            return cluster;
    }
    return NULL;
}

struct expansion {
    char cluster[24]; /* "" : replace nothing */
    char process[24];
    int error; /* errno of the first failure */
};

static char *expand(struct expansion *x, const char *text)
{
    char *result = NULL;
    size_t len = 0;
    FILE *out;

    if (!text)
        return NULL;
    if (!x->cluster[0] || !strstr(text, "$(")) {
        result = strdup(text);
        if (!result)
            x->error = ENOMEM;
        return result;
    }
    out = open_memstream(&result, &len);
    if (!out) {
        x->error = ENOMEM;
        return NULL;
    }
    while (*text) {
        const char *close = !strncmp(text, "$(", 2) ? strchr(text, ')') : NULL;
        const char *value =
            close && x->cluster[0]
                ? macro_value(text + 2, (size_t)(close - text - 2), x->cluster,
                              x->process)
                : NULL;
        if (value)
            fputs(value, out);
        else
            fputc(*text, out);
        text = value ? close + 1 : text + 1;
    }
    if (fclose(out) || len >= TEXT_MAX) {
        x->error = len >= TEXT_MAX ? E2BIG : ENOMEM;
        free(result);
        return NULL;
    }
    return result;
}

static char **expand_list(struct expansion *x, char *const *list, size_t keep)
{
    char **copy = calloc(job_list_len(list) + 1, sizeof *copy);
    struct expansion none = {.error = 0};

    if (!copy) {
        x->error = ENOMEM;
        return NULL;
    }
    for (size_t i = 0; list && list[i] && !x->error; i++) {
        copy[i] = expand(i < keep ? &none : x, list[i]);
        if (none.error)
            x->error = none.error;
    }
    return copy;
}

static int spec_transform(struct job_spec *to, const struct job_spec *from,
                          struct expansion *x)
{
    struct expansion none = {.error = 0};

    *to = *from;
    to->name = expand(&none, from->name);
    to->owner = expand(&none, from->owner);
    to->executable = expand(&none, from->executable);
    to->requirements = expand(&none, from->requirements);
    to->args = expand_list(x, from->args, 1);
    to->env = expand_list(x, from->env, 0);
    to->grants = expand_list(x, from->grants, 0);
    to->maps = expand_list(x, from->maps, 0);
    to->after = expand_list(x, from->after, SIZE_MAX);
    to->every = expand(&none, from->every);
    to->notify = expand(&none, from->notify);
    to->notify_user = expand(&none, from->notify_user);
    to->on_done = expand(x, from->on_done);
    to->cwd = expand(x, from->cwd);
    to->in = expand(x, from->in);
    to->out = expand(x, from->out);
    to->err = expand(x, from->err);
    to->log = expand(x, from->log);
    if (x->error || none.error) {
        errno = x->error ? x->error : none.error;
        int keep = errno;
        job_spec_clear(to);
        errno = keep;
        return -1;
    }
    return 0;
}

int job_spec_copy(struct job_spec *to, const struct job_spec *from)
{
    struct expansion x = {.error = 0};

    return spec_transform(to, from, &x);
}

int job_spec_expand(struct job_spec *to, const struct job_spec *from,
                    uint64_t cluster, uint32_t process)
{
    struct expansion x = {.error = 0};

    snprintf(x.cluster, sizeof x.cluster, "%llu", (unsigned long long)cluster);
    snprintf(x.process, sizeof x.process, "%u", process);
    return spec_transform(to, from, &x);
}

void job_spec_command(const struct job_spec *spec, char *buf, size_t size)
{
    const char *slash =
        spec->executable ? strrchr(spec->executable, '/') : NULL;
    size_t at = 0;

    if (size == 0)
        return;
    at += (size_t)snprintf(buf, size, "%s",
                           slash              ? slash + 1
                           : spec->executable ? spec->executable
                                              : "");
    for (size_t i = 1; i < job_list_len(spec->args) && at < size; i++)
        at += (size_t)snprintf(buf + at, size - at, " %s", spec->args[i]);
    for (char *c = buf; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

static int check_absolute(const char *what, const char *path,
                          struct ckpt_err *err)
{
    if (!path || !path[0])
        return ckpt_err_set(err, EINVAL, "no %s", what);
    if (path[0] != '/')
        return ckpt_err_set(err, EINVAL, "%s %s is not an absolute path", what,
                            path);
    return 0;
}

int job_every_parse(const char *text, int64_t *ms, struct ckpt_err *err)
{
    if (strcmp(text, "auto") == 0) {
        *ms = -1;
        return 0;
    }
    if (ckpt_conf_parse_ms(text, ms) == 0)
        return 0;
    return ckpt_err_set(err, EINVAL, "\"%s\" is neither a duration nor auto",
                        text);
}

int job_front_end_check(const char *text, struct ckpt_err *err)
{
    if (strcmp(text, "auto") == 0 || strcmp(text, "trap") == 0 ||
        strcmp(text, "mount") == 0)
        return 0;
    return ckpt_err_set(err, EINVAL, "\"%s\" is not auto, trap or mount", text);
}

int job_spec_check(const struct job_spec *spec, struct ckpt_err *err)
{
    if (check_absolute("executable", spec->executable, err) ||
        check_absolute("working directory", spec->cwd, err))
        return -1;
    if (!spec->owner || !spec->owner[0])
        return ckpt_err_set(err, EINVAL, "no owner");
    if (job_list_len(spec->args) == 0)
        return ckpt_err_set(err, EINVAL, "no arguments, not even the name");
    for (size_t i = 0; spec->env && spec->env[i]; i++)
        if (!strchr(spec->env[i], '=') || spec->env[i][0] == '=')
            return ckpt_err_set(err, EINVAL,
                                "environment: \"%s\" is not NAME=VALUE",
                                spec->env[i]);
    int64_t ms;
    if ((spec->every && job_every_parse(spec->every, &ms, err)) ||
        (spec->notify && notify_check(spec->notify, err)))
        return -1;
    for (size_t i = 0; spec->grants && spec->grants[i]; i++)
        if (grant_check(spec->grants[i], err))
            return -1;
    for (size_t i = 0; spec->maps && spec->maps[i]; i++)
        if (grant_map_check(spec->maps[i], err))
            return -1;
    return 0;
}
