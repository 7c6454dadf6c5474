/* settings.c - see settings.h */
#include "lib/capture/settings.h"

#include "lib/common/sys.h"
#include "lib/common/units.h"
#include "lib/image/workers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad(const char *name, const char *value, struct ckpt_err *err)
{
    return ckpt_err_set(err, EINVAL, "%s=%s is not valid", name, value);
}

/* "TERM", "SIGTERM" or a number. */
static int parse_signal(const char *text, int32_t *sig)
{
    const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    int number = atoi(text);

    for (int i = 1; number == 0 && i < NSIG; i++) {
        const char *abbrev = sigabbrev_np(i);
        if (abbrev && strcmp(abbrev, name) == 0)
            number = i;
    }
    if (number <= 0 || number >= NSIG || number == SIGKILL || number == SIGSTOP)
        return -1;
    *sig = number;
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

static int take_keep(const char *value, uint32_t *keep)
{
    long n = strtol(value, NULL, 10);

    if (n < 1 || n > 1000)
        return -1;
    *keep = (uint32_t)n;
    return 0;
}

static int take_codec(const char *value, uint32_t *codec)
{
    enum ckpt_codec c;

    if (ckpt_codec_parse(value, &c, NULL) < 0)
        return -1;
    *codec = (uint32_t)c;
    return 0;
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

static int take_threads(const char *value, uint32_t *threads)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (*end != '\0' || n < 1 || n > CKPT_WORKERS_MAX)
        return -1;
    *threads = (uint32_t)n;
    return 0;
}

static int default_image(struct ckpt_settings *s)
{
    char name[64];

    snprintf(name, sizeof name, "%.50s.ckpt", program_invocation_short_name);
    return take_path(name, s->image, sizeof s->image);
}

int ckpt_settings_files(struct ckpt_err *err)
{
    const char *v = getenv("CKPT_FILES");

    if (!v || !*v || strcmp(v, "track") == 0)
        return 0;
    return strcmp(v, "save") == 0 ? 1 : bad("CKPT_FILES", v, err);
}

int ckpt_settings_from_env(struct ckpt_settings *s, struct ckpt_err *err)
{
    const char *v;

    memset(s, 0, sizeof *s);
    s->keep = 1;
    s->signal = SIGUSR2;
    if ((v = getenv("CKPT_IMAGE")) && *v) {
        if (take_path(v, s->image, sizeof s->image) < 0)
            return bad("CKPT_IMAGE", v, err);
    } else if (default_image(s) < 0) {
        return ckpt_err_set(err, EINVAL, "no place for the image");
    }
    if ((v = getenv("CKPT_EVERY")) && *v && take_every(v, s) < 0)
        return bad("CKPT_EVERY", v, err);
    if ((v = getenv("CKPT_EVERY_MOST")) && *v && take_most(v, s) < 0)
        return bad("CKPT_EVERY_MOST", v, err);
    if ((v = getenv("CKPT_MTBF")) && *v &&
        (ckpt_parse_duration_ms(v, &s->mtbf_ms) < 0 || s->mtbf_ms == 0))
        return bad("CKPT_MTBF", v, err);
    if ((v = getenv("CKPT_KEEP")) && *v && take_keep(v, &s->keep) < 0)
        return bad("CKPT_KEEP", v, err);
    if ((v = getenv("CKPT_CODEC")) && *v && take_codec(v, &s->codec) < 0)
        return bad("CKPT_CODEC", v, err);
    if ((v = getenv("CKPT_THREADS")) && *v && take_threads(v, &s->threads) < 0)
        return bad("CKPT_THREADS", v, err);
    if ((v = getenv("CKPT_SIGNAL")) && *v && parse_signal(v, &s->signal) < 0)
        return bad("CKPT_SIGNAL", v, err);
    if ((v = getenv("CKPT_EXIT_ON")) && *v && parse_signal(v, &s->exit_on) < 0)
        return bad("CKPT_EXIT_ON", v, err);
    if ((v = getenv("CKPT_INCREMENTAL")) && *v && take_incremental(v, s) < 0)
        return bad("CKPT_INCREMENTAL", v, err);
    if ((v = getenv("CKPT_DIRTY")) && *v && take_dirty(v, s) < 0)
        return bad("CKPT_DIRTY", v, err);
    if ((v = getenv("CKPT_LOG")) && take_path(v, s->log, sizeof s->log) < 0)
        return bad("CKPT_LOG", v, err);
    return 0;
}
