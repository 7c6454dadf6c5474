/* owner.c - see owner.h */
#include "scheduler/station/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DEVPTS_MAGIC 0x1cd1
enum { INPUT_MAJOR = 13 };

struct owner {
    char *patterns;
    int epoll;
    int inotify;
    uint64_t base_ms; /* when we began to look */
    uint64_t last_ms; /* newest activity of any source, 0: none */
    size_t n;
    struct owner_source sources[OWNER_SOURCES_MAX];
};

struct owner *owner_create(const char *patterns, uint64_t now_ms,
                           struct ckpt_err *err)
{
    struct owner *owner = calloc(1, sizeof *owner);
    struct epoll_event ev = {.events = EPOLLIN};

    if (!owner) {
        ckpt_err_sys(err, "owner detection");
        return NULL;
    }
    owner->base_ms = now_ms;
    owner->patterns = strdup(patterns);
    owner->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    owner->epoll = epoll_create1(EPOLL_CLOEXEC);
    ev.data.ptr = NULL;
    if (!owner->patterns || owner->inotify < 0 || owner->epoll < 0 ||
        epoll_ctl(owner->epoll, EPOLL_CTL_ADD, owner->inotify, &ev) < 0) {
        ckpt_err_sys(err, "owner detection");
        owner_destroy(owner);
        return NULL;
    }
    owner_poll(owner, now_ms);
    return owner;
}

static void source_unwatch(struct owner *owner, struct owner_source *source)
{
    if (source->watch >= 0)
        inotify_rm_watch(owner->inotify, source->watch);
    if (source->fd >= 0)
        close(source->fd);
    source->watch = source->fd = -1;
}

void owner_destroy(struct owner *owner)
{
    int saved = errno;

    if (!owner)
        return;
    for (size_t i = 0; i < owner->n; i++)
        source_unwatch(owner, &owner->sources[i]);
    if (owner->inotify >= 0)
        close(owner->inotify);
    if (owner->epoll >= 0)
        close(owner->epoll);
    free(owner->patterns);
    free(owner);
    errno = saved;
}

int owner_fd(const struct owner *owner)
{
    return owner->epoll;
}

static void source_active(struct owner *owner, struct owner_source *source,
                          uint64_t at_ms)
{
    if (at_ms > source->active_ms)
        source->active_ms = at_ms;
    if (at_ms > owner->last_ms)
        owner->last_ms = at_ms;
}

static struct owner_source *source_find(struct owner *owner, const char *name)
{
    for (size_t i = 0; i < owner->n; i++)
        if (strcmp(owner->sources[i].name, name) == 0)
            return &owner->sources[i];
    return NULL;
}

/* A slot for a new source; one that is gone gives up its place. */
static struct owner_source *source_add(struct owner *owner, const char *name)
{
    struct owner_source *slot = NULL;

    if (strlen(name) >= sizeof slot->name)
        return NULL;
    if (owner->n < OWNER_SOURCES_MAX)
        slot = &owner->sources[owner->n++];
    for (size_t i = 0; !slot && i < owner->n; i++)
        if (!owner->sources[i].present)
            slot = &owner->sources[i];
    if (!slot)
        return NULL;
    *slot = (struct owner_source){.watch = -1, .fd = -1};
    strcpy(slot->name, name);
    return slot;
}

/* Terminals tell of reads and writes through inotify.  Nobody may be reading
 * an input device, so we read those ourselves where we are allowed to. */
static void source_watch(struct owner *owner, struct owner_source *source,
                         const struct stat *st)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = source};

    if (source->watch < 0)
        source->watch = inotify_add_watch(owner->inotify, source->name,
                                          IN_ACCESS | IN_MODIFY);
    if (source->fd >= 0 || !S_ISCHR(st->st_mode) ||
        major(st->st_rdev) != INPUT_MAJOR)
        return;
    source->fd = open(source->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (source->fd >= 0 &&
        epoll_ctl(owner->epoll, EPOLL_CTL_ADD, source->fd, &ev) < 0) {
        close(source->fd);
        source->fd = -1;
    }
}

/* The age of a time stamp; one from the future counts as now. */
static uint64_t stamp_age_ms(time_t sec, long nsec)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms =
        (int64_t)(now.tv_sec - sec) * 1000 + (now.tv_nsec - nsec) / 1000000;
    return ms > 0 ? (uint64_t)ms : 0;
}

static void source_stamp(struct owner *owner, struct owner_source *source,
                         struct timespec stamp, uint64_t now_ms)
{
    bool first = source->stamp == 0;

    if (source->stamp == stamp.tv_sec && source->stamp_nsec == stamp.tv_nsec)
        return;
    source->stamp = stamp.tv_sec;
    source->stamp_nsec = stamp.tv_nsec;
    uint64_t age_ms = first ? stamp_age_ms(stamp.tv_sec, stamp.tv_nsec) : 0;
    /* older than the machine's own clock goes back: the oldest it can tell */
    source_active(owner, source, age_ms < now_ms ? now_ms - age_ms : 1);
}

static struct timespec newest(const struct stat *st)
{
    struct timespec a = st->st_atim, m = st->st_mtim;

    if (a.tv_sec != m.tv_sec)
        return a.tv_sec > m.tv_sec ? a : m;
    return a.tv_nsec > m.tv_nsec ? a : m;
}

