/* jobspec.c - see jobdir.h: job.conf
 *
 * A first line "ckpt-job 1", then `key = value` lines, then "end".  A table
 * names every key; keys that are not in it, keys given twice, and keys that
 * are missing are errors.
 */
#include "shadow/jobdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { JOBSPEC_FILE_MAX = 16 << 20 };

enum kind { U64, U32, TEXT, PATH, OPTIONAL_PATH, LIST, GRANT };

static const struct key {
    const char *name;
    enum kind kind;
    size_t at;
} keys[] = {
    {"job", U64, offsetof(struct jobspec, job)},
    {"epoch", U32, offsetof(struct jobspec, epoch)},
    {"user", TEXT, offsetof(struct jobspec, user)},
    {"executable", PATH, offsetof(struct jobspec, executable)},
    {"cwd", PATH, offsetof(struct jobspec, cwd)},
    {"stdin", OPTIONAL_PATH, offsetof(struct jobspec, in)},
    {"stdout", OPTIONAL_PATH, offsetof(struct jobspec, out)},
    {"stderr", OPTIONAL_PATH, offsetof(struct jobspec, err)},
    {"umask", U32, offsetof(struct jobspec, umask)},
    {"checkpoint_every_sec", U32,
     offsetof(struct jobspec, checkpoint_every_sec)},
    {"checkpoint_mtbf_sec", U32, offsetof(struct jobspec, checkpoint_mtbf_sec)},
    {"image_rate", U64, offsetof(struct jobspec, image_rate)},
    {"home_rate", U64, offsetof(struct jobspec, home_rate)},
    {"keep_images", U32, offsetof(struct jobspec, keep_images)},
    {"lease_sec", U32, offsetof(struct jobspec, lease_sec)},
    {"plain", U32, offsetof(struct jobspec, plain)},
    {"arg", LIST, offsetof(struct jobspec, args)},
    {"env", LIST, offsetof(struct jobspec, env)},
    {"grant", GRANT, 0},
    {"deny", LIST, offsetof(struct jobspec, deny)},
    {"map", LIST, offsetof(struct jobspec, maps)},
};
enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

void jobspec_init(struct jobspec *spec)
{
    *spec = (struct jobspec){
        .umask = 022,
        .keep_images = 2,
        .lease_sec = 600,
        .checkpoint_every_sec = 3600,
    };
}

int jobspec_grant_add(struct jobspec *spec, const char *path, bool write)
{
    struct jobspec_grant *grants =
        realloc(spec->grants, (spec->grant_count + 1) * sizeof *grants);

    if (!grants)
        return -1;
    spec->grants = grants;
    char *copy = strdup(path);
    if (!copy)
        return -1;
    grants[spec->grant_count++] =
        (struct jobspec_grant){.path = copy, .write = write};
    return 0;
}

static void list_clear(char **list)
{
    for (char **at = list; at && *at; at++)
        free(*at);
    free(list);
}

void jobspec_clear(struct jobspec *spec)
{
    free(spec->user);
    free(spec->executable);
    free(spec->cwd);
    free(spec->in);
    free(spec->out);
    free(spec->err);
    list_clear(spec->args);
    list_clear(spec->env);
    list_clear(spec->deny);
    list_clear(spec->maps);
    for (size_t i = 0; i < spec->grant_count; i++)
        free(spec->grants[i].path);
    free(spec->grants);
    *spec = (struct jobspec){0};
}

/* --- writing ------------------------------------------------------------- */

static int put(FILE *out, const char *name, const char *before,
               const char *text)
{
    char *escaped = jobdir_escape(text);

    if (!escaped)
        return -1;
    fprintf(out, "%s = %s%s\n", name, before, escaped);
    free(escaped);
    return 0;
}

static int put_grant(FILE *out, const char *name,
                     const struct jobspec_grant *grant)
{
    char before[64], limit[32] = "";

    if (grant->limit)
        snprintf(limit, sizeof limit, ",limit=%llu",
                 (unsigned long long)grant->limit);
    snprintf(before, sizeof before, "%s%s%s ", grant->write ? "rw" : "ro",
             grant->common ? ",common" : "", limit);
    return put(out, name, before, grant->path);
}

