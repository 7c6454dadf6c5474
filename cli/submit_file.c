/* submit_file.c - see submit_file.h */
#include "cli/submit_file.h"
#include "cli/submit_keys.h"
#include "cli/submit_macro.h"
#include "cli/submit_queue.h"
#include "lib/common/conf.h"
#include "scheduler/core/expr.h"
#include "scheduler/core/grant.h"
#include "scheduler/core/notify.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *path;
    const struct submit_context *context;
    char *next; /* what was not read yet */
    int next_line;
    int line;
    struct submit_macros macros;
    /* what counts at this queue line, macros replaced */
    struct {
        char *text; /* NULL: not given */
        int line;
    } values[SUBMIT_KEYS];
    size_t queue_first, previous_first; /* of `made`: this queue line's jobs,
                                           and those of the one before */
    struct submission *made;
    size_t count;
    struct ckpt_err *err;
};

static int no_memory(struct parser *p)
{
    return ckpt_err_set(p->err, ENOMEM, "%s: out of memory", p->path);
}

/* What was written in `err` belongs to the key's line. */
static int at_key(struct parser *p, enum submit_key key, const char *name)
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

static int copy_value(struct parser *p, enum submit_key key, char **to)
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

/* getenv = true, false, or names: "PATH, LD_*". */
static char **base_environment(struct parser *p)
{
    const char *text = p->values[K_GETENV].text;

    if (!text || !strcasecmp(text, "false"))
        return submit_environment(p->context->env, false);
    if (!strcasecmp(text, "true"))
        return submit_environment(p->context->env, true);
    return submit_environment_named(p->context->env, text, p->err);
}

