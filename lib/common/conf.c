/* conf.c - see conf.h */
#include "lib/common/conf.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DEFAULT_WHERE[] = "default";

struct setting {
    const struct ckpt_conf_key *key;
    char *station; /* NULL: for all */
    char *value;
    char *where;
};

struct ckpt_conf {
    const struct ckpt_conf_key *keys;
    struct setting *settings;
    size_t count;
};

/* --- values -------------------------------------------------------------- */

struct unit {
    const char *name;
    double factor;
};

/* A number of at least 0 with one of the units after it. */
static int parse_number(const char *text, const struct unit *units, double *out)
{
    char *end;
    double value;

    if (!isdigit((unsigned char)text[0]) && text[0] != '.')
        return -1;
    value = strtod(text, &end);
    if (!isfinite(value) || strpbrk(text, "xXpP"))
        return -1;
    for (; units->name; units++)
        if (!strcmp(end, units->name)) {
            *out = value * units->factor;
            return *out < 9e18 ? 0 : -1;
        }
    return -1;
}

int ckpt_conf_parse_ms(const char *text, int64_t *ms)
{
    static const struct unit units[] = {
        {"", 1e3},    {"s", 1e3},    {"ms", 1},   {"m", 60e3},
        {"h", 3.6e6}, {"d", 86.4e6}, {NULL, 0.0},
    };
    double value;

    if (parse_number(text, units, &value)) {
        errno = EINVAL;
        return -1;
    }
    *ms = llround(value);
    return 0;
}

int ckpt_conf_parse_size(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},           {"K", 1024},          {"M", 1048576.0},
        {"G", 1073741824}, {"T", 1099511627776}, {NULL, 0.0},
    };
    double value;

    if (parse_number(text, units, &value)) {
        errno = EINVAL;
        return -1;
    }
    *bytes = (uint64_t)value;
    return 0;
}

static int parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"no",  "yes", "false", "true",
                                        "off", "on",  "0",     "1"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcasecmp(text, words[i])) {
            *value = i % 2;
            return 0;
        }
    return -1;
}

static int parse_real(const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end == text || *end || !isfinite(*value) ? -1 : 0;
}

static int parse_int(const char *text, int64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoll(text, &end, 10);
    return end == text || *end || errno ? -1 : 0;
}

/* The number a value stands for, in seconds, bytes or itself. */
static const char *value_number(const struct ckpt_conf_key *key,
                                const char *text, double *number)
{
    int64_t integer = 0;
    uint64_t size = 0;
    bool truth = false;

    switch (key->type) {
    case CKPT_CONF_BOOL:
        *number = 0;
        return parse_bool(text, &truth) ? "is neither yes nor no" : NULL;
    case CKPT_CONF_INT:
        if (parse_int(text, &integer))
            return "is not a whole number";
        *number = (double)integer;
        return NULL;
    case CKPT_CONF_REAL:
        return parse_real(text, number) ? "is not a number" : NULL;
    case CKPT_CONF_DURATION:
        if (ckpt_conf_parse_ms(text, &integer))
            return "is not a duration such as 90s, 15m or 2h";
        *number = (double)integer / 1e3;
        return NULL;
    case CKPT_CONF_SIZE:
        if (ckpt_conf_parse_size(text, &size))
            return "is not a size such as 512M or 4G";
        *number = (double)size;
        return NULL;
    case CKPT_CONF_TEXT:
        *number = 0;
        return NULL;
    }
    return "has no type";
}

static int value_check(const struct ckpt_conf_key *key, const char *text,
                       struct ckpt_err *err)
{
    double number;
    const char *wrong = value_number(key, text, &number);
    double max = key->max > key->min ? key->max : 9e18;
    char bounds[64];

    if (wrong)
        return ckpt_err_set(err, EINVAL, "%s: \"%s\" %s", key->name, text,
                            wrong);
    if (key->type == CKPT_CONF_TEXT || key->type == CKPT_CONF_BOOL ||
        (number >= key->min && number <= max))
        return 0;
    snprintf(bounds, sizeof bounds, max < 9e18 ? "%g to %g" : "%g or more",
             key->min, max);
    return ckpt_err_set(err, EINVAL, "%s: \"%s\" is out of bounds (%s)",
                        key->name, text, bounds);
}

/* --- settings ------------------------------------------------------------ */