static int put_key(FILE *out, const struct key *key, const struct jobspec *spec)
{
    const char *at = (const char *)spec + key->at;

    switch (key->kind) {
    case U64:
        fprintf(out, "%s = %llu\n", key->name,
                (unsigned long long)*(const uint64_t *)at);
        return 0;
    case U32:
        fprintf(out, "%s = %u\n", key->name, *(const uint32_t *)at);
        return 0;
    case TEXT:
    case PATH:
    case OPTIONAL_PATH:
        if (!*(char *const *)at)
            return 0;
        return put(out, key->name, "", *(char *const *)at);
    case LIST:
        for (char *const *text = *(char **const *)at; text && *text; text++)
            if (put(out, key->name, "", *text) < 0)
                return -1;
        return 0;
    case GRANT:
        for (size_t i = 0; i < spec->grant_count; i++)
            if (put_grant(out, key->name, &spec->grants[i]) < 0)
                return -1;
        return 0;
    }
    return 0;
}

/* What must be there and absolute. */
static int check(const struct jobspec *spec, const char *where,
                 struct ckpt_err *err)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].kind != TEXT && keys[i].kind != PATH &&
            keys[i].kind != OPTIONAL_PATH)
            continue;
        const char *text = *(char *const *)((const char *)spec + keys[i].at);
        if (!text && keys[i].kind == OPTIONAL_PATH)
            continue;
        if (!text || !*text)
            return ckpt_err_set(err, EINVAL, "%s: %s is missing", where,
                                keys[i].name);
        if (keys[i].kind != TEXT && text[0] != '/')
            return ckpt_err_set(err, EINVAL, "%s: %s is not absolute: %s",
                                where, keys[i].name, text);
    }
    for (size_t i = 0; i < spec->grant_count; i++)
        if (spec->grants[i].path[0] != '/')
            return ckpt_err_set(err, EINVAL, "%s: grant is not absolute: %s",
                                where, spec->grants[i].path);
    if (!spec->args || !spec->args[0])
        return ckpt_err_set(err, EINVAL, "%s: arg is missing", where);
    if (spec->epoch == 0)
        return ckpt_err_set(err, EINVAL, "%s: epoch is missing", where);
    if (spec->plain > 1)
        return ckpt_err_set(err, EINVAL, "%s: plain is 0 or 1", where);
    if (spec->keep_images == 0 || spec->lease_sec == 0)
        return ckpt_err_set(err, EINVAL,
                            "%s: keep_images and lease_sec must be positive",
                            where);
    return 0;
}

int jobspec_write(const char *dir, const struct jobspec *spec,
                  struct ckpt_err *err)
{
    char *text = NULL;
    size_t len;

    if (check(spec, "job.conf", err) < 0)
        return -1;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s", dir);
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ckpt_err_sys(err, "job.conf");
    int rc = 0;
    fputs("ckpt-job 1\n", out);
    for (size_t i = 0; rc == 0 && i < KEY_COUNT; i++)
        rc = put_key(out, &keys[i], spec);
    fputs("end\n", out);
    if (fclose(out) != 0 || rc < 0)
        rc = ckpt_err_set(err, ENOMEM, "job.conf: out of memory");
    else
        rc = jobdir_file_put(dir, "job.conf", text, len, err);
    free(text);
    return rc;
}

/* --- reading ------------------------------------------------------------- */

static int list_add(char ***list, const char *text)
{
    size_t n = 0;

    while (*list && (*list)[n])
        n++;
    char **longer = realloc(*list, (n + 2) * sizeof *longer);
    if (!longer)
        return -1;
    *list = longer;
    longer[n] = strdup(text);
    longer[n + 1] = NULL;
    return longer[n] ? 0 : -1;
}

static int parse_number(const char *text, uint64_t max, uint64_t *number)
{
    char *end;

    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || text[0] == '+' ||
        n > max) {
        errno = EINVAL;
        return -1;
    }
    *number = n;
    return 0;
}

static int parse_word(struct jobspec_grant *grant, const char *word)
{
    if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
        grant->write = word[1] == 'w';
        return 0;
    }
    if (strcmp(word, "common") == 0) {
        grant->common = true;
        return 0;
    }
    if (strncmp(word, "limit=", 6) == 0)
        return parse_number(word + 6, INT64_MAX, &grant->limit);
    errno = EINVAL;
    return -1;
}

