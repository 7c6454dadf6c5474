/* submit_file.c - see submit_file.h */
#include "cli/submit_file.h"
#include "lib/common/conf.h"
#include "scheduler/core/expr.h"
#include "scheduler/core/grant.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum key {
    K_EXECUTABLE,
    K_ARGUMENTS,
    K_INPUT,
    K_OUTPUT,
    K_ERROR,
    K_LOG,
    K_INITIALDIR,
    K_ENVIRONMENT,
    K_GETENV,
    K_REQUIREMENTS,
    K_MEMORY,
    K_DISK,
    K_CPUS,
    K_PRIORITY,
    K_NAME,
    K_UNIVERSE,
    K_GRANT,
    K_LOCAL,
    K_HOME,
    K_FETCH,
    K_AFTER,
    KEYS
};

static const struct {
    const char *name;
    enum key key;
} names[] = {
    {"executable", K_EXECUTABLE},
    {"arguments", K_ARGUMENTS},
    {"input", K_INPUT},
    {"output", K_OUTPUT},
    {"error", K_ERROR},
    {"log", K_LOG},
    {"initialdir", K_INITIALDIR},
    {"initial_dir", K_INITIALDIR},
    {"environment", K_ENVIRONMENT},
    {"env", K_ENVIRONMENT},
    {"getenv", K_GETENV},
    {"requirements", K_REQUIREMENTS},
    {"request_memory", K_MEMORY},
    {"request_disk", K_DISK},
    {"request_cpus", K_CPUS},
    {"priority", K_PRIORITY},
    {"prio", K_PRIORITY},
    {"job_name", K_NAME},
    {"batch_name", K_NAME},
    {"universe", K_UNIVERSE},
    {"grant", K_GRANT},
    {"local_files", K_LOCAL},
    {"home_files", K_HOME},
    {"fetch_files", K_FETCH},
    {"after", K_AFTER},
};

struct parser {
    const char *path;
    const struct submit_context *context;
    int line;
    struct {
        char *text; /* NULL: not given */
        int line;
    } values[KEYS];
    struct submission *made;
    size_t count;
    struct ckpt_err *err;
};

static int no_memory(struct parser *p)
{
    return ckpt_err_set(p->err, ENOMEM, "%s: out of memory", p->path);
}

/* What was written in `err` belongs to the key's line. */
static int at_key(struct parser *p, enum key key, const char *name)
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

/* --- from values to a specification -------------------------------------- */

static int copy_value(struct parser *p, enum key key, char **to)
{
    const char *text = p->values[key].text;

    if (!text || !*text || !strcmp(text, "/dev/null"))
        return 0;
    *to = strdup(text);
    return *to ? 0 : no_memory(p);
}

static int make_paths(struct parser *p, struct job_spec *spec)
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
        return no_memory(p);
    return copy_value(p, K_INPUT, &spec->in) ||
                   copy_value(p, K_OUTPUT, &spec->out) ||
                   copy_value(p, K_ERROR, &spec->err) ||
                   copy_value(p, K_LOG, &spec->log) ||
                   copy_value(p, K_NAME, &spec->name)
               ? -1
               : 0;
}

static int make_arguments(struct parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_ARGUMENTS].text;

    if (job_list_add(&spec->args, p->values[K_EXECUTABLE].text))
        return no_memory(p);
    if (text && submit_split_arguments(text, &spec->args, p->err))
        return at_key(p, K_ARGUMENTS, "arguments");
    return 0;
}

