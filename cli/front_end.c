/* front_end.c - see front_end.h */
#include "cli/front_end.h"

#include "cli/cli.h"
#include "lib/common/program.h"
#include "scheduler/pool/pool_conf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char VARIABLE[] = "LIBCKPT_FRONT_END=";

/* What pool.conf says, malloc'ed. */
static char *pool_wish(struct ckpt_err *err)
{
    struct ckpt_conf *conf = pool_conf_load(cli_pool_dir(), err);

    if (!conf)
        return NULL;
    char *wish = strdup(ckpt_conf_text(conf, "front_end", NULL));
    ckpt_conf_destroy(conf);
    if (wish && job_front_end_check(wish, err) < 0) {
        ckpt_err_prefix(err, "pool.conf: front_end");
        free(wish);
        return NULL;
    }
    return wish;
}

static bool has_terminal(const struct job_spec *spec)
{
    return spec->in && strncmp(spec->in, "/dev/", 5) == 0 &&
           strcmp(spec->in, "/dev/null") != 0;
}

/* Rules that a mount does not know. */
static bool has_local(const struct job_spec *spec)
{
    for (size_t i = 0; spec->maps && spec->maps[i]; i++)
        if (strncmp(spec->maps[i], "local ", 6) == 0)
            return true;
    return false;
}

static bool is_plain(const struct job_spec *spec)
{
    for (char **e = spec->env; e && *e; e++)
        if (strcmp(*e, "LIBCKPT_PLAIN=1") == 0)
            return true;
    return false;
}

/* Nothing can be trapped in it. */
static bool needs_mount(const struct job_spec *spec)
{
    struct ckpt_program program;

    return ckpt_program_find(spec->executable, &program, NULL) == 0 &&
           program.kind == CKPT_PROGRAM_STATIC && !is_plain(spec);
}

/* The only value of the variable, or none. */
static int set_variable(struct job_spec *spec, const char *value)
{
    char text[64];
    size_t n = 0;

    for (char **e = spec->env; e && *e; e++) {
        if (strncmp(*e, VARIABLE, sizeof VARIABLE - 1) == 0)
            free(*e);
        else
            spec->env[n++] = *e;
    }
    if (spec->env)
        spec->env[n] = NULL;
    if (!value)
        return 0;
    snprintf(text, sizeof text, "%s%s", VARIABLE, value);
    return job_list_add(&spec->env, text);
}

static int require_mount(struct job_spec *spec)
{
    char *all = NULL;

    if (asprintf(&all, "has(\"mount\")%s%s%s",
                 spec->requirements ? " && (" : "",
                 spec->requirements ? spec->requirements : "",
                 spec->requirements ? ")" : "") < 0)
        return -1;
    free(spec->requirements);
    spec->requirements = all;
    return 0;
}

static int apply(struct job_spec *spec, const char *wish, struct ckpt_err *err)
{
    bool terminal = has_terminal(spec), local = has_local(spec);
    bool automatic = strcmp(wish, "auto") == 0;
    bool mount = strcmp(wish, "mount") == 0 || (automatic && needs_mount(spec));

    if (mount && terminal)
        return ckpt_err_set(err, EINVAL,
                            "%s: its files have to be mounted, and then it "
                            "cannot have a terminal",
                            spec->executable);
    if (mount && local)
        return ckpt_err_set(err, EINVAL,
                            "%s: its files have to be mounted, and then none "
                            "can be local: it has a /tmp on the station",
                            spec->executable);
    if (mount ? set_variable(spec, "mount") < 0 || require_mount(spec) < 0
              : set_variable(
                    spec, automatic && !terminal && !local ? NULL : "trap") < 0)
        return ckpt_err_sys(err, "out of memory");
    return 0;
}

int front_end_apply(struct job_spec *spec, const char *wish,
                    struct ckpt_err *err)
{
    char *from_pool = wish ? NULL : pool_wish(err);

    if (!wish && !from_pool)
        return -1;
    int rc = apply(spec, wish ? wish : from_pool, err);
    free(from_pool);
    return rc;
}