int jobspec_grant_text(struct jobspec *spec, const char *text)
{
    struct jobspec_grant grant = {0};
    const char *space = strchr(text, ' ');
    char words[64], *save;

    if (!space || space - text < 2 || space - text >= (int)sizeof words ||
        text[0] != 'r') {
        errno = EINVAL;
        return -1;
    }
    memcpy(words, text, (size_t)(space - text));
    words[space - text] = '\0';
    for (char *word = strtok_r(words, ",", &save); word;
         word = strtok_r(NULL, ",", &save))
        if (parse_word(&grant, word) < 0)
            return -1;
    if (jobspec_grant_add(spec, space + 1, grant.write) < 0)
        return -1;
    spec->grants[spec->grant_count - 1].common = grant.common;
    spec->grants[spec->grant_count - 1].limit = grant.limit;
    return 0;
}

static int set_key(struct jobspec *spec, const struct key *key,
                   const char *text)
{
    char *at = (char *)spec + key->at;
    uint64_t number;

    switch (key->kind) {
    case U64:
        return parse_number(text, UINT64_MAX, (uint64_t *)at);
    case U32:
        if (parse_number(text, UINT32_MAX, &number) < 0)
            return -1;
        *(uint32_t *)at = (uint32_t)number;
        return 0;
    case TEXT:
    case PATH:
    case OPTIONAL_PATH:
        *(char **)at = strdup(text);
        return *(char **)at ? 0 : -1;
    case LIST:
        return list_add((char ***)at, text);
    case GRANT:
        return jobspec_grant_text(spec, text);
    }
    return -1;
}

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static int parse_line(struct jobspec *spec, char *line, unsigned *seen,
                      const char *where, int number, struct ckpt_err *err)
{
    char *value = strstr(line, " = ");

    if (!value)
        return ckpt_err_set(err, EINVAL, "%s:%d: not `key = value`", where,
                            number);
    *value = '\0';
    value += 3;
    const struct key *key = find_key(line);
    if (!key)
        return ckpt_err_set(err, EINVAL, "%s:%d: unknown key `%.64s`", where,
                            number, line);
    unsigned bit = 1U << (key - keys);
    if ((*seen & bit) && key->kind != LIST && key->kind != GRANT)
        return ckpt_err_set(err, EINVAL, "%s:%d: `%s` given twice", where,
                            number, line);
    *seen |= bit;
    if (jobdir_unescape(value) < 0 || set_key(spec, key, value) < 0)
        return ckpt_err_sys(err, "%s:%d: bad value of `%s`", where, number,
                            key->name);
    return 0;
}

static int parse(struct jobspec *spec, char *text, const char *where,
                 struct ckpt_err *err)
{
    unsigned seen = 0;
    int number = 0;
    bool ended = false;

    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n');
        number++;
        if (!next || ended)
            return ckpt_err_set(err, EINVAL, "%s:%d: malformed end", where,
                                number);
        *next++ = '\0';
        if (number == 1 && strcmp(line, "ckpt-job 1") != 0)
            return ckpt_err_set(err, EINVAL, "%s:1: not a job of version 1",
                                where);
        if (strcmp(line, "end") == 0)
            ended = true;
        else if (number > 1 &&
                 parse_line(spec, line, &seen, where, number, err) < 0)
            return -1;
    }
    if (!ended)
        return ckpt_err_set(err, EINVAL, "%s: cut short", where);
    return check(spec, where, err);
}

int jobspec_read(const char *dir, struct jobspec *spec, struct ckpt_err *err)
{
    char where[300];
    size_t len;

    jobspec_init(spec);
    char *text = jobdir_file_read(dir, "job.conf", JOBSPEC_FILE_MAX, &len, err);
    if (!text) {
        *spec = (struct jobspec){0};
        return -1;
    }
    snprintf(where, sizeof where, "%.280s/job.conf", dir);
    int rc;
    if (strlen(text) != len)
        rc = ckpt_err_set(err, EINVAL, "%s: has a NUL byte", where);
    else
        rc = parse(spec, text, where, err);
    free(text);
    if (rc < 0) {
        int saved = errno;
        jobspec_clear(spec);
        errno = saved;
    }
    return rc;
}
