/* watching.c - epoll sets, one in another, with their data and modes; inotify
 * with its watches' numbers */
#include "tests/progs/prog.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static void add(int set, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {events, {.u64 = data}};

    prog_check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0);
}

static int next_event(int fd, uint32_t *mask)
{
    _Alignas(struct inotify_event) char buf[512];
    struct inotify_event *e = (void *)buf;

    if (read(fd, buf, sizeof buf) <= 0)
        return -1;
    *mask = e->mask;
    return e->wd;
}

int main(void)
{
    char dir[] = "watching.XXXXXX", path[64], sub[64];
    struct epoll_event e;
    uint64_t one = 1;
    uint32_t mask = 0;
    int p[2];

    int outer = epoll_create1(EPOLL_CLOEXEC), inner = epoll_create1(0);
    int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK);
    prog_check(pipe(p) == 0);
    add(inner, a, EPOLLIN | EPOLLET, 0x123456789abcdef0);
    add(inner, p[0], EPOLLIN | EPOLLONESHOT, 7);
    add(outer, inner, EPOLLIN, 99);
    add(outer, b, EPOLLIN, 42);
    int empty = epoll_create1(0);
    prog_check(mkdtemp(dir) != NULL);
    snprintf(sub, sizeof sub, "%s/sub", dir);
    prog_check(mkdir(sub, 0700) == 0 && chdir(sub) == 0);
    int watch = inotify_init1(IN_NONBLOCK);
    int gone = inotify_add_watch(watch, "/", IN_CREATE);
    int wd = inotify_add_watch(watch, "..", IN_CREATE);
    int here = inotify_add_watch(watch, ".", IN_DELETE);
    inotify_rm_watch(watch, gone);
    prog_check(next_event(watch, &mask) == gone && (mask & IN_IGNORED));
    prog_ready();
    prog_wait();
    prog_check(epoll_wait(outer, &e, 1, 0) == 0);
    prog_check(write(b, &one, sizeof one) == sizeof one);
    prog_check(epoll_wait(outer, &e, 1, 1000) == 1 && e.data.u64 == 42);
    prog_check(read(b, &one, sizeof one) == sizeof one);
    prog_check(write(a, &one, sizeof one) == sizeof one);
    prog_check(epoll_wait(outer, &e, 1, 1000) == 1 && e.data.u64 == 99);
    prog_check(epoll_wait(inner, &e, 1, 1000) == 1 &&
               e.data.u64 == 0x123456789abcdef0);
    prog_check(epoll_wait(inner, &e, 1, 0) == 0); /* edge-triggered */
    prog_check(write(p[1], "x", 1) == 1);
    prog_check(epoll_wait(inner, &e, 1, 1000) == 1 && e.data.u64 == 7);
    prog_check(epoll_wait(inner, &e, 1, 0) == 0); /* once */
    prog_check(epoll_ctl(inner, EPOLL_CTL_DEL, a, NULL) == 0);
    prog_check(epoll_wait(empty, &e, 1, 0) == 0);
    prog_check(fcntl(outer, F_GETFD) & FD_CLOEXEC);
    snprintf(path, sizeof path, "../made");
    prog_check(next_event(watch, &mask) == -1 && errno == EAGAIN);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    prog_check(next_event(watch, &mask) == wd && mask == IN_CREATE);
    close(open("x", O_WRONLY | O_CREAT, 0600));
    unlink("x");
    prog_check(next_event(watch, &mask) == here && mask == IN_DELETE);
    unlink(path);
    prog_check(chdir("../..") == 0 && rmdir(sub) == 0 && rmdir(dir) == 0);
    return prog_end();
}