static int make_environment(struct parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_ENVIRONMENT].text;
    const char *getenv_text = p->values[K_GETENV].text;
    bool all = getenv_text && !strcasecmp(getenv_text, "true");

    if (getenv_text && !all && strcasecmp(getenv_text, "false")) {
        ckpt_err_set(p->err, EINVAL, "true or false expected");
        return at_key(p, K_GETENV, "getenv");
    }
    spec->env = submit_environment(p->context->env, all);
    if (!spec->env)
        return no_memory(p);
    if (text && submit_split_environment(text, &spec->env, p->err))
        return at_key(p, K_ENVIRONMENT, "environment");
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
static int add_request(struct parser *p, enum key key, const char *name,
                       const char *attribute, uint64_t unit, FILE *out)
{
    const char *text = p->values[key].text;
    uint64_t amount;

    if (!text)
        return 0;
    if (parse_amount(text, unit, &amount)) {
        ckpt_err_set(p->err, EINVAL, "\"%s\" is not an amount", text);
        return at_key(p, key, name);
    }
    if (key == K_CPUS)
        fprintf(out, " && %s >= %llu", attribute, (unsigned long long)amount);
    else
        fprintf(out, " && %s >= %lluK", attribute,
                (unsigned long long)(amount / 1024));
    return 0;
}

static int make_requirements(struct parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_REQUIREMENTS].text;
    struct expr *expr = text ? expr_parse(text, p->err) : NULL;
    char *made = NULL;
    size_t len = 0;

    if (text && !expr)
        return at_key(p, K_REQUIREMENTS, "requirements");
    expr_free(expr);
    FILE *out = open_memstream(&made, &len);
    if (!out)
        return no_memory(p);
    fprintf(out, "(%s)", text ? text : "true");
    int result =
        add_request(p, K_MEMORY, "request_memory", "memory", 1048576, out) ||
        add_request(p, K_DISK, "request_disk", "disk", 1024, out) ||
        add_request(p, K_CPUS, "request_cpus", "cpus", 1, out);
    if (fclose(out))
        result = no_memory(p);
    if (result == 0 && strcmp(made, "(true)") != 0)
        spec->requirements = made;
    else
        free(made);
    return result ? -1 : 0;
}

static int make_priority(struct parser *p, struct job_spec *spec)
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
        return at_key(p, K_PRIORITY, "priority");
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
static int make_list(struct parser *p, enum key key, const char *name,
                     const char *between, const char *cwd, char ***list,
                     char *(*make)(const char *, const char *, const char *,
                                   struct ckpt_err *))
{
    char *copy = strdup(p->values[key].text ? p->values[key].text : "");
    char *save = NULL, *kind = strndup(name, strcspn(name, "_"));
    int result = copy && kind ? 0 : no_memory(p);

    for (char *at = result ? NULL : strtok_r(copy, between, &save);
         at && result == 0; at = strtok_r(NULL, between, &save)) {
        at = ckpt_conf_trim(at);
        if (!*at)
            continue;
        char *made = make(kind, at, cwd, p->err);
        if (!made)
            result = at_key(p, key, name);
        else if (job_list_add(list, made))
            result = no_memory(p);
        free(made);
    }
    free(kind);
    free(copy);
    return result;
}

static int make_access(struct parser *p, struct job_spec *spec)
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

/* Ids, or "previous": the jobs of the queue line before. */
static int make_after(struct parser *p, struct submission *s)
{
    const char *text = p->values[K_AFTER].text;

    if (!text || !*text)
        return 0;
    if (!strcasecmp(text, "previous")) {
        s->after_previous = true;
        if (p->count > 1)
            return 0;
        ckpt_err_set(p->err, EINVAL, "there is no queue line before");
    } else if (submit_split_ids(text, &s->spec.after, p->err) == 0) {
        return 0;
    }
    return at_key(p, K_AFTER, "after");
}

static int add_submission(struct parser *p, uint32_t count)
{
    struct submission *grown =
        realloc(p->made, (p->count + 1) * sizeof *p->made);
    struct job_spec *spec;

    if (!grown)
        return no_memory(p);
    p->made = grown;
    memset(&grown[p->count], 0, sizeof *grown);
    grown[p->count].count = count;
    spec = &grown[p->count++].spec; /* freed with the others on failure */
    spec->umask = p->context->umask;
    return make_paths(p, spec) || make_arguments(p, spec) ||
                   make_environment(p, spec) || make_requirements(p, spec) ||
                   make_priority(p, spec) || make_access(p, spec) ||
                   make_after(p, &p->made[p->count - 1])
               ? -1
               : 0;
}

