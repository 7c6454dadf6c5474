/* submit_queue.c - see submit_queue.h */
#include "cli/submit_queue.h"

#include "cli/submit_file.h"
#include "lib/common/conf.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char between[] = ", \t\n";

static int no_memory(struct ckpt_err *err)
{
    return ckpt_err_set(err, ENOMEM, "out of memory");
}

static int add_words(char ***list, const char *text, struct ckpt_err *err)
{
    char *copy = strdup(text), *save = NULL;
    int result = copy ? 0 : no_memory(err);

    for (char *word = copy ? strtok_r(copy, between, &save) : NULL;
         word && result == 0; word = strtok_r(NULL, between, &save))
        if (job_list_add(list, word))
            result = no_memory(err);
    free(copy);
    return result;
}

/* --- from ------------------------------------------------------------------
 */

/* One item: a value for each variable, the last one all that is left. */
static int add_line(struct submit_queue *q, char *line, struct ckpt_err *err)
{
    size_t n = job_list_len(q->vars);
    char *whole = ckpt_conf_trim(line), *at = whole;

    if (*at == '\0' || *at == '#')
        return 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = i + 1 < n ? strcspn(at, between) : strlen(at);
        char *value = strndup(at, len);
        int result = !value || job_list_add(&q->values, value);
        free(value);
        if (result)
            return no_memory(err);
        at += len;
        at += strspn(at, " \t");
        at += *at == ',' && i + 1 < n;
        at += strspn(at, " \t");
        if (!*at && i + 1 < n)
            return ckpt_err_set(err, EINVAL,
                                "\"%.60s\" has %zu values, there are %zu "
                                "variables",
                                whole, i + 1, n);
    }
    return 0;
}

static int add_lines(struct submit_queue *q, const char *text,
                     struct ckpt_err *err)
{
    char *copy = strdup(text), *save = NULL;
    int result = copy ? 0 : no_memory(err);

    for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL;
         line && result == 0; line = strtok_r(NULL, "\n", &save))
        result = add_line(q, line, err);
    free(copy);
    return result;
}

static int add_file(struct submit_queue *q, const char *name, const char *cwd,
                    struct ckpt_err *err)
{
    char *path = submit_path(cwd, name), *text = NULL;
    FILE *in = path ? fopen(path, "re") : NULL;
    size_t size = 0;
    int result = 0;

    if (!in)
        result = ckpt_err_sys(err, "%s", name);
    else if (getdelim(&text, &size, '\0', in) > 0)
        result = add_lines(q, text, err);
    if (in)
        fclose(in);
    free(text);
    free(path);
    return result;
}

/* --- in, matching ----------------------------------------------------------
 */

/* "(...)": what is inside; else the text itself. */
static char *inside(const char *text, struct ckpt_err *err)
{
    size_t len = strlen(text);
    char *copy = NULL;

    if (text[0] == '(' && (len < 2 || text[len - 1] != ')'))
        ckpt_err_set(err, EINVAL, "the closing ) is missing");
    else if (!(copy =
                   text[0] == '(' ? strndup(text + 1, len - 2) : strdup(text)))
        no_memory(err);
    return copy;
}

struct kinds {
    bool files, dirs;
};

static int add_matches(struct submit_queue *q, const char *pattern,
                       const char *cwd, struct kinds kinds,
                       struct ckpt_err *err)
{
    char *path = submit_path(cwd, pattern);
    size_t skip = pattern[0] == '/' ? 0 : strlen(cwd) + 1;
    glob_t found = {0};
    struct stat st;
    int result = path ? 0 : no_memory(err);
    int rc = path ? glob(path, 0, NULL, &found) : 0;

    if (rc != 0 && rc != GLOB_NOMATCH)
        result = ckpt_err_set(err, EIO, "%s: cannot be searched", pattern);
    for (size_t i = 0; i < found.gl_pathc && result == 0; i++) {
        if (stat(found.gl_pathv[i], &st) != 0 ||
            !(S_ISDIR(st.st_mode) ? kinds.dirs : kinds.files))
            continue;
        if (job_list_add(&q->values, found.gl_pathv[i] + skip))
            result = no_memory(err);
    }
    globfree(&found);
    free(path);
    return result;
}

