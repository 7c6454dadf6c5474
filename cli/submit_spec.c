/* submit_spec.c - from the values of a submit file to what a job is */
#include "cli/submit_impl.h"
#include "lib/common/conf.h"
#include "scheduler/core/expr.h"
#include "scheduler/core/grant.h"
#include "scheduler/core/notify.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int submit_no_memory(struct submit_parser *p)
{
    return ckpt_err_set(p->err, ENOMEM, "%s: out of memory", p->path);
}

int submit_at_key(struct submit_parser *p, enum submit_key key,
                  const char *name)
{
    return ckpt_err_prefix(p->err, "%s:%d: %s", p->path, p->values[key].line,
                           name);
}

char *submit_path(const char *dir, const char *path)
{
    char *made = NULL;

    if (path[0] == '/')
        return strdup(path);
    return asprintf(&made, "%s/%s", dir, path) < 0 ? NULL : made;
}

static int copy_value(struct submit_parser *p, enum submit_key key, char **to)
{
    const char *text = p->values[key].text;

    if (!text || !*text || !strcmp(text, "/dev/null"))
        return 0;
    *to = strdup(text);
    return *to ? 0 : submit_no_memory(p);
}

static int make_paths(struct submit_parser *p, struct job_spec *spec)
{
    const char *executable = p->values[K_EXECUTABLE].text;
    const char *dir = p->values[K_INITIALDIR].text;

    if (!executable || !*executable)
        return ckpt_err_set(p->err, EINVAL, "%s:%d: queue without executable",
                            p->path, p->line);
    if (strstr(executable, "$("))
        return ckpt_err_set(p->err, EINVAL,
                            "%s:%d: executable: the same for all jobs, without "
                            "macros",
                            p->path, p->values[K_EXECUTABLE].line);
    spec->executable = submit_path(p->context->cwd, executable);
    spec->cwd = dir && *dir ? submit_path(p->context->cwd, dir)
                            : strdup(p->context->cwd);
    if (!spec->executable || !spec->cwd)
        return submit_no_memory(p);
    return copy_value(p, K_INPUT, &spec->in) ||
                   copy_value(p, K_OUTPUT, &spec->out) ||
                   copy_value(p, K_ERROR, &spec->err) ||
                   copy_value(p, K_LOG, &spec->log) ||
                   copy_value(p, K_NAME, &spec->name)
               ? -1
               : 0;
}

static int make_arguments(struct submit_parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_ARGUMENTS].text;

    if (job_list_add(&spec->args, p->values[K_EXECUTABLE].text))
        return submit_no_memory(p);
    if (text && submit_split_arguments(text, &spec->args, p->err))
        return submit_at_key(p, K_ARGUMENTS, "arguments");
    return 0;
}

/* getenv = true, false, or names: "PATH, LD_*". */
static char **base_environment(struct submit_parser *p)
{
    const char *text = p->values[K_GETENV].text;

    if (!text || !strcasecmp(text, "false"))
        return submit_environment(p->context->env, false);
    if (!strcasecmp(text, "true"))
        return submit_environment(p->context->env, true);
    return submit_environment_named(p->context->env, text, p->err);
}

static int make_environment(struct submit_parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_ENVIRONMENT].text;

    errno = ENOMEM;
    spec->env = base_environment(p);
    if (!spec->env)
        return errno == EINVAL ? submit_at_key(p, K_GETENV, "getenv")
                               : submit_no_memory(p);
    if (text && submit_split_environment(text, &spec->env, p->err))
        return submit_at_key(p, K_ENVIRONMENT, "environment");
    return 0;
}

/* "4096", "4G", "4 GB" in units of `unit` bytes. */
static int parse_amount(const char *text, uint64_t unit, uint64_t *bytes)
{
    static const char letters[] = "KMGT";
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    const char *letter;

    if (end == text || !isdigit((unsigned char)text[0]))
        return -1;
    while (*end == ' ')
        end++;
    letter = *end ? strchr(letters, toupper((unsigned char)*end)) : NULL;
    if (letter) {
        unit = 1024ULL << (10 * (letter - letters));
        end++;
        if (toupper((unsigned char)*end) == 'B')
            end++;
    }
    if (*end || value > UINT64_MAX / unit)
        return -1;
    *bytes = value * unit;
    return 0;
}