static int make_environment(struct parser *p, struct job_spec *spec)
{
    const char *text = p->values[K_ENVIRONMENT].text;

    errno = ENOMEM;
    spec->env = base_environment(p);
    if (!spec->env)
        return errno == EINVAL ? at_key(p, K_GETENV, "getenv") : no_memory(p);
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
static int add_request(struct parser *p, enum submit_key key, const char *name,
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
static int make_list(struct parser *p, enum submit_key key, const char *name,
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

/* --- wishes ----------------------------------------------------------------
 */

/* Ids, or "previous": the jobs of the queue line before. */
static int make_after(struct parser *p, struct submission *s)
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
    return at_key(p, K_AFTER, "after");
}

static int make_wishes(struct parser *p, struct job_spec *spec)
{
    int64_t ms;

    if (copy_value(p, K_EVERY, &spec->every) ||
        copy_value(p, K_NOTIFICATION, &spec->notify) ||
        copy_value(p, K_NOTIFY_USER, &spec->notify_user) ||
        copy_value(p, K_ON_DONE, &spec->on_done))
        return -1;
    if (spec->every && job_every_parse(spec->every, &ms, p->err))
        return at_key(p, K_EVERY, "every");
    if (spec->notify && notify_check(spec->notify, p->err))
        return at_key(p, K_NOTIFICATION, "notification");
    if (spec->notify_user && submit_check_address(spec->notify_user, p->err))
        return at_key(p, K_NOTIFY_USER, "notify_user");
    return 0;
}

/* HTCondor puts these into the job's directory.  Here that is initialdir, at
 * home: those that are in it need no more. */
static int check_transfer(struct parser *p)
{
    const char *text = p->values[K_TRANSFER_INPUT].text;
    char *copy = strdup(text ? text : ""), *save = NULL;
    int result = copy ? 0 : no_memory(p);

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
        result = at_key(p, K_TRANSFER_INPUT, "transfer_input_files");
    }
    free(copy);
    return result;
}

static int check_universe(struct parser *p)
{
    const char *text = p->values[K_UNIVERSE].text;

    if (!text || !strcasecmp(text, "vanilla") || !strcasecmp(text, "standard"))
        return 0;
    ckpt_err_set(p->err, EINVAL, "there is no %s universe here", text);
    return at_key(p, K_UNIVERSE, "universe");
}

static int add_submission(struct parser *p, uint32_t count)
{
    struct submission *grown = p->made;
    struct job_spec *spec;

    if ((p->count & (p->count - 1)) == 0)
        grown = realloc(p->made, (p->count ? 2 * p->count : 1) * sizeof *grown);
    if (!grown)
        return no_memory(p);
    p->made = grown;
    memset(&grown[p->count], 0, sizeof *grown);
    grown[p->count].count = count;
    spec = &grown[p->count++].spec; /* freed with the others on failure */
    spec->umask = p->context->umask;
    return check_universe(p) || make_paths(p, spec) ||
                   make_arguments(p, spec) || make_environment(p, spec) ||
                   make_requirements(p, spec) || make_priority(p, spec) ||
                   make_access(p, spec) || make_wishes(p, spec) ||
                   check_transfer(p) || make_after(p, &p->made[p->count - 1])
               ? -1
               : 0;
}

/* --- lines --------------------------------------------------------------- */

static int wrong(struct parser *p, const char *what, const char *text)
{
    return ckpt_err_set(p->err, EINVAL, "%s:%d: %s%s", p->path, p->line, what,
                        text);
}

static void warn(const struct parser *p, const char *name, const char *why)
{
    char text[512];

    if (!p->context->warn)
        return;
    snprintf(text, sizeof text, "%s:%d: %.100s is ignored: %s", p->path,
             p->line, name, why);
    p->context->warn(text);
}

static int set_value(struct parser *p, const char *name, const char *value)
{
    const char *why = NULL;
    enum submit_key key;

    switch (submit_key_find(name, &key, &why)) {
    case KEY_NEUTRAL:
        return 0;
    case KEY_IGNORED:
        warn(p, name, why);
        return 0;
    case KEY_REFUSED:
        return ckpt_err_set(p->err, EINVAL, "%s:%d: %s: not here: %s", p->path,
                            p->line, name, why);
    case KEY_OURS:
    case KEY_UNKNOWN:
        break;
    }
    return submit_macros_set(&p->macros, name, value, p->line) ? no_memory(p)
                                                               : 0;
}

static void clear_values(struct parser *p)
{
    for (int i = 0; i < SUBMIT_KEYS; i++) {
        free(p->values[i].text);
        p->values[i].text = NULL;
    }
}

/* Several names of one key: the last line counts. */
static int take_values(struct parser *p)
{
    clear_values(p);
    for (size_t i = 0; i < p->macros.count; i++) {
        const struct submit_definition *d = &p->macros.all[i];
        enum submit_key key;
        const char *why;
        if (submit_key_find(d->name, &key, &why) != KEY_OURS ||
            (p->values[key].text && p->values[key].line > d->line))
            continue;
        free(p->values[key].text);
        p->values[key].line = d->line;
        p->values[key].text = submit_macros_expand(&p->macros, d->text, p->err);
        if (!p->values[key].text)
            return at_key(p, key, d->name);
    }
    return 0;
}

static int set_number(struct parser *p, const char *name, unsigned long value)
{
    char text[24];

    snprintf(text, sizeof text, "%lu", value);
    if (submit_macros_set(&p->macros, name, text, p->line))
        return no_memory(p);
    submit_macros_get(&p->macros, name)->used = true;
    return 0;
}

/* One job for each item and step: their numbers are known here. */
static int queue_items(struct parser *p, const struct submit_queue *q)
{
    size_t n = job_list_len(q->vars), items = job_list_len(q->values) / n;

    for (size_t i = 0; i < items * q->count; i++) {
        char **values = q->values + i / q->count * n;
        for (size_t k = 0; k < n; k++) {
            if (submit_macros_set(&p->macros, q->vars[k], values[k], p->line))
                return no_memory(p);
            submit_macros_get(&p->macros, q->vars[k])->used = true;
        }
        p->macros.process = (long)i;
        if (set_number(p, "ItemIndex", i / q->count) ||
            set_number(p, "Step", i % q->count) || take_values(p) ||
            add_submission(p, 1))
            return -1;
    }
    return 0;
}

static int queue_plain(struct parser *p, uint32_t count)
{
    p->macros.process = -1;
    if (submit_macros_set(&p->macros, "Step", "$(Process)", p->line))
        return no_memory(p);
    submit_macros_get(&p->macros, "Step")->used = true;
    return set_number(p, "ItemIndex", 0) || take_values(p) ||
                   add_submission(p, count)
               ? -1
               : 0;
}

static int parse_queue(struct parser *p, const char *rest)
{
    char *text = submit_macros_expand(&p->macros, rest, p->err);
    struct submit_queue q;
    int result = -1;

    if (!text || submit_queue_parse(&q, text, p->context->cwd, p->err)) {
        free(text);
        return ckpt_err_prefix(p->err, "%s:%d", p->path, p->line);
    }
    p->previous_first = p->queue_first;
    p->queue_first = p->count;
    if (q.has_items &&
        (uint64_t)q.count * job_list_len(q.values) > SUBMIT_QUEUE_MAX)
        result = wrong(p, "too many jobs: queue ", rest);
    else
        result = q.has_items ? queue_items(p, &q) : queue_plain(p, q.count);
    submit_queue_clear(&q);
    free(text);
    return result;
}

/* A line; one that ends with \ goes on in the next, whose number does not
 * count.  NULL at the end. */
static char *next_line(struct parser *p)
{
    char *line = p->next, *to = p->next, *at = p->next;

    if (!*at)
        return NULL;
    p->line = p->next_line;
    for (; *at && *at != '\n'; at++) {
        if (at[0] == '\\' && at[1] == '\n') {
            at++;
            p->next_line++;
            *to++ = ' ';
        } else {
            *to++ = *at;
        }
    }
    p->next = *at ? at + 1 : at;
    p->next_line++;
    *to = '\0';
    return line;
}

/* `queue ... (` goes on up to the line with the closing parenthesis. */
static int parse_queue_lines(struct parser *p, const char *rest)
{
    const char *open = strchr(rest, '(');
    char *whole = NULL, *line;
    size_t len = 0;
    int first = p->line;

    if (!open || (open > rest && open[-1] == '$') || strchr(open, ')'))
        return parse_queue(p, rest);
    FILE *out = open_memstream(&whole, &len);
    if (!out)
        return no_memory(p);
    fputs(rest, out);
    while ((line = next_line(p))) {
        fprintf(out, "\n%s", line);
        if (strchr(line, ')'))
            break;
    }
    p->line = first;
    int result =
        fclose(out) ? no_memory(p) : parse_queue(p, ckpt_conf_trim(whole));
    free(whole);
    return result;
}

static bool is_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    return !strncasecmp(text, word, len) &&
           (text[len] == '\0' || isspace((unsigned char)text[len]) ||
            text[len] == '(');
}

