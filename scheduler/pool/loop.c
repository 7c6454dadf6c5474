/* loop.c - see loop.h */
#include "scheduler/pool/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, FDS_MAX = 1 << 20 };

/* By descriptor number, so that an event for one that was unwatched, and
 * perhaps reused, while the batch was handled is recognised by its turn. */
struct watch {
    loop_fn *fn; /* NULL: not watched */
    void *arg;
    uint32_t turn;
};

struct loop {
    int epoll;
    bool stopped;
    uint32_t turn;
    struct watch *watches;
    size_t size;
};

uint64_t loop_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct loop *loop_create(struct ckpt_err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (loop)
        loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!loop || loop->epoll < 0) {
        ckpt_err_sys(err, "event loop");
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    close(loop->epoll);
    free(loop->watches);
    free(loop);
}

static int make_room(struct loop *loop, int fd)
{
    size_t size = loop->size ? loop->size : 64;

    if (fd < 0 || fd >= FDS_MAX) {
        errno = EBADF;
        return -1;
    }
    while (size <= (size_t)fd)
        size *= 2;
    if (size == loop->size)
        return 0;
    struct watch *more = realloc(loop->watches, size * sizeof *more);
    if (!more)
        return -1;
    for (size_t i = loop->size; i < size; i++)
        more[i] = (struct watch){.fn = NULL};
    loop->watches = more;
    loop->size = size;
    return 0;
}

static uint64_t event_key(const struct loop *loop, int fd)
{
    return (uint64_t)loop->watches[fd].turn << 32 | (uint32_t)fd;
}

int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fn *fn,
               void *arg)
{
    if (make_room(loop, fd) < 0)
        return -1;
    loop->watches[fd] =
        (struct watch){.fn = fn, .arg = arg, .turn = ++loop->turn};
    struct epoll_event ev = {.events = events, .data.u64 = event_key(loop, fd)};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
        loop->watches[fd].fn = NULL;
        return -1;
    }
    return 0;
}

int loop_change(struct loop *loop, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.u64 = event_key(loop, fd)};

    return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &ev);
}

void loop_unwatch(struct loop *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->size || !loop->watches[fd].fn)
        return;
    loop->watches[fd].fn = NULL;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void handle(struct loop *loop, const struct epoll_event *ev)
{
    size_t fd = (uint32_t)ev->data.u64;

    if (fd >= loop->size || !loop->watches[fd].fn ||
        loop->watches[fd].turn != ev->data.u64 >> 32)
        return;
    loop->watches[fd].fn(loop->watches[fd].arg, ev->events);
}

int loop_run(struct loop *loop, int (*tick)(void *arg), void *arg)
{
    struct epoll_event events[EVENTS];

    while (!loop->stopped) {
        int wait_ms = tick(arg);
        if (loop->stopped)
            break;
        int n = epoll_wait(loop->epoll, events, EVENTS, wait_ms);
        if (n < 0 && errno != EINTR)
            return -1;
        for (int i = 0; i < n; i++)
            handle(loop, &events[i]);
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}