static const struct ckpt_conf_key *find_key(const struct ckpt_conf_key *keys,
                                            const char *name, size_t len)
{
    for (; keys->name; keys++)
        if (strlen(keys->name) == len && !memcmp(keys->name, name, len))
            return keys;
    return NULL;
}

static struct setting *find_setting(const struct ckpt_conf *conf,
                                    const struct ckpt_conf_key *key,
                                    const char *station)
{
    for (size_t i = 0; i < conf->count; i++) {
        struct setting *s = &conf->settings[i];
        if (s->key == key && !s->station == !station &&
            (!station || !strcmp(s->station, station)))
            return s;
    }
    return NULL;
}

static int setting_put(struct ckpt_conf *conf, const struct ckpt_conf_key *key,
                       const char *station, const char *value,
                       const char *where, struct ckpt_err *err)
{
    struct setting *s = find_setting(conf, key, station);
    struct setting made = {key, station ? strdup(station) : NULL, strdup(value),
                           strdup(where)};

    if (!s) {
        struct setting *grown =
            realloc(conf->settings, (conf->count + 1) * sizeof *conf->settings);
        if (grown) {
            conf->settings = grown;
            s = &grown[conf->count];
            memset(s, 0, sizeof *s);
        }
    }
    if (!s || !made.value || !made.where || (station && !made.station)) {
        free(made.station);
        free(made.value);
        free(made.where);
        return ckpt_err_set(err, ENOMEM, "out of memory");
    }
    if (s == &conf->settings[conf->count])
        conf->count++;
    free(s->station);
    free(s->value);
    free(s->where);
    *s = made;
    return 0;
}

static bool station_name_ok(const char *name)
{
    size_t len = strlen(name);

    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            return false;
    return len > 0 && len <= 64;
}

static int resolve(const struct ckpt_conf *conf, const char *name,
                   const struct ckpt_conf_key **key, const char **station,
                   struct ckpt_err *err)
{
    size_t len = strcspn(name, ".");

    *key = find_key(conf->keys, name, len);
    *station = name[len] ? name + len + 1 : NULL;
    if (!*key)
        return ckpt_err_set(err, EINVAL,
                            "%.*s is not a key; `ckpt config` lists them",
                            (int)len, name);
    if (*station && !(*key)->per_station)
        return ckpt_err_set(err, EINVAL,
                            "%s cannot be set for one station (%s)",
                            (*key)->name, *station);
    if (*station && !station_name_ok(*station))
        return ckpt_err_set(err, EINVAL, "\"%s\" is not a station's name",
                            *station);
    return 0;
}

int ckpt_conf_set(struct ckpt_conf *conf, const char *key, const char *value,
                  struct ckpt_err *err)
{
    const struct ckpt_conf_key *found;
    const char *station;

    if (resolve(conf, key, &found, &station, err) ||
        value_check(found, value, err))
        return -1;
    return setting_put(conf, found, station, value, "command line", err);
}

void ckpt_conf_destroy(struct ckpt_conf *conf)
{
    if (!conf)
        return;
    for (size_t i = 0; i < conf->count; i++) {
        free(conf->settings[i].station);
        free(conf->settings[i].value);
        free(conf->settings[i].where);
    }
    free(conf->settings);
    free(conf);
}

struct ckpt_conf *ckpt_conf_create(const struct ckpt_conf_key *keys)
{
    struct ckpt_conf *conf = calloc(1, sizeof *conf);
    struct ckpt_err err;

    if (!conf)
        return NULL;
    conf->keys = keys;
    for (; keys->name; keys++) {
        if (value_check(keys, keys->dflt, &err))
            abort();
        if (setting_put(conf, keys, NULL, keys->dflt, DEFAULT_WHERE, &err)) {
            ckpt_conf_destroy(conf);
            return NULL;
        }
    }
    return conf;
}

/* --- the file ------------------------------------------------------------ */

char *ckpt_conf_trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    for (end = text + strlen(text); end > text; end--)
        if (!isspace((unsigned char)end[-1]))
            break;
    *end = '\0';
    return text;
}

