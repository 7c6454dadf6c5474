/* jobrecord.c - see jobdir.h: `exit` and the lines of `events` */
#include "shadow/jobdir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const how_names[] = {
    [JOBEXIT_EXITED] = "exited",   [JOBEXIT_SIGNALED] = "signaled",
    [JOBEXIT_VACATED] = "vacated", [JOBEXIT_FAILED] = "failed",
    [JOBEXIT_LOST] = "lost",
};

static const char *const event_names[] = {
    [JOBEVENT_STARTED] = "started",   [JOBEVENT_SUSPENDED] = "suspended",
    [JOBEVENT_RESUMED] = "resumed",   [JOBEVENT_CHECKPOINTED] = "checkpointed",
    [JOBEVENT_REFUSED] = "refused",   [JOBEVENT_EXITED] = "exited",
    [JOBEVENT_FAILED] = "failed",     [JOBEVENT_ROLLED_BACK] = "rolled-back",
    [JOBEVENT_CONFLICT] = "conflict", [JOBEVENT_DENIED] = "denied",
    [JOBEVENT_LOST] = "lost",         [JOBEVENT_LOG] = "log",
    [JOBEVENT_MIGRATE] = "migrate",
};

static const char *name_of(const char *const *names, size_t count, unsigned i)
{
    return i > 0 && i < count ? names[i] : "unknown";
}

/* The index of `name`, 0 if there is none. */
static unsigned index_of(const char *const *names, size_t count,
                         const char *name)
{
    for (unsigned i = 1; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

#define COUNT(names) (sizeof(names) / sizeof(names)[0])

const char *jobexit_how_name(enum jobexit_how how)
{
    return name_of(how_names, COUNT(how_names), how);
}

const char *jobevent_name(enum jobevent_kind kind)
{
    return name_of(event_names, COUNT(event_names), kind);
}

/* Copies a line's escaped text into its place in a record. */
static int take_text(char text[JOBDIR_TEXT_MAX + 1], const char *escaped)
{
    char *copy = strdup(escaped);

    if (!copy)
        return -1;
    int rc = jobdir_unescape(copy);
    if (rc == 0 && strlen(copy) > JOBDIR_TEXT_MAX) {
        errno = EINVAL;
        rc = -1;
    }
    if (rc == 0)
        memcpy(text, copy, strlen(copy) + 1);
    free(copy);
    return rc;
}

int jobexit_write(const char *dir, const struct jobexit *ended,
                  struct ckpt_err *err)
{
    char text[3 * JOBDIR_TEXT_MAX + 256];
    char *escaped = jobdir_escape(ended->text);

    if (!escaped)
        return ckpt_err_set(err, ENOMEM, "exit: out of memory");
    int n = snprintf(text, sizeof text,
                     "ckpt-exit 1\nhow = %s\nstatus = %d\nepoch = %u\n"
                     "generation = %u\ncpu_usec = %" PRIu64 "\n"
                     "home_cpu_usec = %" PRIu64 "\nsent = %" PRIu64
                     "\nreceived = %" PRIu64 "\ntext = %s\n",
                     jobexit_how_name(ended->how), ended->status, ended->epoch,
                     ended->generation, ended->cpu_usec, ended->home_cpu_usec,
                     ended->sent, ended->received, escaped);
    free(escaped);
    return jobdir_file_write(dir, "exit", text, (size_t)n, err);
}

/* What a shadow from before the usage was counted wrote has none. */
static int parse_usage(const char *text, struct jobexit *ended)
{
    int at = 0;

    if (sscanf(text,
               "home_cpu_usec = %" SCNu64 "\nsent = %" SCNu64
               "\nreceived = %" SCNu64 "\n%n",
               &ended->home_cpu_usec, &ended->sent, &ended->received, &at) != 3)
        ended->home_cpu_usec = ended->sent = ended->received = 0;
    return at;
}

static int parse_exit(char *text, struct jobexit *ended)
{
    static const char name[] = "text = ";
    char how[16];
    int at = 0;

    int n = sscanf(text,
                   "ckpt-exit 1\nhow = %15s\nstatus = %d\nepoch = %u\n"
                   "generation = %u\ncpu_usec = %" SCNu64 "\n%n",
                   how, &ended->status, &ended->epoch, &ended->generation,
                   &ended->cpu_usec, &at);
    if (n == 5 && at > 0)
        at += parse_usage(text + at, ended);
    char *end = strchr(text + at, '\n');
    if (n != 5 || at == 0 || strncmp(text + at, name, strlen(name)) != 0 ||
        !end || end[1]) {
        errno = EINVAL;
        return -1;
    }
    *end = '\0';
    ended->how = (enum jobexit_how)index_of(how_names, COUNT(how_names), how);
    if (ended->how == 0) {
        errno = EINVAL;
        return -1;
    }
    return take_text(ended->text, text + at + (int)strlen(name));
}

int jobexit_read(const char *dir, struct jobexit *ended, struct ckpt_err *err)
{
    struct jobexit found = {0};
    size_t len;

    char *text = jobdir_file_read(dir, "exit", 4096, &len, err);
    if (!text)
        return -1;
    int rc = parse_exit(text, &found);
    free(text);
    if (rc < 0)
        return ckpt_err_sys(err, "%s/exit", dir);
    *ended = found;
    return 0;
}

size_t jobevent_format(const struct jobevent *event, char *line, size_t size)
{
    char text[JOBDIR_TEXT_MAX + 1];

    snprintf(text, sizeof text, "%s", event->text);
    char *escaped = jobdir_escape(text);
    int n = snprintf(
        line, size, "%" PRId64 " %u %s %d %" PRIu64 " %" PRIu64 " %s\n",
        event->time_usec, event->epoch, jobevent_name(event->kind),
        event->value, event->cpu_usec, event->size, escaped ? escaped : "");
    free(escaped);
    return n < 0 ? 0 : (size_t)n;
}

int jobevent_parse(const char *line, struct jobevent *event)
{
    struct jobevent found = {0};
    char name[24];
    int at = 0;

    int n = sscanf(line, "%" SCNd64 " %u %23s %d %" SCNu64 " %" SCNu64 "%n",
                   &found.time_usec, &found.epoch, name, &found.value,
                   &found.cpu_usec, &found.size, &at);
    if (n != 6 || line[at] != ' ') {
        errno = EINVAL;
        return -1;
    }
    found.kind =
        (enum jobevent_kind)index_of(event_names, COUNT(event_names), name);
    if (found.kind == 0) {
        errno = EINVAL;
        return -1;
    }
    if (take_text(found.text, line + at + 1) < 0)
        return -1;
    *event = found;
    return 0;
}