static int add_patterns(struct submit_queue *q, const char *text,
                        const char *cwd, struct ckpt_err *err)
{
    struct kinds kinds = {true, true};
    char **words = NULL;
    int result = add_words(&words, text, err);
    size_t i = 0;

    if (words && words[0] && !strcasecmp(words[0], "files")) {
        kinds.dirs = false;
        i++;
    } else if (words && words[0] && !strcasecmp(words[0], "dirs")) {
        kinds.files = false;
        i++;
    }
    for (; result == 0 && words && words[i]; i++)
        result = add_matches(q, words[i], cwd, kinds, err);
    job_list_free(words);
    return result;
}

/* --- the line --------------------------------------------------------------
 */

static int take_items(struct submit_queue *q, const char *keyword,
                      const char *rest, const char *cwd, struct ckpt_err *err)
{
    char *list;
    int result;

    if (rest[0] == '[')
        return ckpt_err_set(err, EINVAL, "slices are not known here: %.40s",
                            rest);
    if (!strcasecmp(keyword, "from") && rest[0] != '(') {
        if (strchr(rest, '|'))
            return ckpt_err_set(err, EINVAL,
                                "items from a command are not known here: %s",
                                rest);
        return add_file(q, rest, cwd, err);
    }
    list = inside(rest, err);
    if (!list)
        return -1;
    if (!strcasecmp(keyword, "from"))
        result = add_lines(q, list, err);
    else if (!strcasecmp(keyword, "in"))
        result = add_words(&q->values, list, err);
    else
        result = add_patterns(q, list, cwd, err);
    free(list);
    return result;
}

static bool is_keyword(const char *word)
{
    return !strcasecmp(word, "in") || !strcasecmp(word, "from") ||
           !strcasecmp(word, "matching");
}

static int wrong(const char *text, struct ckpt_err *err)
{
    return ckpt_err_set(err, EINVAL,
                        "queue takes a number from 1 to %d, or variables with "
                        "in, from or matching, not %s",
                        SUBMIT_QUEUE_MAX, text);
}

/* [VAR...] KEYWORD REST */
static int take_vars(struct submit_queue *q, const char *text, const char *cwd,
                     struct ckpt_err *err)
{
    char word[128];
    const char *at = text;

    for (;;) {
        at += strspn(at, between);
        size_t len = strcspn(at, ", \t\n([");
        if (len == 0 || len >= sizeof word)
            return wrong(text, err);
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        at += len;
        if (is_keyword(word))
            break;
        if (job_list_add(&q->vars, word))
            return no_memory(err);
    }
    if (!q->vars && job_list_add(&q->vars, "Item"))
        return no_memory(err);
    if (strcasecmp(word, "from") != 0 && job_list_len(q->vars) > 1)
        return ckpt_err_set(err, EINVAL,
                            "several variables take their values `from` "
                            "something, not by %s",
                            word);
    at += strspn(at, " \t\n");
    if (!*at)
        return ckpt_err_set(err, EINVAL, "nothing after %s", word);
    q->has_items = true;
    if (take_items(q, word, at, cwd, err))
        return -1;
    return q->values
               ? 0
               : ckpt_err_set(err, EINVAL, "queue %s: there are none", text);
}

static int take_count(struct submit_queue *q, const char **at,
                      struct ckpt_err *err)
{
    char *end;
    unsigned long count = 1;

    if (isdigit((unsigned char)**at)) {
        errno = 0;
        count = strtoul(*at, &end, 10);
        if (errno || count == 0 || count > SUBMIT_QUEUE_MAX ||
            (*end && !isspace((unsigned char)*end)))
            return wrong(*at, err);
        *at = end + strspn(end, " \t");
    }
    q->count = (uint32_t)count;
    return 0;
}

int submit_queue_parse(struct submit_queue *queue, const char *text,
                       const char *cwd, struct ckpt_err *err)
{
    struct submit_queue q = {.count = 1};
    const char *at = text + strspn(text, " \t");

    if (take_count(&q, &at, err) == 0 &&
        (!*at || take_vars(&q, at, cwd, err) == 0)) {
        *queue = q;
        return 0;
    }
    int errnum = errno;
    submit_queue_clear(&q);
    *queue = q;
    errno = errnum;
    return -1;
}

void submit_queue_clear(struct submit_queue *queue)
{
    job_list_free(queue->vars);
    job_list_free(queue->values);
    *queue = (struct submit_queue){.count = 0};
}
