/* submit_words.c - quoted lists and environments of submit files
 *
 * See condor_submit(1), "arguments" and "environment".
 */
#include "cli/submit_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LETTERS                                                           \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*"

enum { SUBMIT_IDS_MAX = 4096 }; /* POOL_AFTER_MAX */

/* One word is being put together. */
struct word {
    char *buf; /* as long as the whole text */
    size_t len;
    bool begun; /* '' is a word, too */
};

static int word_end(struct word *w, char ***list, struct ckpt_err *err)
{
    if (!w->begun)
        return 0;
    w->buf[w->len] = '\0';
    w->len = 0;
    w->begun = false;
    return job_list_add(list, w->buf)
               ? ckpt_err_set(err, ENOMEM, "out of memory")
               : 0;
}

static void word_put(struct word *w, char c)
{
    w->buf[w->len++] = c;
    w->begun = true;
}

/* New syntax, at is behind the opening quote. */
static int split_new(const char *at, struct word *w, char ***list,
                     struct ckpt_err *err)
{
    bool grouped = false;

    for (; *at; at++) {
        if (*at == '"' && at[1] != '"')
            break;
        if (*at == '"') {
            word_put(w, *at++);
        } else if (*at == '\'' && grouped && at[1] == '\'') {
            word_put(w, *at++);
        } else if (*at == '\'') {
            grouped = !grouped;
            w->begun = true;
        } else if (isspace((unsigned char)*at) && !grouped) {
            if (word_end(w, list, err))
                return -1;
        } else {
            word_put(w, *at);
        }
    }
    if (grouped)
        return ckpt_err_set(err, EINVAL, "a ' is not closed");
    if (*at != '"')
        return ckpt_err_set(err, EINVAL, "the closing \" is missing");
    if (at[1])
        return ckpt_err_set(err, EINVAL,
                            "text after the closing \": %s (\"\" stands for "
                            "one inside)",
                            at + 1);
    return word_end(w, list, err);
}

/* Old syntax: separated by blanks or `separator`; \" stands for ". */
static int split_old(const char *at, char separator, struct word *w,
                     char ***list, struct ckpt_err *err)
{
    for (; *at; at++) {
        bool ends = separator == ' ' ? isspace((unsigned char)*at) != 0
                                     : *at == separator;
        if (ends) {
            if (word_end(w, list, err))
                return -1;
        } else if (*at == '\\' && at[1] == '"') {
            word_put(w, *++at);
        } else if (*at == '"') {
            return ckpt_err_set(err, EINVAL,
                                "a \" in the middle: put the whole in double "
                                "quotes, or write \\\"");
        } else if (w->begun || !isspace((unsigned char)*at)) {
            word_put(w, *at);
        }
    }
    return word_end(w, list, err);
}

static int split(const char *text, char separator, char ***list,
                 struct ckpt_err *err)
{
    struct word w = {.buf = malloc(strlen(text) + 1)};
    int result;

    if (!w.buf)
        return ckpt_err_set(err, ENOMEM, "out of memory");
    result = text[0] == '"' ? split_new(text + 1, &w, list, err)
                            : split_old(text, separator, &w, list, err);
    free(w.buf);
    return result;
}

int submit_split_arguments(const char *text, char ***list, struct ckpt_err *err)
{
    return split(text, ' ', list, err);
}

/* Set NAME=value in a list, replacing an older value. */
static int set_variable(char ***list, const char *variable)
{
    size_t len = strcspn(variable, "=") + 1;

    for (size_t i = 0; *list && (*list)[i]; i++)
        if (!strncmp((*list)[i], variable, len)) {
            char *copy = strdup(variable);
            if (!copy)
                return -1;
            free((*list)[i]);
            (*list)[i] = copy;
            return 0;
        }
    return job_list_add(list, variable);
}

int submit_split_environment(const char *text, char ***list,
                             struct ckpt_err *err)
{
    char **made = NULL;
    int result = split(text, ';', &made, err);

    for (size_t i = 0; result == 0 && made && made[i]; i++) {
        if (!strchr(made[i], '=') || made[i][0] == '=')
            result =
                ckpt_err_set(err, EINVAL, "\"%s\" is not NAME=value", made[i]);
        else if (set_variable(list, made[i]))
            result = ckpt_err_set(err, ENOMEM, "out of memory");
    }
    job_list_free(made);
    return result;
}

