/* record_job.c - see server.h: what is told to the home station */
#include "lib/common/io.h"
#include "lib/undo/map.h"
#include "shadow/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LINGER_MS = 2000, DENIED_LINES_MAX = 50 };

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void shadow_log(struct shadow *shadow, const char *fmt, ...)
{
    char text[JOBDIR_TEXT_MAX + 1], line[JOBDIR_TEXT_MAX + 128], when[32];
    struct timespec now;
    struct tm tm;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    int n =
        snprintf(line, sizeof line, "%s.%03ldZ job %llu.%u: %s\n", when,
                 now.tv_nsec / 1000000, (unsigned long long)shadow->spec.job,
                 shadow->spec.epoch, text);
    (void)ckpt_write_full(shadow->log_fd, line, (size_t)n);
}

void tell_event(struct shadow *shadow, enum jobevent_kind kind, int value,
                uint64_t cpu_usec, uint64_t size, const char *text)
{
    struct jobevent event = {
        .epoch = shadow->spec.epoch,
        .kind = kind,
        .value = value,
        .cpu_usec = cpu_usec,
        .size = size,
    };
    char line[JOBEVENT_LINE_MAX];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    event.time_usec = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    snprintf(event.text, sizeof event.text, "%s", text);
    size_t n = jobevent_format(&event, line, sizeof line);
    if (ckpt_write_full(shadow->events_fd, line, n) < 0)
        shadow_log(shadow, "events: error %d", errno);
    shadow_log(shadow, "%s %d %s", jobevent_name(kind), value, text);
}

/* Once for each path. */
static void tell_denied(struct shadow *shadow, const char *path,
                        const char *what)
{
    static char yes;
    char text[JOBDIR_TEXT_MAX];

    if (!shadow->told && !(shadow->told = map_create()))
        return;
    if (shadow->denied >= DENIED_LINES_MAX ||
        map_get(shadow->told, path, strlen(path)) ||
        map_put(shadow->told, path, strlen(path), &yes) < 0)
        return;
    shadow->denied++;
    snprintf(text, sizeof text, "%.400s %s%s", path, what,
             shadow->denied == DENIED_LINES_MAX ? " (no more such lines)" : "");
    tell_event(shadow, JOBEVENT_DENIED, 0, 0, 0, text);
}

void shadow_denied(struct shadow *shadow, const char *path)
{
    tell_denied(shadow, path, "is outside its grants");
}

void shadow_over_limit(struct shadow *shadow, struct quota *quota, int fd)
{
    char link[32], path[PATH_MAX] = "a file", what[64];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n > 0)
        path[n] = '\0';
    snprintf(what, sizeof what, "would go over the grant's limit of %llu bytes",
             (unsigned long long)quota->limit);
    tell_denied(shadow, path, what);
}

void shadow_count(struct shadow *shadow, const struct ckpt_serve_conn *conn)
{
    uint64_t came, went;

    if (ckpt_serve_traffic(conn, &came, &went) < 0)
        return;
    shadow->sent += came;
    shadow->received += went;
}

/* Those that are still open count as well. */
static void end_usage(struct shadow *shadow, struct jobexit *ended)
{
    struct rusage usage;

    for (size_t i = 0; i < sizeof shadow->sessions / sizeof shadow->sessions[0];
         i++)
        if (shadow->sessions[i].conn)
            shadow_count(shadow, shadow->sessions[i].conn);
    ended->sent = shadow->sent;
    ended->received = shadow->received;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        ended->home_cpu_usec =
            (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
                1000000 +
            (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void shadow_end(struct shadow *shadow, enum jobexit_how how, int status,
                uint64_t cpu_usec, const char *text)
{
    struct jobexit *ended = &shadow->ended;
    struct ckpt_err err;

    if (ended->how)
        return;
    *ended = (struct jobexit){
        .how = how,
        .status = status,
        .epoch = shadow->spec.epoch,
        .generation = shadow->images.current,
        .cpu_usec = cpu_usec,
    };
    end_usage(shadow, ended);
    if (files_sync(shadow) < 0)
        shadow_log(shadow, "files may not be durable: error %d", errno);
    if (shadow->conflicts)
        snprintf(ended->text, sizeof ended->text,
                 "%.400s%s%u file(s) changed by others; see %.60s", text,
                 *text ? "; " : "", shadow->conflicts, "conflicts/");
    else
        snprintf(ended->text, sizeof ended->text, "%s", text);
    survive_remove(shadow->dirfd); /* the token is in it */
    if (jobexit_write(shadow->dir, ended, &err) < 0)
        shadow_log(shadow, "cannot record the end: %s", err.text);
    else if (how == JOBEXIT_EXITED &&
             journal_discard(shadow->journal, &err) < 0)
        shadow_log(shadow, "journal stays: %s", err.text);
    shadow_log(shadow, "end: %s %d %s", jobexit_how_name(how), status,
               ended->text);
    shadow->linger_until = now_ms() + LINGER_MS;
}