/* HTCondor's statements; `error = FILE` is none. */
static bool is_statement(const char *text)
{
    static const char *const words[] = {"if",      "elif", "else",    "endif",
                                        "include", "use",  "warning", "error"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *behind = text + strlen(words[i]);
        if (is_word(text, words[i]) && behind[strspn(behind, " \t")] != '=')
            return true;
    }
    return false;
}

static int parse_line(struct parser *p, char *line)
{
    char *text = ckpt_conf_trim(line), *equals;

    if (*text == '\0' || *text == '#')
        return 0;
    if (is_word(text, "queue"))
        return parse_queue_lines(p, ckpt_conf_trim(text + 5));
    if (is_statement(text))
        return wrong(p, "not known here: ", text);
    equals = strchr(text, '=');
    if (!equals)
        return wrong(p, "neither `key = value` nor queue: ", text);
    *equals = '\0';
    return set_value(p, ckpt_conf_trim(text), ckpt_conf_trim(equals + 1));
}

/* A name that is neither a command nor used as a macro is a mistake. */
static int check_names(struct parser *p)
{
    for (size_t i = 0; i < p->macros.count; i++) {
        const struct submit_definition *d = &p->macros.all[i];
        enum submit_key key;
        const char *why;
        if (d->used || submit_key_find(d->name, &key, &why) != KEY_UNKNOWN)
            continue;
        p->line = d->line;
        return wrong(p, "unknown key ", d->name);
    }
    return 0;
}

static int parse_lines(struct parser *p)
{
    char *line;

    while ((line = next_line(p)))
        if (parse_line(p, line))
            return -1;
    if (check_names(p))
        return -1;
    return p->count > 0
               ? 0
               : ckpt_err_set(p->err, EINVAL, "%s: no queue line", p->path);
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
    char *copy = strdup(text);
    struct parser p = {
        .path = path,
        .context = context,
        .next = copy,
        .next_line = 1,
        .macros = {.env = context->env},
        .err = err ? err : &own,
    };
    int result = copy ? parse_lines(&p) : no_memory(&p);
    int errnum = errno;

    free(copy);
    clear_values(&p);
    submit_macros_clear(&p.macros);
    if (result) {
        submissions_free(p.made, p.count);
        errno = errnum;
        return -1;
    }
    *made = p.made;
    *count = p.count;
    return 0;
}
