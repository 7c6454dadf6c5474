/* settings.c - see settings.h */
#include "lib/capture/settings.h"

#include "lib/common/sys.h"
#include "lib/common/units.h"
#include "lib/image/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEEP_MAX = 1000, MERGE = 15, MERGE_MAX = 1000 };

static int bad(const char *name, const char *value, const char *wanted,
               struct ckpt_err *err)
{
    return ckpt_err_set(err, EINVAL, "%s=%s is not valid: %s", name, value,
                        wanted);
}

/* "TERM", "SIGTERM" or a number. */
static int parse_signal(const char *text, int32_t *sig)
{
    const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    char *end;
    long number = strtol(text, &end, 10);

    if (*end != '\0')
        number = 0;
    for (int i = 1; number == 0 && i < NSIG; i++) {
        const char *abbrev = sigabbrev_np(i);
        if (abbrev && strcmp(abbrev, name) == 0)
            number = i;
    }
    if (number <= 0 || number >= NSIG || number == SIGKILL || number == SIGSTOP)
        return -1;
    *sig = (int32_t)number;
    return 0;
}

/* Copy a path, made absolute. */
static int take_path(const char *value, char *out, size_t size)
{
    char cwd[4096] = "";

    if (*value != '/' && *value != '\0') {
        if (ckpt_sys(SYS_getcwd, cwd, sizeof cwd) < 0)
            return -1;
        return (size_t)snprintf(out, size, "%s/%s", cwd, value) < size ? 0 : -1;
    }
    return (size_t)snprintf(out, size, "%s", value) < size ? 0 : -1;
}

static int take_every(const char *value, struct ckpt_settings *s)
{
    uint64_t ms;

    s->every_auto = strcmp(value, "auto") == 0;
    if (s->every_auto)
        return 0;
    if (ckpt_parse_duration_ms(value, &ms) < 0 || ms > UINT32_MAX)
        return -1;
    s->every_ms = (uint32_t)ms;
    return 0;
}

static int take_most(const char *value, struct ckpt_settings *s)
{
    uint64_t ms;

    if (ckpt_parse_duration_ms(value, &ms) < 0 || ms == 0 || ms > UINT32_MAX)
        return -1;
    s->most_ms = (uint32_t)ms;
    return 0;
}

static int take_mtbf(const char *value, struct ckpt_settings *s)
{
    uint64_t ms;

    if (ckpt_parse_duration_ms(value, &ms) < 0 || ms == 0)
        return -1;
    s->mtbf_ms = ms;
    return 0;
}

static int take_count(const char *value, long most, uint32_t *count)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (*end != '\0' || n < 1 || n > most)
        return -1;
    *count = (uint32_t)n;
    return 0;
}

static int take_keep(const char *value, struct ckpt_settings *s)
{
    return take_count(value, KEEP_MAX, &s->keep);
}

static int take_threads(const char *value, struct ckpt_settings *s)
{
    return take_count(value, CKPT_WORKERS_MAX, &s->threads);
}

static int take_codec(const char *value, struct ckpt_settings *s)
{
    enum ckpt_codec c;

    if (ckpt_codec_parse(value, &c, NULL) < 0)
        return -1;
    s->codec = (uint32_t)c;
    return 0;
}

static int take_signal(const char *value, struct ckpt_settings *s)
{
    return parse_signal(value, &s->signal);
}

static int take_exit_on(const char *value, struct ckpt_settings *s)
{
    return parse_signal(value, &s->exit_on);
}

static int take_image(const char *value, struct ckpt_settings *s)
{
    return take_path(value, s->image, sizeof s->image);
}

static int take_log(const char *value, struct ckpt_settings *s)
{
    return take_path(value, s->log, sizeof s->log);
}

static int take_incremental(const char *value, struct ckpt_settings *s)
{
    s->incremental = strcmp(value, "on") == 0;
    return s->incremental || strcmp(value, "off") == 0 ? 0 : -1;
}

