/* home_grants.c - what a job may reach at home; see home.h
 *
 *     the submitter's grants
 *     the working directory, rw, unless one of them names it
 *     what its arguments name, ro: "data.in", "--in=data.in", "if=data.in"
 *     /etc, /usr and /opt, as far as everybody may read them
 *
 * The shadow adds the executable and the standard streams.  Where several
 * cover a path, the longest one counts.
 */
#include "scheduler/station/home.h"

#include "scheduler/core/grant.h"
#include "shadow/jobdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool covers(const char *above, const char *path)
{
    size_t len = strcmp(above, "/") == 0 ? 0 : strlen(above);

    return strncmp(above, path, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

static bool is_granted(const struct jobspec *spec, const char *path)
{
    for (size_t i = 0; i < spec->grant_count; i++)
        if (covers(spec->grants[i].path, path))
            return true;
    return false;
}

/* What the submitter said, by names without symbolic links. */
static int submitted(struct jobspec *spec, char **grants, struct ckpt_err *err)
{
    for (; grants && *grants; grants++) {
        const char *path = grant_path(*grants);
        char *real = realpath(path, NULL), *text = NULL;
        if (!real)
            return ckpt_err_sys(err, "cannot grant %s", path);
        int rc =
            asprintf(&text, "%.*s%s", (int)(path - *grants), *grants, real) < 0
                ? -1
                : jobspec_grant_text(spec, text);
        free(text);
        free(real);
        if (rc < 0)
            return ckpt_err_sys(err, "grant %s", *grants);
    }
    return 0;
}

/* One word that may name an input.  Whatever it is, "/" is not meant. */
static int one_input(struct jobspec *spec, const char *cwd, const char *word)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s%s%s", word[0] == '/' ? "" : cwd,
                     word[0] == '/' ? "" : "/", word);

    if (!*word || n >= (int)sizeof path)
        return 0;
    char *real = realpath(path, NULL);
    int rc = 0;
    if (real && strcmp(real, "/") != 0 && !is_granted(spec, real) &&
        stat(real, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        rc = jobspec_grant_add(spec, real, false);
    free(real);
    return rc;
}

static int inputs(struct jobspec *spec, const char *cwd, char **args)
{
    for (size_t i = 1; args[0] && args[i]; i++) {
        const char *equals = strchr(args[i], '=');
        if (one_input(spec, cwd, args[i]) < 0 ||
            (equals && one_input(spec, cwd, equals + 1) < 0))
            return -1;
    }
    return 0;
}

static int common(struct jobspec *spec)
{
    static const char *const paths[] = {"/etc", "/usr", "/opt"};
    struct stat st;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (stat(paths[i], &st) < 0 || !S_ISDIR(st.st_mode) ||
            is_granted(spec, paths[i]))
            continue;
        if (jobspec_grant_add(spec, paths[i], false) < 0)
            return -1;
        spec->grants[spec->grant_count - 1].common = true;
    }
    return 0;
}

static bool is_named(const struct jobspec *spec, const char *path)
{
    for (size_t i = 0; i < spec->grant_count; i++)
        if (strcmp(spec->grants[i].path, path) == 0)
            return true;
    return false;
}

int home_grants(struct jobspec *spec, const struct job_spec *from,
                struct ckpt_err *err)
{
    char *cwd = realpath(from->cwd, NULL);

    if (!cwd)
        return ckpt_err_sys(err, "working directory %s", from->cwd);
    int rc = submitted(spec, from->grants, err);
    if (rc == 0 &&
        ((!is_named(spec, cwd) && jobspec_grant_add(spec, cwd, true) < 0) ||
         inputs(spec, cwd, from->args) < 0 || common(spec) < 0))
        rc = ckpt_err_sys(err, "no memory");
    free(cwd);
    return rc;
}
