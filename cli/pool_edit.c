/* pool_edit.c - see pool_edit.h */
#include "cli/pool_edit.h"
#include "scheduler/pool/pool_conf.h"
#include "scheduler/pool/pooldir.h"
#include "scheduler/pool/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edit {
    char *const *settings; /* "KEY=VALUE" */
    size_t n;
    bool *done;
    FILE *out;
};

/* KEY of "KEY=VALUE" or "  KEY = VALUE": its start and length. */
static size_t key_of(const char *text, const char **start)
{
    size_t len;

    while (isspace((unsigned char)*text))
        text++;
    *start = text;
    len = strcspn(text, "=");
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    return len;
}

static bool same_key(const char *a, const char *b)
{
    const char *key_a, *key_b;
    size_t len_a = key_of(a, &key_a), len_b = key_of(b, &key_b);

    return len_a == len_b && !memcmp(key_a, key_b, len_a);
}

static void put_setting(FILE *out, const char *setting)
{
    const char *key;
    int len = (int)key_of(setting, &key);
    const char *value = strchr(setting, '=') + 1;

    fprintf(out, "%.*s = %s\n", len, key, value + strspn(value, " \t"));
}

/* The last setting of a key given twice counts. */
static const char *replacement(struct edit *e, const char *line)
{
    const char *found = NULL;

    if (line[strspn(line, " \t")] == '#')
        return NULL;
    for (size_t i = 0; i < e->n; i++)
        if (same_key(line, e->settings[i])) {
            found = e->settings[i];
            e->done[i] = true;
        }
    return found;
}

/* The same value, whatever blanks are around it. */
static bool same_value(const char *line, const char *setting)
{
    const char *a = strchr(line, '='), *b = strchr(setting, '=') + 1;
    size_t len;

    if (!a)
        return false;
    a++;
    a += strspn(a, " \t");
    b += strspn(b, " \t");
    len = strcspn(a, "\n");
    while (len > 0 && isspace((unsigned char)a[len - 1]))
        len--;
    return strlen(b) == len && !memcmp(a, b, len);
}

static void copy_lines(struct edit *e, FILE *in)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, in) > 0) {
        const char *setting = replacement(e, line);
        if (setting && !same_value(line, setting))
            put_setting(e->out, setting);
        else
            fprintf(e->out, "%s%s", line, strchr(line, '\n') ? "" : "\n");
    }
    free(line);
}

static void add_rest(struct edit *e)
{
    for (size_t i = 0; i < e->n; i++) {
        if (e->done[i])
            continue;
        put_setting(e->out, replacement(e, e->settings[i]));
    }
}

static char *edited(const char *path, char *const *settings, size_t n)
{
    struct edit e = {.settings = settings, .n = n};
    char *text = NULL;
    size_t len = 0;
    FILE *in = fopen(path, "re");

    e.done = calloc(n + 1, sizeof *e.done);
    e.out = e.done ? open_memstream(&text, &len) : NULL;
    if (e.out) {
        if (in)
            copy_lines(&e, in);
        else
            fputs("# settings of this pool; `ckpt config` lists all keys\n",
                  e.out);
        add_rest(&e);
        if (fclose(e.out)) {
            free(text);
            text = NULL;
        }
    }
    if (in)
        fclose(in);
    free(e.done);
    return text;
}

static int check(struct ckpt_conf *conf, char *const *settings, size_t n,
                 struct ckpt_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *start;
        size_t len = key_of(settings[i], &start);
        const char *equals = strchr(settings[i], '=');
        char key[160];

        if (!equals || strchr(settings[i], '\n'))
            return ckpt_err_set(err, EINVAL, "\"%s\" is not KEY=VALUE",
                                settings[i]);
        snprintf(key, sizeof key, "%.*s", (int)len, start);
        equals++;
        if (ckpt_conf_set(conf, key, equals + strspn(equals, " \t"), err))
            return -1;
    }
    return 0;
}

static bool file_is(const char *path, const char *text)
{
    char *now = NULL;
    size_t size = 0;
    FILE *in = fopen(path, "re");
    bool same;

    if (!in)
        return false;
    if (getdelim(&now, &size, '\0', in) < 0) {
        free(now);
        now = NULL;
    }
    fclose(in);
    same = now ? !strcmp(now, text) : !*text;
    free(now);
    return same;
}

int pool_edit(const char *dir, char *const *settings, size_t n, bool frozen,
              bool *changed, struct ckpt_err *err)
{
    struct ckpt_conf *conf = pool_conf_load(dir, err);
    struct settings meant;
    char path[PATH_MAX + 16], *text;
    int result = 0;

    *changed = false;
    if (!conf)
        return -1;
    result = check(conf, settings, n, err);
    if (result == 0)
        result = settings_read(&meant, conf, dir, NULL, err);
    ckpt_conf_destroy(conf);
    snprintf(path, sizeof path, "%s/pool.conf", dir);
    if (result)
        return -1;
    text = edited(path, settings, n);
    if (!text)
        return ckpt_err_set(err, ENOMEM, "out of memory");
    *changed = !file_is(path, text);
    if (*changed && frozen)
        result = ckpt_err_set(err, EBUSY,
                              "the pool runs with other settings; `ckpt pool "
                              "stop` first");
    else if (*changed)
        result = pooldir_write_file(path, text, strlen(text), 0600, err);
    free(text);
    return result;
}