/* " && attribute >= amount" */
static int add_request(struct submit_parser *p, enum submit_key key,
                       const char *name, const char *attribute, uint64_t unit,
                       FILE *out)
{
    const char *text = p->values[key].text;
    uint64_t amount;

    if (!text)
        return 0;
    if (parse_amount(text, unit, &amount)) {
        ckpt_err_set(p->err, EINVAL, "\"%s\" is not an amount", text);
        return submit_at_key(p, key, name);
    }
    if (key == K_CPUS)
        fprintf(out, " && %s >= %llu", attribute, (unsigned long long)amount);
    else
        fprintf(out, " && %s >= %lluK", attribute,
                (unsigned long long)(amount / 1024));
    return 0;
}

static int make_requirements(struct submit_parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_REQUIREMENTS].text;
    struct expr *expr = text ? expr_parse(text, p->err) : NULL;
    char *made = NULL;
    size_t len = 0;

    if (text && !expr)
        return submit_at_key(p, K_REQUIREMENTS, "requirements");
    expr_free(expr);
    FILE *out = open_memstream(&made, &len);
    if (!out)
        return submit_no_memory(p);
    fprintf(out, "(%s)", text ? text : "true");
    int result =
        add_request(p, K_MEMORY, "request_memory", "memory", 1048576, out) ||
        add_request(p, K_DISK, "request_disk", "disk", 1024, out) ||
        add_request(p, K_CPUS, "request_cpus", "cpus", 1, out);
    if (fclose(out))
        result = submit_no_memory(p);
    if (result == 0 && strcmp(made, "(true)") != 0)
        spec->requirements = made;
    else
        free(made);
    return result ? -1 : 0;
}

static int make_priority(struct submit_parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_PRIORITY].text;
    char *end;
    long value;

    if (!text)
        return 0;
    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < -1000000 || value > 1000000) {
        ckpt_err_set(p->err, EINVAL, "\"%s\" is not a priority", text);
        return submit_at_key(p, K_PRIORITY, "priority");
    }
    spec->prio = (int)value;
    return 0;
}

/* --- grants and path rules ------------------------------------------------
 */

static char *make_grant(const char *kind, const char *text, const char *cwd,
                        struct ckpt_err *err)
{
    (void)kind;
    return grant_parse(text, cwd, err);
}

/* A list with one of these between its entries. */
static int make_list(struct submit_parser *p, enum submit_key key,
                     const char *name, const char *between, const char *cwd,
                     char ***list,
                     char *(*make)(const char *, const char *, const char *,
                                   struct ckpt_err *))
{
    char *copy = strdup(p->values[key].text ? p->values[key].text : "");
    char *save = NULL, *kind = strndup(name, strcspn(name, "_"));
    int result = copy && kind ? 0 : submit_no_memory(p);

    for (char *at = result ? NULL : strtok_r(copy, between, &save);
         at && result == 0; at = strtok_r(NULL, between, &save)) {
        at = ckpt_conf_trim(at);
        if (!*at)
            continue;
        char *made = make(kind, at, cwd, p->err);
        if (!made)
            result = submit_at_key(p, key, name);
        else if (job_list_add(list, made))
            result = submit_no_memory(p);
        free(made);
    }
    free(kind);
    free(copy);
    return result;
}

static int make_access(struct submit_parser *p, struct job_spec *spec)
{
    const char *cwd = spec->cwd;

    return make_list(p, K_GRANT, "grant", ";", cwd, &spec->grants,
                     make_grant) ||
                   make_list(p, K_LOCAL, "local_files", ",", cwd, &spec->maps,
                             grant_map_make) ||
                   make_list(p, K_HOME, "home_files", ",", cwd, &spec->maps,
                             grant_map_make) ||
                   make_list(p, K_FETCH, "fetch_files", ",", cwd, &spec->maps,
                             grant_map_make)
               ? -1
               : 0;
}

/* --- wishes ----------------------------------------------------------------
 */

