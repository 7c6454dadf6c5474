/* timers.c - see timers.h */
#include "lib/capture/timers.h"

#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RESTORE_IDS = 77, /* PR_TIMER_CREATE_RESTORE_IDS, Linux 6.15 */
    ID_TRIES = 1 << 20,
    CLOCK_OF_PROCESS = -6, /* its time on processors, to the system call */
};

/* --- looking ------------------------------------------------------------- */

static bool is_own(uint64_t value)
{
    uint64_t state = (uint64_t)(uintptr_t)&ckpt_capture_state;

    return value >= state && value < state + sizeof ckpt_capture_state;
}

static const char *after(const char *at, const char *name)
{
    const char *p = at ? strstr(at, name) : NULL;

    return p ? p + strlen(name) : NULL;
}

static struct ckpt_thread *find_thread(int tid)
{
    size_t count;
    struct ckpt_thread *t = ckpt_stop_threads(&count);

    while (t && t->tid != tid)
        t = t->next;
    return t;
}

/* "signal/pid.N", "none/pid.N", "signal/tid.N" */
static int parse_notify(struct ckpt_timer *t, const char *at,
                        struct ckpt_err *err)
{
    const char *to = strchr(at, '/');

    t->notify = strncmp(at, "none", 4) == 0 ? SIGEV_NONE : SIGEV_SIGNAL;
    if (!to || strncmp(to, "/tid.", 5) != 0)
        return 0;
    t->notify = SIGEV_THREAD_ID;
    t->thread = find_thread(atoi(to + 5));
    if (!t->thread)
        return ckpt_err_set(err, EBUSY,
                            "timer %d is for a thread that has ended", t->id);
    return 0;
}

static bool is_movable(int clock)
{
    return clock >= 0 ? clock != CLOCK_THREAD_CPUTIME_ID
                      : clock <= CLOCK_OF_PROCESS && clock >= -8;
}

static uint64_t ns_of(const struct timespec *ts)
{
    return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

static int look_time(struct ckpt_timer *t, struct ckpt_err *err)
{
    struct itimerspec it = {{0, 0}, {0, 0}};

    if (!is_movable(t->clock))
        return ckpt_err_set(err, EBUSY,
                            "timer %d runs on the processor time of a thread",
                            t->id);
    if (ckpt_sys(SYS_timer_gettime, t->id, &it) < 0)
        return ckpt_err_set(err, EBUSY, "timer %d cannot be read", t->id);
    t->left_ns = ns_of(&it.it_value);
    t->interval_ns = ns_of(&it.it_interval);
    return 0;
}

/* Four lines for each timer; returns where the next one begins. */
static const char *parse_timer(struct ckpt_timer *t, const char *at,
                               struct ckpt_err *err)
{
    const char *signal = after(at, "signal: ");
    const char *value = signal ? strchr(signal, '/') : NULL;
    const char *notify = after(value, "notify: ");
    const char *clock = after(notify, "ClockID: ");

    memset(t, 0, sizeof *t);
    if (!clock) {
        ckpt_err_set(err, EPROTO, "/proc/self/timers has an unknown form");
        return NULL;
    }
    t->id = atoi(at + strlen("ID: "));
    t->signal = atoi(signal);
    t->value = strtoull(value + 1, NULL, 16);
    t->clock = atoi(clock);
    if (!is_own(t->value) &&
        (parse_notify(t, notify, err) < 0 || look_time(t, err) < 0))
        return NULL;
    const char *end = strchr(clock, '\n');
    return end ? end + 1 : "";
}

/* In order of their ids, so that each can be waited for in turn. */
static int add_timer(struct ckpt_timers *timers, const struct ckpt_timer *t,
                     struct ckpt_err *err)
{
    size_t i = timers->count;

    if (i == CKPT_TIMERS_MAX)
        return ckpt_err_set(err, EBUSY, "the program has more than %d timers",
                            CKPT_TIMERS_MAX);
    for (; i > 0 && timers->entries[i - 1].id > t->id; i--)
        timers->entries[i] = timers->entries[i - 1];
    timers->entries[i] = *t;
    timers->count++;
    return 0;
}

/* Kernels without /proc/self/timers: there must be none of the program's. */
static int look_blindly(struct ckpt_err *err)
{
    struct itimerspec it;

    for (int id = 0; id < CKPT_TIMERS_MAX; id++)
        if (ckpt_sys(SYS_timer_gettime, id, &it) == 0 &&
            !(ckpt_capture_state.has_timer && id == ckpt_capture_state.timer))
            return ckpt_err_set(err, EBUSY,
                                "the program has a timer (timer_create), and "
                                "this kernel has no /proc/self/timers");
    return 0;
}

int ckpt_timers_look(struct ckpt_timers *timers, struct ckpt_arena *arena,
                     struct ckpt_err *err)
{
    struct ckpt_timer t;
    size_t room;
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/timers",
                       O_RDONLY | O_CLOEXEC);

    timers->count = 0;
    if (fd < 0)
        return look_blindly(err);
    char *text = ckpt_arena_rest(arena, &room);
    ssize_t n = ckpt_read_full((int)fd, text, room - 1);
    ckpt_sys(SYS_close, fd);
    if (n < 0 || (size_t)n == room - 1)
        return ckpt_err_set(err, EIO, "/proc/self/timers cannot be read");
    text[n] = '\0';
    for (const char *at = text; *at;) {
        at = parse_timer(&t, at, err);
        if (!at || (!is_own(t.value) && add_timer(timers, &t, err) < 0))
            return -1;
    }
    return 0;
}

/* --- making -------------------------------------------------------------- */

/* Ids are given in order: take them until the right one comes, unless the
 * kernel can be asked for it. */
static long create(const struct ckpt_timer *t, struct sigevent *event)
{
    bool asked = ckpt_sys(SYS_prctl, RESTORE_IDS, 1, 0, 0, 0) == 0;
    int id = t->id;
    long rc = ckpt_sys(SYS_timer_create, t->clock, event, &id);

    if (asked)
        ckpt_sys(SYS_prctl, RESTORE_IDS, 0, 0, 0, 0);
    for (int i = 0; rc == 0 && id != t->id; i++) {
        ckpt_sys(SYS_timer_delete, id);
        if (i == ID_TRIES || id > t->id)
            return -EBUSY;
        rc = ckpt_sys(SYS_timer_create, t->clock, event, &id);
    }
    return rc;
}

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000u),
                             (long)(ns % 1000000000u)};
}

static long make(const struct ckpt_timer *t)
{
    struct sigevent event;
    struct itimerspec it = {to_timespec(t->interval_ns),
                            to_timespec(t->left_ns)};

    memset(&event, 0, sizeof event);
    event.sigev_notify = t->notify;
    event.sigev_signo = t->signal;
    event.sigev_value.sival_ptr = (void *)(uintptr_t)t->value;
    if (t->thread)
        event._sigev_un._tid = t->thread->tid;
    long rc = create(t, &event);
    if (rc == 0 && (t->left_ns > 0 || t->interval_ns > 0))
        rc = ckpt_sys(SYS_timer_settime, t->id, 0, &it, NULL);
    return rc;
}

int ckpt_timers_make(const struct ckpt_timers *timers, struct ckpt_err *err)
{
    for (size_t i = 0; i < timers->count; i++) {
        long rc = make(&timers->entries[i]);
        if (rc < 0) {
            errno = (int)-rc;
            return ckpt_err_sys(err, "cannot make timer %d again",
                                timers->entries[i].id);
        }
    }
    return 0;
}
