/* owner.c - see owner.h */
#include "scheduler/station/owner_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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

void owner_unwatch(struct owner *owner, struct owner_source *source)
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
        owner_unwatch(owner, &owner->sources[i]);
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

void owner_active(struct owner *owner, struct owner_source *source,
                  uint64_t at_ms)
{
    if (at_ms > source->active_ms)
        source->active_ms = at_ms;
    if (at_ms > owner->last_ms)
        owner->last_ms = at_ms;
}

struct owner_source *owner_find(struct owner *owner, const char *name)
{
    for (size_t i = 0; i < owner->n; i++)
        if (strcmp(owner->sources[i].name, name) == 0)
            return &owner->sources[i];
    return NULL;
}

struct owner_source *owner_add(struct owner *owner, const char *name)
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

void owner_listen(struct owner *owner, struct owner_source *source, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = source};

    if (fd >= 0 && epoll_ctl(owner->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
        close(fd);
        fd = -1;
    }
    source->fd = fd;
}

bool owner_is_input(const struct owner *owner, const char *name,
                    const struct stat *st)
{
    size_t len = owner->input_dir ? strlen(owner->input_dir) : 0;

    return (S_ISCHR(st->st_mode) && major(st->st_rdev) == OWNER_INPUT_MAJOR) ||
           (len > 0 && strncmp(name, owner->input_dir, len) == 0 &&
            name[len] == '/');
}

void owner_ask(struct owner *owner, const char *program, const char *dir)
{
    owner->program = program;
    owner->input_dir = dir;
}

void owner_poll(struct owner *owner, uint64_t now_ms)
{
    char *list = strdup(owner->patterns), *save = NULL;

    for (size_t i = 0; i < owner->n; i++)
        owner->sources[i].present = false;
    if (list)
        for (char *p = strtok_r(list, " \t,", &save); p;
             p = strtok_r(NULL, " \t,", &save))
            owner_look(owner, p, now_ms);
    free(list);
    owner_helper_look(owner, now_ms);
    for (size_t i = 0; i < owner->n; i++) {
        struct owner_source *source = &owner->sources[i];
        if (source->present)
            continue;
        source->trusted = false;
        source->stamp = 0;
        owner_unwatch(owner, source);
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
        owner_active(owner, source, now_ms);
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
        owner_active(owner, source, now_ms);
    return seen;
}

bool owner_seen(struct owner *owner, uint64_t now_ms)
{
    struct epoll_event events[16];
    bool seen = false;

    int n = epoll_wait(owner->epoll, events, 16, 0);
    for (int i = 0; i < n; i++) {
        struct owner_source *source = events[i].data.ptr;
        seen |= !source ? read_watches(owner, now_ms)
                : owner_is_helper(source)
                    ? owner_helper_read(owner, source, now_ms)
                    : read_device(owner, source, now_ms);
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
        if (owner->sources[i].present && owner->sources[i].trusted &&
            owner->sources[i].fd >= 0)
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