/* --- lines --------------------------------------------------------------- */

static int wrong(struct parser *p, const char *what, const char *text)
{
    return ckpt_err_set(p->err, EINVAL, "%s:%d: %s%s", p->path, p->line, what,
                        text);
}

/* $(Process) and $(Cluster), in any case, are the home station's. */
static int check_macros(struct parser *p, const char *value)
{
    static const char *const known[] = {"Process)", "ProcId)", "Cluster)",
                                        "ClusterId)"};

    for (; (value = strchr(value, '$')); value++) {
        bool good = false;
        if (value[1] != '(')
            continue;
        for (int i = 0; i < 4; i++)
            good |= !strncasecmp(value + 2, known[i], strlen(known[i]));
        if (!good)
            return wrong(p, "only $(Process) and $(Cluster) are known, not ",
                         value);
    }
    return 0;
}

static int set_value(struct parser *p, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum key key = names[i].key;
        if (strcasecmp(names[i].name, name) != 0)
            continue;
        if (check_macros(p, value))
            return -1;
        if (key == K_UNIVERSE && strcasecmp(value, "vanilla") &&
            strcasecmp(value, "standard"))
            return wrong(p, "there is no such universe here: ", value);
        free(p->values[key].text);
        p->values[key].text = strdup(value);
        p->values[key].line = p->line;
        return p->values[key].text ? 0 : no_memory(p);
    }
    return wrong(p, "unknown key ", name);
}

static int parse_queue(struct parser *p, const char *rest)
{
    char *end;
    unsigned long count = 1;

    if (*rest) {
        errno = 0;
        count = strtoul(rest, &end, 10);
        if (!isdigit((unsigned char)*rest) || *end || errno || count == 0 ||
            count > 1000000)
            return wrong(p, "queue takes a number from 1 to 1000000, not ",
                         rest);
    }
    return add_submission(p, (uint32_t)count);
}

static int parse_line(struct parser *p, char *line)
{
    char *text = ckpt_conf_trim(line), *equals;

    if (*text == '\0' || *text == '#')
        return 0;
    if (!strncasecmp(text, "queue", 5) &&
        (text[5] == '\0' || isspace((unsigned char)text[5])))
        return parse_queue(p, ckpt_conf_trim(text + 5));
    equals = strchr(text, '=');
    if (!equals)
        return wrong(p, "neither `key = value` nor queue: ", text);
    *equals = '\0';
    return set_value(p, ckpt_conf_trim(text), ckpt_conf_trim(equals + 1));
}

/* Join lines that end with \ ; the first one's number counts. */
static int parse_lines(struct parser *p, char *text)
{
    int next = 1;

    while (*text) {
        char *line = text, *to = text;
        p->line = next;
        for (; *text && *text != '\n'; text++) {
            if (text[0] == '\\' && text[1] == '\n') {
                text++;
                next++;
                *to++ = ' ';
            } else {
                *to++ = *text;
            }
        }
        if (*text)
            text++;
        next++;
        *to = '\0';
        if (parse_line(p, line))
            return -1;
    }
    if (p->count == 0)
        return ckpt_err_set(p->err, EINVAL, "%s: no queue line", p->path);
    return 0;
}

void submissions_free(struct submission *made, size_t count)
{
    for (size_t i = 0; i < count; i++)
        job_spec_clear(&made[i].spec);
    free(made);
}

int submit_file_parse(const char *path, const char *text,
                      const struct submit_context *context,
                      struct submission **made, size_t *count,
                      struct ckpt_err *err)
{
    struct ckpt_err own;
    struct parser p = {
        .path = path, .context = context, .err = err ? err : &own};
    char *copy = strdup(text);
    int result = copy ? parse_lines(&p, copy) : no_memory(&p);

    free(copy);
    for (int i = 0; i < KEYS; i++)
        free(p.values[i].text);
    if (result) {
        int errnum = errno;
        submissions_free(p.made, p.count);
        errno = errnum;
        return -1;
    }
    *made = p.made;
    *count = p.count;
    return 0;
}
