/* home_watch.c - when to look after a job that runs; see home.h
 *
 * Its shadow tells by appending to `events`, and at last by ending: inotify(7)
 * and a pidfd wake us for both.  So a job of which nothing is wanted costs
 * nothing between the questions to its station.  Whenever something is under
 * way, and where the kernel does not tell, jobs are looked after TICK_MS.
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/station/home.h"

#include "shadow/jobdir.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TICK_MS = 100, TICK_START_MS = 10 };

static void events_came(int fd, short revents, void *arg)
{
    _Alignas(struct inotify_event) char buf[4096];
    struct home *home = arg;
    ssize_t n;

    (void)revents;
    while ((n = read(fd, buf, sizeof buf)) > 0) {
        struct inotify_event *event;
        for (char *at = buf; at < buf + n; at += sizeof *event + event->len) {
            event = (struct inotify_event *)(void *)at;
            for (struct active *a = home->active; a; a = a->next)
                if (event->wd == a->events_wd || (event->mask & IN_Q_OVERFLOW))
                    a->looked_ms = 0;
        }
    }
}

static void forget_shadow(struct home *home, struct active *active)
{
    if (active->shadow_fd < 0)
        return;
    ckpt_serve_unwatch(home->serve, active->shadow_fd);
    close(active->shadow_fd);
    active->shadow_fd = -1;
}

static void shadow_ended(int fd, short revents, void *arg)
{
    struct home *home = arg;

    (void)revents;
    for (struct active *a = home->active; a; a = a->next) {
        if (a->shadow_fd != fd)
            continue;
        forget_shadow(home, a);
        a->looked_ms = 0;
    }
}

int watch_open(struct home *home, struct ckpt_err *err)
{
    home->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (home->inotify >= 0 && ckpt_serve_watch(home->serve, home->inotify,
                                               POLLIN, events_came, home) < 0)
        return ckpt_err_sys(err, "inotify");
    return 0;
}

static bool is_watched(const struct active *active)
{
    return active->events_wd >= 0 && active->shadow_fd >= 0;
}

void watch_begin(struct home *home, struct active *active)
{
    char path[PATH_MAX + 8];

    if (is_watched(active) || home->inotify < 0)
        return;
    snprintf(path, sizeof path, "%s/events", active->dir);
    if (active->events_wd < 0)
        active->events_wd = inotify_add_watch(home->inotify, path, IN_MODIFY);
    pid_t pid = jobdir_shadow_pid(active->dir);
    if (active->shadow_fd >= 0 || pid <= 0)
        return;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return;
    if (ckpt_serve_watch(home->serve, fd, POLLIN, shadow_ended, home) < 0)
        close(fd);
    else
        active->shadow_fd = fd;
}

void watch_end(struct home *home, struct active *active)
{
    forget_shadow(home, active);
    if (active->events_wd >= 0)
        inotify_rm_watch(home->inotify, active->events_wd);
    active->events_wd = -1;
}

uint64_t watch_due_ms(const struct active *active)
{
    if (active->looked_ms == 0)
        return 0;
    if (active->phase == ACTIVE_SHADOW)
        return active->looked_ms + TICK_START_MS;
    if (active->retry_ms > active->looked_ms)
        return active->retry_ms;
    uint64_t due = active->looked_ms + TICK_MS;
    if (!is_watched(active) || active->leave || active->ending_ms ||
        active->stale_ms || active->resumed)
        return due;
    return active->check_ms > due ? active->check_ms : due;
}