/* "off" is for those who want to be sure that nothing is followed. */
static int take_dirty(const char *value, struct ckpt_settings *s)
{
    static const char *const names[] = {"auto", "uffd", "softdirty", "hash"};

    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(value, names[i]) == 0) {
            s->dirty = i;
            return 0;
        }
    s->incremental = 0;
    return strcmp(value, "off") == 0 ? 0 : -1;
}

static int take_merge(const char *value, struct ckpt_settings *s)
{
    s->merge = 0;
    return strcmp(value, "off") == 0 ? 0
                                     : take_count(value, MERGE_MAX, &s->merge);
}

/* The command ckpt in $PATH; "" when there is none. */
static void find_merger(char *path, size_t size)
{
    const char *at = getenv("PATH");

    while (at && *at) {
        size_t len = strcspn(at, ":");
        int n = snprintf(path, size, "%.*s/ckpt", (int)len, at);
        if (*at == '/' && n > 0 && (size_t)n < size && access(path, X_OK) == 0)
            return;
        at += len + (at[len] == ':');
    }
    path[0] = '\0';
}

static int default_image(struct ckpt_settings *s)
{
    char name[64];

    snprintf(name, sizeof name, "%.50s.ckpt", program_invocation_short_name);
    return take_path(name, s->image, sizeof s->image);
}

static const char a_duration[] = "90s, 15m, 2h, 1d";
static const char a_signal[] = "a signal that can be caught, as TERM or 15";
static const char a_path[] = "a path of at most 4095 bytes";

static const struct {
    const char *name;
    int (*take)(const char *value, struct ckpt_settings *settings);
    const char *wanted;
} variables[] = {
    {"CKPT_IMAGE", take_image, a_path},
    {"CKPT_EVERY", take_every, "90s, 15m, 2h, or auto"},
    {"CKPT_EVERY_MOST", take_most, a_duration},
    {"CKPT_MTBF", take_mtbf, a_duration},
    {"CKPT_KEEP", take_keep, "a number from 1 to 1000"},
    {"CKPT_CODEC", take_codec, "none, zstd or zlib"},
    {"CKPT_THREADS", take_threads, "a number of threads"},
    {"CKPT_SIGNAL", take_signal, a_signal},
    {"CKPT_EXIT_ON", take_exit_on, a_signal},
    {"CKPT_INCREMENTAL", take_incremental, "on or off"},
    {"CKPT_DIRTY", take_dirty, "auto, uffd, softdirty, hash or off"},
    {"CKPT_MERGE", take_merge, "a number of increments, or off"},
    {"CKPT_LOG", take_log, a_path},
};

int ckpt_settings_files(struct ckpt_err *err)
{
    const char *v = getenv("CKPT_FILES");

    if (!v || !*v || strcmp(v, "track") == 0)
        return 0;
    return strcmp(v, "save") == 0 ? 1
                                  : bad("CKPT_FILES", v, "track or save", err);
}

int ckpt_settings_from_env(struct ckpt_settings *s, struct ckpt_err *err)
{
    memset(s, 0, sizeof *s);
    s->keep = 1;
    s->signal = SIGUSR2;
    s->merge = MERGE;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *v = getenv(variables[i].name);
        if (v && *v && variables[i].take(v, s) < 0)
            return bad(variables[i].name, v, variables[i].wanted, err);
    }
    if (s->image[0] == '\0' && default_image(s) < 0)
        return ckpt_err_set(err, EINVAL, "no place for the image");
    if (s->incremental && s->merge)
        find_merger(s->merger, sizeof s->merger);
    return 0;
}

int ckpt_settings_place(const char *image, struct ckpt_err *err)
{
    char dir[4096 + 2]; /* and "/." */
    size_t len = (size_t)(strrchr(image, '/') - image);

    memcpy(dir, image, len);
    strcpy(dir + len, "/.");
    long rc = ckpt_sys(SYS_faccessat, AT_FDCWD, dir, W_OK | X_OK);
    if (rc == 0)
        return 0;
    dir[len] = '\0';
    errno = (int)-rc;
    return ckpt_err_sys(err, "no image can be written in %s", len ? dir : "/");
}
