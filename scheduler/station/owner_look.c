/* owner_look.c - see owner.h: terminals and devices by their names */
#include "scheduler/station/owner_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define DEVPTS_MAGIC 0x1cd1

/* Terminals tell of reads and writes through inotify.  Nobody may be reading
 * an input device, so we read those ourselves where we are allowed to. */
static void source_watch(struct owner *owner, struct owner_source *source,
                         const struct stat *st)
{
    if (source->watch < 0)
        source->watch = inotify_add_watch(owner->inotify, source->name,
                                          IN_ACCESS | IN_MODIFY);
    if (source->fd >= 0 || !S_ISCHR(st->st_mode) ||
        major(st->st_rdev) != OWNER_INPUT_MAJOR)
        return;
    owner_listen(owner, source,
                 open(source->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
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
    owner_active(owner, source, age_ms < now_ms ? now_ms - age_ms : 1);
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
    struct owner_source *source = owner_find(owner, name);
    struct stat st;

    if (!source)
        source = owner_add(owner, name);
    if (!source)
        return;
    source->present = true;
    if (stat(name, &st) < 0) {
        source->trusted = false;
        snprintf(source->says, sizeof source->says, "cannot be read: %s",
                 strerror(errno));
        owner_unwatch(owner, source);
        return;
    }
    source_stamp(owner, source, newest(&st), now_ms);
    source_watch(owner, source, &st);
    source->trusted = source->fd >= 0 || !owner_is_input(owner, name, &st);
    snprintf(source->says, sizeof source->says, "%s",
             source->fd >= 0      ? "events"
             : !source->trusted   ? "may not be read, see ckpt-input(8)"
             : source->watch >= 0 ? "watched, and by its times"
                                  : "by its times");
}

/* A directory of pseudo-terminals with none in it says that nobody is logged
 * in; any other pattern that matches nothing says nothing. */
static void pattern_empty(struct owner *owner, const char *pattern)
{
    struct owner_source *source = owner_find(owner, pattern);
    const char *slash = strrchr(pattern, '/');
    char dir[PATH_MAX];
    struct statfs fs;

    if (!source)
        source = owner_add(owner, pattern);
    if (!source)
        return;
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - pattern) : 0,
             pattern);
    source->present = true;
    source->trusted = statfs(dir, &fs) == 0 && fs.f_type == DEVPTS_MAGIC;
    snprintf(source->says, sizeof source->says, "%s",
             source->trusted ? "no terminal is open" : "no such device");
}

void owner_look(struct owner *owner, const char *pattern, uint64_t now_ms)
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