static void source_look(struct owner *owner, const char *name, uint64_t now_ms)
{
    struct owner_source *source = source_find(owner, name);
    struct stat st;

    if (!source)
        source = source_add(owner, name);
    if (!source)
        return;
    source->present = true;
    if (stat(name, &st) < 0) {
        source->trusted = false;
        snprintf(source->says, sizeof source->says, "cannot be read: %s",
                 strerror(errno));
        source_unwatch(owner, source);
        return;
    }
    source->trusted = true;
    source_stamp(owner, source, newest(&st), now_ms);
    source_watch(owner, source, &st);
    snprintf(source->says, sizeof source->says, "%s",
             source->fd >= 0      ? "events"
             : source->watch >= 0 ? "watched, and by its times"
                                  : "by its times");
}

/* A directory of pseudo-terminals with none in it says that nobody is logged
 * in; any other pattern that matches nothing says nothing. */
static void pattern_empty(struct owner *owner, const char *pattern)
{
    struct owner_source *source = source_find(owner, pattern);
    const char *slash = strrchr(pattern, '/');
    char dir[PATH_MAX];
    struct statfs fs;

    if (!source)
        source = source_add(owner, pattern);
    if (!source)
        return;
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - pattern) : 0,
             pattern);
    source->present = true;
    source->trusted = statfs(dir, &fs) == 0 && fs.f_type == DEVPTS_MAGIC;
    snprintf(source->says, sizeof source->says, "%s",
             source->trusted ? "no terminal is open" : "no such device");
}

static void pattern_look(struct owner *owner, const char *pattern,
                         uint64_t now_ms)
{
    glob_t found = {0};

    if (!strpbrk(pattern, "*?[")) {
        source_look(owner, pattern, now_ms);
        return;
    }
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            source_look(owner, found.gl_pathv[i], now_ms);
    else
        pattern_empty(owner, pattern);
    globfree(&found);
}

void owner_poll(struct owner *owner, uint64_t now_ms)
{
    char *list = strdup(owner->patterns), *save = NULL;

    for (size_t i = 0; i < owner->n; i++)
        owner->sources[i].present = false;
    if (list)
        for (char *p = strtok_r(list, " \t,", &save); p;
             p = strtok_r(NULL, " \t,", &save))
            pattern_look(owner, p, now_ms);
    free(list);
    for (size_t i = 0; i < owner->n; i++) {
        struct owner_source *source = &owner->sources[i];
        if (source->present)
            continue;
        source->trusted = false;
        source->stamp = 0;
        source_unwatch(owner, source);
        snprintf(source->says, sizeof source->says, "gone");
    }
}

/* Activity from an inotify watch; a watch that is no more (its terminal was
 * closed) is forgotten. */
static bool watch_event(struct owner *owner, const struct inotify_event *event,
                        uint64_t now_ms)
{
    for (size_t i = 0; i < owner->n; i++) {
        struct owner_source *source = &owner->sources[i];
        if (source->watch != event->wd)
            continue;
        if (event->mask & IN_IGNORED) {
            source->watch = -1;
            return false;
        }
        source_active(owner, source, now_ms);
        return true;
    }
    return false;
}

static bool read_watches(struct owner *owner, uint64_t now_ms)
{
    char buf[4096] __attribute__((aligned(8)));
    bool seen = false;
    ssize_t n;

    while ((n = read(owner->inotify, buf, sizeof buf)) > 0) {
        for (char *at = buf; at < buf + n;) {
            const struct inotify_event *event = (const void *)at;
            if (watch_event(owner, event, now_ms))
                seen = true;
            at += sizeof *event + event->len;
        }
    }
    return seen;
}

static bool read_device(struct owner *owner, struct owner_source *source,
                        uint64_t now_ms)
{
    char buf[4096];
    bool seen = false;
    ssize_t n;

    while ((n = read(source->fd, buf, sizeof buf)) > 0)
        seen = true;
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(source->fd);
        source->fd = -1;
    }
    if (seen)
        source_active(owner, source, now_ms);
    return seen;
}

bool owner_seen(struct owner *owner, uint64_t now_ms)
{
    struct epoll_event events[16];
    bool seen = false;

    int n = epoll_wait(owner->epoll, events, 16, 0);
    for (int i = 0; i < n; i++) {
        struct owner_source *source = events[i].data.ptr;
        if (source ? read_device(owner, source, now_ms)
                   : read_watches(owner, now_ms))
            seen = true;
    }
    return seen;
}

bool owner_trusted(const struct owner *owner)
{
    for (size_t i = 0; i < owner->n; i++)
        if (owner->sources[i].present && owner->sources[i].trusted)
            return true;
    return false;
}

bool owner_sees_input(const struct owner *owner)
{
    for (size_t i = 0; i < owner->n; i++)
        if (owner->sources[i].present && owner->sources[i].fd >= 0)
            return true;
    return false;
}

uint64_t owner_idle_ms(const struct owner *owner, uint64_t now_ms)
{
    uint64_t last = owner->last_ms ? owner->last_ms : owner->base_ms;

    return now_ms > last ? now_ms - last : 0;
}

const struct owner_source *owner_sources(const struct owner *owner, size_t *n)
{
    *n = owner->n;
    return owner->sources;
}
