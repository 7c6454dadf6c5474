/* submit_file.c - see submit_file.h: lines, macros, queue statements */
#include "cli/submit_impl.h"
#include "cli/submit_queue.h"
#include "lib/common/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong(struct submit_parser *p, const char *what, const char *text)
{
    return ckpt_err_set(p->err, EINVAL, "%s:%d: %s%s", p->path, p->line, what,
                        text);
}

static void warn(const struct submit_parser *p, const char *name,
                 const char *why)
{
    char text[512];

    if (!p->context->warn)
        return;
    snprintf(text, sizeof text, "%s:%d: %.100s is ignored: %s", p->path,
             p->line, name, why);
    p->context->warn(text);
}

static int set_value(struct submit_parser *p, const char *name,
                     const char *value)
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
    return submit_macros_set(&p->macros, name, value, p->line)
               ? submit_no_memory(p)
               : 0;
}

static void clear_values(struct submit_parser *p)
{
    for (int i = 0; i < SUBMIT_KEYS; i++) {
        free(p->values[i].text);
        p->values[i].text = NULL;
    }
}

/* Several names of one key: the last line counts. */
static int take_values(struct submit_parser *p)
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
            return submit_at_key(p, key, d->name);
    }
    return 0;
}

static int set_number(struct submit_parser *p, const char *name,
                      unsigned long value)
{
    char text[24];

    snprintf(text, sizeof text, "%lu", value);
    if (submit_macros_set(&p->macros, name, text, p->line))
        return submit_no_memory(p);
    submit_macros_get(&p->macros, name)->used = true;
    return 0;
}

/* One job for each item and step: their numbers are known here. */
static int queue_items(struct submit_parser *p, const struct submit_queue *q)
{
    size_t n = job_list_len(q->vars), items = job_list_len(q->values) / n;

    for (size_t i = 0; i < items * q->count; i++) {
        char **values = q->values + i / q->count * n;
        for (size_t k = 0; k < n; k++) {
            if (submit_macros_set(&p->macros, q->vars[k], values[k], p->line))
                return submit_no_memory(p);
            submit_macros_get(&p->macros, q->vars[k])->used = true;
        }
        p->macros.process = (long)i;
        if (set_number(p, "ItemIndex", i / q->count) ||
            set_number(p, "Step", i % q->count) || take_values(p) ||
            submit_add(p, 1))
            return -1;
    }
    return 0;
}

static int queue_plain(struct submit_parser *p, uint32_t count)
{
    p->macros.process = -1;
    if (submit_macros_set(&p->macros, "Step", "$(Process)", p->line))
        return submit_no_memory(p);
    submit_macros_get(&p->macros, "Step")->used = true;
    return set_number(p, "ItemIndex", 0) || take_values(p) ||
                   submit_add(p, count)
               ? -1
               : 0;
}

static int parse_queue(struct submit_parser *p, const char *rest)
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
static char *next_line(struct submit_parser *p)
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
static int parse_queue_lines(struct submit_parser *p, const char *rest)
{
    const char *open = strchr(rest, '(');
    char *whole = NULL, *line;
    size_t len = 0;
    int first = p->line;

    if (!open || (open > rest && open[-1] == '$') || strchr(open, ')'))
        return parse_queue(p, rest);
    FILE *out = open_memstream(&whole, &len);
    if (!out)
        return submit_no_memory(p);
    fputs(rest, out);
    while ((line = next_line(p))) {
        fprintf(out, "\n%s", line);
        if (strchr(line, ')'))
            break;
    }
    p->line = first;
    int result = fclose(out) ? submit_no_memory(p)
                             : parse_queue(p, ckpt_conf_trim(whole));
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

static int parse_line(struct submit_parser *p, char *line)
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
static int check_names(struct submit_parser *p)
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

static int parse_lines(struct submit_parser *p)
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
    for (size_t i = 0; i < count; i++) {
        job_spec_clear(&made[i].spec);
        free(made[i].front_end);
    }
    free(made);
}

int submit_file_parse(const char *path, const char *text,
                      const struct submit_context *context,
                      struct submission **made, size_t *count,
                      struct ckpt_err *err)
{
    struct ckpt_err own;
    char *copy = strdup(text);
    struct submit_parser p = {
        .path = path,
        .context = context,
        .next = copy,
        .next_line = 1,
        .macros = {.env = context->env},
        .err = err ? err : &own,
    };
    int result = copy ? parse_lines(&p) : submit_no_memory(&p);
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