/* One line; `where` is FILE:LINE. */
static int load_line(struct ckpt_conf *conf, char *line, const char *where,
                     const char *file, struct ckpt_err *err)
{
    char *name = ckpt_conf_trim(line);
    char *equals = strchr(name, '=');
    const struct ckpt_conf_key *key;
    const struct setting *old;
    const char *station, *value;

    if (*name == '\0' || *name == '#')
        return 0;
    if (!equals)
        return ckpt_err_set(err, EINVAL, "\"%s\" is not `key = value`", name);
    *equals = '\0';
    name = ckpt_conf_trim(name);
    value = ckpt_conf_trim(equals + 1);
    if (resolve(conf, name, &key, &station, err) ||
        value_check(key, value, err))
        return -1;
    old = find_setting(conf, key, station);
    if (old && !strncmp(old->where, file, strlen(file)) &&
        old->where[strlen(file)] == ':')
        return ckpt_err_set(err, EINVAL, "%s is set already at %s", name,
                            old->where);
    return setting_put(conf, key, station, value, where, err);
}

int ckpt_conf_load(struct ckpt_conf *conf, const char *path,
                   struct ckpt_err *err)
{
    FILE *in = fopen(path, "re");
    char *line = NULL, where[4200];
    size_t size = 0;
    ssize_t len;
    int result = 0;

    if (!in)
        return ckpt_err_sys(err, "%s", path);
    for (int n = 1; result == 0 && (len = getline(&line, &size, in)) > 0; n++) {
        snprintf(where, sizeof where, "%s:%d", path, n);
        if (strlen(line) != (size_t)len)
            result = ckpt_err_set(err, EINVAL, "holds a NUL byte");
        else
            result = load_line(conf, line, where, path, err);
        if (result)
            ckpt_err_prefix(err, "%s", where);
    }
    if (result == 0 && ferror(in))
        result = ckpt_err_sys(err, "%s", path);
    free(line);
    fclose(in);
    return result;
}

/* --- asking -------------------------------------------------------------- */

static const struct setting *setting_of(const struct ckpt_conf *conf,
                                        const char *name, const char *station)
{
    const struct ckpt_conf_key *key = find_key(conf->keys, name, strlen(name));
    const struct setting *own;

    if (!key)
        abort();
    own = station ? find_setting(conf, key, station) : NULL;
    return own ? own : find_setting(conf, key, NULL);
}

const char *ckpt_conf_value(const struct ckpt_conf *conf, const char *key,
                            const char *station)
{
    return setting_of(conf, key, station)->value;
}

bool ckpt_conf_given(const struct ckpt_conf *conf, const char *key,
                     const char *station)
{
    return strcmp(setting_of(conf, key, station)->where, DEFAULT_WHERE) != 0;
}

static const char *get(const struct ckpt_conf *conf, const char *name,
                       const char *station, enum ckpt_conf_type type)
{
    const struct setting *found = setting_of(conf, name, station);

    if (found->key->type != type)
        abort();
    return found->value;
}

bool ckpt_conf_bool(const struct ckpt_conf *conf, const char *key,
                    const char *station)
{
    bool value = false;

    parse_bool(get(conf, key, station, CKPT_CONF_BOOL), &value);
    return value;
}

int64_t ckpt_conf_int(const struct ckpt_conf *conf, const char *key,
                      const char *station)
{
    int64_t value = 0;

    parse_int(get(conf, key, station, CKPT_CONF_INT), &value);
    return value;
}

double ckpt_conf_real(const struct ckpt_conf *conf, const char *key,
                      const char *station)
{
    double value = 0;

    parse_real(get(conf, key, station, CKPT_CONF_REAL), &value);
    return value;
}

int64_t ckpt_conf_ms(const struct ckpt_conf *conf, const char *key,
                     const char *station)
{
    int64_t value = 0;

    ckpt_conf_parse_ms(get(conf, key, station, CKPT_CONF_DURATION), &value);
    return value;
}

uint64_t ckpt_conf_size(const struct ckpt_conf *conf, const char *key,
                        const char *station)
{
    uint64_t value = 0;

    ckpt_conf_parse_size(get(conf, key, station, CKPT_CONF_SIZE), &value);
    return value;
}

const char *ckpt_conf_text(const struct ckpt_conf *conf, const char *key,
                           const char *station)
{
    return get(conf, key, station, CKPT_CONF_TEXT);
}

void ckpt_conf_each(const struct ckpt_conf *conf,
                    void (*fn)(const struct ckpt_conf_key *key,
                               const char *station, const char *value,
                               const char *where, void *arg),
                    void *arg)
{
    for (const struct ckpt_conf_key *key = conf->keys; key->name; key++)
        for (int own = 0; own < 2; own++)
            for (size_t i = 0; i < conf->count; i++) {
                const struct setting *s = &conf->settings[i];
                if (s->key == key && !s->station == !own)
                    fn(key, s->station, s->value, s->where, arg);
            }
}
