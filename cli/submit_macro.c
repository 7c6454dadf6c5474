/* submit_macro.c - see submit_macro.h */
#include "cli/submit_macro.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16, NAME_MAX_LEN = 127 };

struct submit_definition *submit_macros_get(const struct submit_macros *macros,
                                            const char *name)
{
    for (size_t i = 0; i < macros->count; i++)
        if (strcasecmp(macros->all[i].name, name) == 0)
            return &macros->all[i];
    return NULL;
}

int submit_macros_set(struct submit_macros *macros, const char *name,
                      const char *text, int line)
{
    struct submit_definition *found = submit_macros_get(macros, name);
    char *copy = strdup(text);

    if (copy && !found) {
        struct submit_definition *grown =
            realloc(macros->all, (macros->count + 1) * sizeof *grown);
        if (grown)
            macros->all = grown;
        if (grown && (grown[macros->count].name = strdup(name))) {
            found = &grown[macros->count++];
            found->text = NULL;
            found->used = false;
        }
    }
    if (!found || !copy) {
        free(copy);
        errno = ENOMEM;
        return -1;
    }
    free(found->text);
    found->text = copy;
    found->line = line;
    return 0;
}

void submit_macros_clear(struct submit_macros *macros)
{
    for (size_t i = 0; i < macros->count; i++) {
        free(macros->all[i].name);
        free(macros->all[i].text);
    }
    free(macros->all);
    *macros = (struct submit_macros){.all = NULL};
}

/* --- expansion ------------------------------------------------------------ */

struct expansion {
    const struct submit_macros *macros;
    FILE *out;
    int depth;
    struct ckpt_err *err;
};

static int expand(struct expansion *x, const char *text);

static const char *from_env(const struct submit_macros *macros,
                            const char *name)
{
    size_t len = strlen(name);

    for (char *const *e = macros->env; e && *e; e++)
        if (!strncmp(*e, name, len) && (*e)[len] == '=')
            return *e + len + 1;
    return NULL;
}

static bool is_one_of(const char *name, const char *a, const char *b)
{
    return !strcasecmp(name, a) || !strcasecmp(name, b);
}

/* What the home station, or the job's place in the file, stands for.  True:
 * it was one of these. */
static bool put_number(struct expansion *x, const char *name)
{
    if (is_one_of(name, "Process", "ProcId")) {
        if (x->macros->process < 0)
            fputs("$(Process)", x->out);
        else
            fprintf(x->out, "%ld", x->macros->process);
        return true;
    }
    if (is_one_of(name, "Cluster", "ClusterId")) {
        fputs("$(Cluster)", x->out);
        return true;
    }
    if (!strcasecmp(name, "DOLLAR")) {
        fputc('$', x->out);
        return true;
    }
    return false;
}

static int put_value(struct expansion *x, bool env, const char *name,
                     const char *otherwise)
{
    const char *value;

    if (env) {
        value = from_env(x->macros, name);
        if (!value && !otherwise)
            return ckpt_err_set(x->err, EINVAL,
                                "$ENV(%s): there is no such variable", name);
        fputs(value ? value : otherwise, x->out);
        return 0;
    }
    if (put_number(x, name))
        return 0;
    struct submit_definition *found = submit_macros_get(x->macros, name);
    if (!found && !otherwise)
        return ckpt_err_set(x->err, EINVAL, "there is no macro $(%s)", name);
    if (found)
        found->used = true;
    return expand(x, found ? found->text : otherwise);
}

/* "NAME)" or "NAME:TEXT)"; *at goes behind it. */
static int take_reference(struct expansion *x, const char **at, bool env)
{
    char name[NAME_MAX_LEN + 1];
    size_t len = strcspn(*at, ":)");
    const char *end = strchr(*at, ')');
    char *otherwise = NULL;
    int result;

    if (!end || len == 0 || len > NAME_MAX_LEN)
        return ckpt_err_set(x->err, EINVAL, "malformed macro $(%.40s", *at);
    snprintf(name, sizeof name, "%.*s", (int)len, *at);
    if ((*at)[len] == ':' &&
        !(otherwise = strndup(*at + len + 1, (size_t)(end - *at) - len - 1)))
        return ckpt_err_set(x->err, ENOMEM, "out of memory");
    result = put_value(x, env, name, otherwise);
    free(otherwise);
    *at = end + 1;
    return result;
}

/* At a '$'. */
static int expand_dollar(struct expansion *x, const char **at)
{
    const char *s = *at;
    size_t word = 1;

    if (!strncmp(s, "$$(", 3))
        return ckpt_err_set(x->err, EINVAL,
                            "$$(...), what the station is, is not known when "
                            "the job is submitted");
    if (s[1] == '(') {
        *at += 2;
        return take_reference(x, at, false);
    }
    while (isalnum((unsigned char)s[word]) || s[word] == '_')
        word++;
    if (s[word] != '(' || word == 1) {
        fputc(*(*at)++, x->out);
        return 0;
    }
    if (word != 4 || strncasecmp(s, "$ENV", 4) != 0)
        return ckpt_err_set(x->err, EINVAL, "%.*s() is not known here",
                            (int)(word < 40 ? word : 40), s);
    *at += 5;
    return take_reference(x, at, true);
}

static int expand(struct expansion *x, const char *text)
{
    int result = 0;

    if (++x->depth > DEPTH_MAX)
        result = ckpt_err_set(
            x->err, EINVAL, "macros go in a circle, or too deep: %.60s", text);
    while (result == 0 && *text)
        if (*text == '$')
            result = expand_dollar(x, &text);
        else
            fputc(*text++, x->out);
    x->depth--;
    return result;
}

char *submit_macros_expand(const struct submit_macros *macros, const char *text,
                           struct ckpt_err *err)
{
    char *made = NULL;
    size_t len = 0;
    struct expansion x = {
        .macros = macros, .out = open_memstream(&made, &len), .err = err};

    if (!x.out) {
        ckpt_err_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    int result = expand(&x, text), errnum = errno;
    if (fclose(x.out) && result == 0) {
        result = -1;
        errnum = ENOMEM;
        ckpt_err_set(err, ENOMEM, "out of memory");
    }
    if (result == 0)
        return made;
    free(made);
    errno = errnum;
    return NULL;
}
