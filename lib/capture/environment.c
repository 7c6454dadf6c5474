/* environment.c - see environment.h */
#include "lib/capture/environment.h"

#include "lib/capture/capture.h"
#include "lib/capture/state.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct ckpt_capture_state *const s = &ckpt_capture_state;

/* Paths are given on as absolute ones, because the program may go elsewhere. */
static const struct {
    const char *name, *value; /* NULL: as it was */
} names[] = {
    {"CKPT_IMAGE", ckpt_capture_state.settings.image},
    {"CKPT_LOG", ckpt_capture_state.settings.log},
    {"CKPT_EVERY", NULL},
    {"CKPT_KEEP", NULL},
    {"CKPT_CODEC", NULL},
    {"CKPT_SIGNAL", NULL},
    {"CKPT_EXIT_ON", NULL},
    {"CKPT_FILES", NULL},
    {"CKPT_INCREMENTAL", NULL},
    {"CKPT_DIRTY", NULL},
    {"CKPT_MERGE", NULL},
    {"CKPT_MTBF", NULL},
    {"CKPT_EVERY_MOST", NULL},
    {"CKPT_FILES_LIMIT", NULL},
    {"CKPT_KEPT_IN", NULL}, /* from `ckpt run` */
};
enum { NAMES = sizeof names / sizeof names[0] };
_Static_assert(NAMES + 2 <= CKPT_ENVIRONMENT_MAX, "room for each");

/* bash has a getenv() and an unsetenv() of its own, which are not ready yet:
 * the entry of `name` is found here. */
static char **find(const char *name)
{
    size_t len = strlen(name);
    char **e = environ;

    while (e && *e && (strncmp(*e, name, len) != 0 || (*e)[len] != '='))
        e++;
    return e && *e ? e : NULL;
}

static char *value_of(const char *name)
{
    char **e = find(name);

    return e ? *e + strlen(name) + 1 : NULL;
}

static void take_out(const char *name)
{
    char **e;

    while ((e = find(name)))
        for (; *e; e++)
            e[0] = e[1];
}

/* Whether libckpt.so, at the start of LD_PRELOAD, was there. */
static bool take_preload(char *out, size_t size)
{
    char *preload = value_of("LD_PRELOAD");
    size_t len = preload ? strcspn(preload, ": ") : 0;

    if (len < 10 || strncmp(preload + len - 10, "libckpt.so", 10) != 0)
        return false;
    snprintf(out, size, "LD_PRELOAD=%.*s", (int)len, preload);
    if (preload[len] == '\0')
        take_out("LD_PRELOAD");
    else
        memmove(preload, preload + len + 1, strlen(preload + len));
    return true;
}

void ckpt_environment_take(void)
{
    const size_t size = sizeof s->environment[0];
    const char *started = value_of("CKPT_STARTED");
    size_t n = 0;

    for (size_t i = 0; i < NAMES; i++) {
        const char *value = value_of(names[i].name);
        if (!value)
            continue;
        snprintf(s->environment[n++], size, "%s=%s", names[i].name,
                 names[i].value ? names[i].value : value);
        take_out(names[i].name);
    }
    if (started)
        snprintf(s->started, sizeof s->started, "%s", started);
    take_out("CKPT_STARTED");
    take_out("CKPT_REMOTE_FD");
    snprintf(s->environment[n++], size, "CKPT_STARTED=%s",
             started ? started : ckpt_capture_program());
    if (take_preload(s->environment[n], size))
        n++;
    s->environment[n][0] = '\0';
    if (strncmp(s->environment[0], "CKPT_IMAGE=", 11) != 0)
        s->environment[0][0] = '\0'; /* not told where: tells nobody */
}

/* libckpt.so comes before what the program has preloaded itself. */
static char *join_preload(const char *ours, const char *theirs)
{
    static char joined[2 * CKPT_PATH_MAX];

    snprintf(joined, sizeof joined, "%s:%s", ours,
             theirs + sizeof "LD_PRELOAD=" - 1);
    return joined;
}

static bool is_preload(const char *entry)
{
    return strncmp(entry, "LD_PRELOAD=", sizeof "LD_PRELOAD=" - 1) == 0;
}

char *const *ckpt_environment_give(char *const *given, char **room, size_t n)
{
    char **preload = NULL;
    size_t k = 0;

    for (size_t i = 0; i < CKPT_ENVIRONMENT_MAX && s->environment[i][0]; i++) {
        if (k + 1 >= n)
            return given;
        if (is_preload(s->environment[i]))
            preload = &room[k];
        room[k++] = s->environment[i];
    }
    for (size_t i = 0; given && given[i]; i++) {
        if (k + 1 >= n)
            return given;
        if (preload && is_preload(given[i]))
            *preload = join_preload(*preload, given[i]);
        else
            room[k++] = given[i];
    }
    room[k] = NULL;
    return room;
}
