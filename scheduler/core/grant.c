/* grant.c - see grant.h */
#include "scheduler/core/grant.h"

#include "lib/common/conf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const map_kinds[] = {"local", "home", "fetch"};

struct access {
    bool write;
    uint64_t limit; /* 0: none */
};

static int one_option(struct access *access, const char *text, size_t len)
{
    char size[32];

    if (len == 2 && (!strncmp(text, "ro", 2) || !strncmp(text, "rw", 2))) {
        access->write = text[1] == 'w';
        return 0;
    }
    if (len <= 6 || len - 6 >= sizeof size || strncmp(text, "limit=", 6) != 0)
        return -1;
    memcpy(size, text + 6, len - 6);
    size[len - 6] = '\0';
    return ckpt_conf_parse_size(size, &access->limit) == 0 && access->limit
               ? 0
               : -1;
}

/* "rw,limit=2G" up to `end`. */
static int parse_options(struct access *access, const char *text,
                         const char *end)
{
    *access = (struct access){.write = true};
    for (;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma ? comma : end;
        if (one_option(access, text, (size_t)(stop - text)))
            return -1;
        if (!comma)
            return 0;
        text = comma + 1;
    }
}

static char *kept_form(const char *options, const char *cwd, const char *path,
                       size_t len, struct ckpt_err *err)
{
    char *made = NULL;
    bool below = path[0] != '/' && !(len == 1 && path[0] == '.');
    int n;

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (path[0] == '/')
        n = asprintf(&made, "%s %.*s", options, (int)len, path);
    else
        n = asprintf(&made, "%s %s%s%.*s", options, cwd, below ? "/" : "",
                     below ? (int)len : 0, path);
    if (n < 0) {
        ckpt_err_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    return made;
}

char *grant_parse(const char *text, const char *cwd, struct ckpt_err *err)
{
    const char *colon = strrchr(text, ':');
    struct access access = {.write = true};
    size_t len = strlen(text);
    char options[64];

    if (colon && parse_options(&access, colon + 1, text + len) == 0)
        len = (size_t)(colon - text);
    else
        access = (struct access){.write = true};
    if (len == 0) {
        ckpt_err_set(err, EINVAL, "\"%s\" is not DIR[:ro|:rw][,limit=SIZE]",
                     text);
        return NULL;
    }
    if (access.limit && !access.write) {
        ckpt_err_set(err, EINVAL, "\"%s\": a limit is for writing", text);
        return NULL;
    }
    if (access.limit)
        snprintf(options, sizeof options, "rw,limit=%llu",
                 (unsigned long long)access.limit);
    else
        snprintf(options, sizeof options, "%s", access.write ? "rw" : "ro");
    return kept_form(options, cwd, text, len, err);
}

static bool is_kind(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof map_kinds / sizeof map_kinds[0]; i++)
        if (strlen(map_kinds[i]) == len && !strncmp(text, map_kinds[i], len))
            return true;
    return false;
}

char *grant_map_make(const char *kind, const char *path, const char *cwd,
                     struct ckpt_err *err)
{
    if (!*path || !strcmp(path, "/")) {
        ckpt_err_set(err, EINVAL, "\"%s\" cannot be mapped", path);
        return NULL;
    }
    return kept_form(kind, cwd, path, strlen(path), err);
}

char *grant_map_parse(const char *text, const char *cwd, struct ckpt_err *err)
{
    const char *equals = strrchr(text, '=');

    if (!equals || equals == text || !is_kind(equals + 1, strlen(equals + 1))) {
        ckpt_err_set(err, EINVAL, "\"%s\" is not PREFIX=local|home|fetch",
                     text);
        return NULL;
    }
    char *path = strndup(text, (size_t)(equals - text));
    if (!path) {
        ckpt_err_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    char *made = grant_map_make(equals + 1, path, cwd, err);
    free(path);
    return made;
}

const char *grant_path(const char *kept)
{
    const char *space = strchr(kept, ' ');

    return space ? space + 1 : "";
}

int grant_check(const char *kept, struct ckpt_err *err)
{
    const char *path = grant_path(kept);
    struct access access;

    if (path[0] != '/' || parse_options(&access, kept, path - 1))
        return ckpt_err_set(err, EINVAL, "\"%s\" is not a grant", kept);
    return 0;
}

int grant_map_check(const char *kept, struct ckpt_err *err)
{
    const char *path = grant_path(kept);

    if (path[0] != '/' || !is_kind(kept, (size_t)(path - 1 - kept)))
        return ckpt_err_set(err, EINVAL, "\"%s\" is not a path rule", kept);
    return 0;
}