static bool matches(const char *variable, const char *const *names)
{
    size_t len = strcspn(variable, "=");

    for (; *names; names++) {
        size_t n = strlen(*names);
        if ((*names)[n - 1] == '*'
                ? len >= n - 1 && !strncmp(variable, *names, n - 1)
                : len == n && !strncmp(variable, *names, n))
            return true;
    }
    return false;
}

char **submit_environment_named(char *const *env, const char *names,
                                struct ckpt_err *err)
{
    char **list = NULL, **made = NULL, *copy = strdup(names), *save = NULL;
    bool good = copy != NULL;

    for (char *name = copy ? strtok_r(copy, ", \t", &save) : NULL; name && good;
         name = strtok_r(NULL, ", \t", &save)) {
        if (name[strspn(name, NAME_LETTERS)] != '\0') {
            ckpt_err_set(err, EINVAL,
                         "true, false or names of variables expected, not %s",
                         name);
            good = false;
        }
        good = good && job_list_add(&list, name) == 0;
    }
    if (good)
        made = submit_environment(env, false);
    for (; made && list && *env && good; env++)
        if (matches(*env, (const char *const *)list) &&
            set_variable(&made, *env))
            good = false;
    if (!good) {
        int errnum = errno;
        job_list_free(made);
        made = NULL;
        errno = errnum;
    }
    job_list_free(list);
    free(copy);
    return made;
}

char **submit_environment(char *const *env, bool all)
{
    static const char *const needed[] = {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", NULL};
    static const char *const session[] = {"CKPT_*",     "SSH_*",
                                          "DBUS_*",     "DISPLAY",
                                          "XAUTHORITY", "WAYLAND_DISPLAY",
                                          "XDG_*",      "GPG_*",
                                          "TMUX*",      "STY",
                                          "WINDOWID",   "SUDO_*",
                                          "OLDPWD",     "_",
                                          "MAKEFLAGS",  "MFLAGS",
                                          "MAKELEVEL",  "INVOCATION_ID",
                                          "JOURNAL_*",  "NOTIFY_SOCKET",
                                          NULL};
    char **made = calloc(1, sizeof *made);

    for (; made && env && *env; env++)
        if (strchr(*env, '=') && (*env)[0] != '=' &&
            (all ? !matches(*env, session) : matches(*env, needed)) &&
            job_list_add(&made, *env)) {
            job_list_free(made);
            return NULL;
        }
    return made;
}

/* One id, or a range of them, with blanks or a comma behind it. */
static int add_ids(const char **at, char ***list, struct ckpt_err *err)
{
    unsigned long long first, last;
    char *end, text[24];

    errno = 0;
    first = last = strtoull(*at, &end, 10);
    if (isdigit((unsigned char)**at) && end[0] == '-' &&
        isdigit((unsigned char)end[1]))
        last = strtoull(end + 1, &end, 10);
    if (!isdigit((unsigned char)**at) || errno || first == 0 || last < first ||
        last - first >= SUBMIT_IDS_MAX ||
        (*end && *end != ',' && !isspace((unsigned char)*end)))
        return ckpt_err_set(err, EINVAL, "\"%s\" is not a job's id", *at);
    for (; first <= last; first++) {
        snprintf(text, sizeof text, "%llu", first);
        if (job_list_add(list, text))
            return ckpt_err_set(err, ENOMEM, "out of memory");
    }
    *at = end + strspn(end, ", \t");
    return 0;
}

int submit_split_ids(const char *text, char ***list, struct ckpt_err *err)
{
    const char *at = text + strspn(text, " \t");

    if (!*at)
        return ckpt_err_set(err, EINVAL, "no job is named");
    while (*at)
        if (add_ids(&at, list, err))
            return -1;
    return 0;
}

int submit_check_address(const char *text, struct ckpt_err *err)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return ckpt_err_set(err, EINVAL, "\"%s\" is not an address", text);
    return *text ? 0 : ckpt_err_set(err, EINVAL, "no address");
}
