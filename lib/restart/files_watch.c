/* files_watch.c - epoll sets and inotify watches; see files_kinds.h */
#include "lib/restart/files_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WATCH_TRIES = 65536 };

/* --- epoll -------------------------------------------------------------- */

int ckpt_files_epoll(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    (void)f;
    return fd < 0 ? ckpt_err_sys(err, "epoll") : fd;
}

static bool next_target(struct ckpt_bytes *b, int *fd, struct epoll_event *e)
{
    if (ckpt_bytes_left(b) == 0)
        return false;
    *fd = (int)ckpt_get_u32(b);
    e->events = ckpt_get_u32(b);
    e->data.u64 = ckpt_get_u64(b);
    return !b->failed;
}

static int find_opened(const struct ckpt_files *files, int fd)
{
    const struct ckpt_notes *n = files->notes;

    for (size_t i = 0; i < n->ndescriptors; i++)
        if (n->descriptors[i].fd == fd)
            return files->opened[n->descriptors[i].file];
    return -1;
}

static int try_set(const struct ckpt_files *files,
                   const struct ckpt_open_file *f, int probe,
                   struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_files_state(f);
    struct epoll_event e;
    int fd;

    ckpt_get_u32(&b);
    while (next_target(&b, &fd, &e)) {
        int opened = find_opened(files, fd);
        if (opened < 0 || (epoll_ctl(probe, EPOLL_CTL_ADD, opened, &e) < 0 &&
                           errno != EEXIST))
            return ckpt_err_sys(err, "an epoll set cannot watch descriptor %d",
                                fd);
    }
    return b.failed ? ckpt_files_malformed(f, err) : 0;
}

int ckpt_files_try_epoll(const struct ckpt_files *files, struct ckpt_err *err)
{
    const struct ckpt_notes *n = files->notes;

    for (size_t i = 0; i < n->nfiles; i++) {
        if (n->files[i].kind != CKPT_FILE_EPOLL)
            continue;
        int probe = epoll_create1(EPOLL_CLOEXEC);
        if (probe < 0)
            return ckpt_err_sys(err, "epoll");
        int rc = try_set(files, &n->files[i], probe, err);
        close(probe);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int ckpt_files_commit_epoll(const struct ckpt_open_file *f, int fd,
                            struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_files_state(f);
    struct epoll_event e;
    int target;

    ckpt_get_u32(&b);
    while (next_target(&b, &target, &e))
        if (epoll_ctl(fd, EPOLL_CTL_ADD, target, &e) < 0)
            return ckpt_err_sys(err, "epoll set %d cannot watch descriptor %d",
                                fd, target);
    return 0;
}

/* --- inotify ------------------------------------------------------------ */

/* Watches are numbered as they are made: make them until the number is right.
 */
static int add_watch(int fd, int wd, const char *path, uint32_t mask,
                     struct ckpt_err *err)
{
    for (int i = 0; i < WATCH_TRIES; i++) {
        int got = inotify_add_watch(fd, path, mask);
        if (got < 0)
            return ckpt_err_sys(err, "cannot watch %s", path);
        if (got == wd)
            return 0;
        inotify_rm_watch(fd, got);
        if (got > wd)
            break;
    }
    return ckpt_err_set(err, ENOSPC, "watch %d of %s is out of reach", wd,
                        path);
}

/* Removing a watch leaves an event behind. */
static void drain(int fd)
{
    char buf[4096];

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (read(fd, buf, sizeof buf) > 0)
        ;
}

struct watch {
    uint32_t wd, mask;
    uint64_t ino;
    char path[CKPT_PATH_MAX];
};

static bool get_watch(struct ckpt_bytes *b, struct watch *w)
{
    w->wd = ckpt_get_u32(b);
    w->mask = ckpt_get_u32(b);
    w->ino = ckpt_get_u64(b);
    ckpt_get_str(b, w->path, sizeof w->path);
    return !b->failed;
}

/* The watch with the lowest number above `above`. */
static bool find_watch(const struct ckpt_open_file *f, uint32_t above,
                       struct watch *lowest)
{
    struct ckpt_bytes b = ckpt_files_state(f);
    struct watch w;
    bool found = false;

    ckpt_get_u32(&b);
    while (ckpt_bytes_left(&b) > 0 && get_watch(&b, &w))
        if (w.wd > above && (!found || w.wd < lowest->wd)) {
            *lowest = w;
            found = true;
        }
    return found;
}

int ckpt_files_inotify(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    int fd = inotify_init1(IN_CLOEXEC);
    struct watch w = {0};

    if (fd < 0)
        return ckpt_err_sys(err, "inotify");
    while (find_watch(f, w.wd, &w))
        if (w.wd > INT32_MAX ||
            add_watch(fd, (int)w.wd, w.path, w.mask, err) < 0) {
            close(fd);
            return -1;
        }
    drain(fd);
    fcntl(fd, F_SETFL, (int)f->flags & O_NONBLOCK);
    return fd;
}