/* Ids, or "previous": the jobs of the queue line before. */
static int make_after(struct submit_parser *p, struct submission *s)
{
    const char *text = p->values[K_AFTER].text;

    if (!text || !*text)
        return 0;
    if (!strcasecmp(text, "previous")) {
        s->after_first = p->previous_first;
        s->after_count = p->queue_first - p->previous_first;
        if (s->after_count > 0)
            return 0;
        ckpt_err_set(p->err, EINVAL, "there is no queue line before");
    } else if (submit_split_ids(text, &s->spec.after, p->err) == 0) {
        return 0;
    }
    return submit_at_key(p, K_AFTER, "after");
}

static int make_wishes(struct submit_parser *p, struct job_spec *spec)
{
    int64_t ms;

    if (copy_value(p, K_EVERY, &spec->every) ||
        copy_value(p, K_NOTIFICATION, &spec->notify) ||
        copy_value(p, K_NOTIFY_USER, &spec->notify_user) ||
        copy_value(p, K_ON_DONE, &spec->on_done))
        return -1;
    if (spec->every && job_every_parse(spec->every, &ms, p->err))
        return submit_at_key(p, K_EVERY, "every");
    if (spec->notify && notify_check(spec->notify, p->err))
        return submit_at_key(p, K_NOTIFICATION, "notification");
    if (spec->notify_user && submit_check_address(spec->notify_user, p->err))
        return submit_at_key(p, K_NOTIFY_USER, "notify_user");
    return 0;
}

static int make_front_end(struct submit_parser *p, struct submission *s)
{
    if (copy_value(p, K_FRONT_END, &s->front_end))
        return -1;
    if (s->front_end && job_front_end_check(s->front_end, p->err))
        return submit_at_key(p, K_FRONT_END, "front_end");
    return 0;
}

/* HTCondor puts these into the job's directory.  Here that is initialdir, at
 * home: those that are in it need no more. */
static int check_transfer(struct submit_parser *p)
{
    const char *text = p->values[K_TRANSFER_INPUT].text;
    char *copy = strdup(text ? text : ""), *save = NULL;
    int result = copy ? 0 : submit_no_memory(p);

    for (char *name = copy ? strtok_r(copy, ", \t", &save) : NULL;
         name && result == 0; name = strtok_r(NULL, ", \t", &save)) {
        if (!strncmp(name, "./", 2))
            name += 2;
        if (!strchr(name, '/'))
            continue;
        ckpt_err_set(p->err, EINVAL,
                     "%s would be a copy in the job's directory; here a job "
                     "uses files where they are: name that path in arguments, "
                     "and in `grant`",
                     name);
        result = submit_at_key(p, K_TRANSFER_INPUT, "transfer_input_files");
    }
    free(copy);
    return result;
}

static int check_universe(struct submit_parser *p)
{
    const char *text = p->values[K_UNIVERSE].text;

    if (!text || !strcasecmp(text, "vanilla") || !strcasecmp(text, "standard"))
        return 0;
    ckpt_err_set(p->err, EINVAL, "there is no %s universe here", text);
    return submit_at_key(p, K_UNIVERSE, "universe");
}

int submit_add(struct submit_parser *p, uint32_t count)
{
    struct submission *grown = p->made;
    struct job_spec *spec;

    if ((p->count & (p->count - 1)) == 0)
        grown = realloc(p->made, (p->count ? 2 * p->count : 1) * sizeof *grown);
    if (!grown)
        return submit_no_memory(p);
    p->made = grown;
    memset(&grown[p->count], 0, sizeof *grown);
    grown[p->count].count = count;
    spec = &grown[p->count++].spec; /* freed with the others on failure */
    spec->umask = p->context->umask;
    return check_universe(p) || make_paths(p, spec) ||
                   make_arguments(p, spec) || make_environment(p, spec) ||
                   make_requirements(p, spec) || make_priority(p, spec) ||
                   make_access(p, spec) || make_wishes(p, spec) ||
                   check_transfer(p) || make_after(p, &p->made[p->count - 1]) ||
                   make_front_end(p, &p->made[p->count - 1])
               ? -1
               : 0;
}
