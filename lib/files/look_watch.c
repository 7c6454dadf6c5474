/* look_watch.c - the sets of epoll and the watches of inotify; see kinds.h */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number after `name` in the line at `at`; *found says whether it is
 * there. */
static uint64_t number_after(const char *at, const char *name, int base,
                             bool *found)
{
    const char *end = strchr(at, '\n');
    const char *p = strstr(at, name);

    if (!p || (end && p > end)) {
        *found = false;
        return 0;
    }
    return strtoull(p + strlen(name), NULL, base);
}

static const char *next_line(const char *at)
{
    at = strchr(at, '\n');
    return at ? at + 1 : "";
}

/* --- epoll -------------------------------------------------------------- */

/* Does descriptor `fd` stand for what the set watches under this number?
 * `nth`: one number can be in a set several times. */
static bool is_target(const struct ckpt_look *l, int epoll, int fd,
                      uint32_t nth)
{
    struct kcmp_epoll_slot slot = {(uint32_t)epoll, (uint32_t)fd, nth};

    return ckpt_sys(SYS_kcmp, l->pid, l->pid, KCMP_EPOLL_TFD, fd, &slot) == 0;
}

static bool is_listed(const struct ckpt_look *l, int fd)
{
    for (size_t i = 0; i < l->table->ndescriptors; i++)
        if (l->table->descriptors[i].fd == fd)
            return true;
    return false;
}

static int put_target(struct ckpt_look *l, struct ckpt_open_file *f, int epoll,
                      const char *line, struct ckpt_bytes *b)
{
    bool ok = true;
    int fd = atoi(line);
    uint32_t events = (uint32_t)number_after(line, "events:", 16, &ok);
    uint64_t data = number_after(line, "data:", 16, &ok);

    if (!ok)
        return ckpt_look_refuse(l, f, "an epoll set in an unknown form");
    if (!is_listed(l, fd) || !is_target(l, epoll, fd, 0))
        return ckpt_err_set(l->err, EBUSY,
                            "descriptor %d is an epoll set that watches what "
                            "was descriptor %d and is closed there",
                            epoll, fd);
    ckpt_put_u32(b, (uint32_t)fd);
    ckpt_put_u32(b, events);
    ckpt_put_u64(b, data);
    return 0;
}

int ckpt_look_epoll(struct ckpt_look *l, struct ckpt_open_file *f)
{
    int epoll = ckpt_look_fd(l, f);
    const char *text = ckpt_look_fdinfo(l, epoll);

    if (!text)
        return -1;
    struct ckpt_bytes b = ckpt_look_begin(l);
    f->kind = CKPT_FILE_EPOLL;
    ckpt_put_u32(&b, 0); /* flags, none yet; a set may be empty */
    for (const char *at = text; *at; at = next_line(at))
        if (strncmp(at, "tfd:", 4) == 0 &&
            put_target(l, f, epoll, at + 4, &b) < 0)
            return -1;
    return ckpt_look_end(l, &b, &f->state);
}

/* --- inotify ------------------------------------------------------------ */

struct watched {
    uint64_t ino;
    uint32_t dev_major, dev_minor;
    char path[CKPT_PATH_MAX];
};

static bool leads_there(struct watched *w, const char *path)
{
    struct statx stx;

    if (path[0] != '/' ||
        ckpt_sys(SYS_statx, AT_FDCWD, path, 0, STATX_INO, &stx) < 0 ||
        stx.stx_ino != w->ino || stx.stx_dev_major != w->dev_major ||
        stx.stx_dev_minor != w->dev_minor)
        return false;
    snprintf(w->path, sizeof w->path, "%s", path);
    return true;
}

/* The path itself and everything above it. */
static bool is_above(struct watched *w, const char *path)
{
    char up[CKPT_PATH_MAX];

    snprintf(up, sizeof up, "%s", path);
    for (;;) {
        if (leads_there(w, up))
            return true;
        char *slash = strrchr(up, '/');
        if (!slash || up[1] == '\0')
            return false;
        slash[slash == up] = '\0';
    }
}

/* Only a privileged process may ask the kernel for the name. */
static bool find_by_handle(struct watched *w, const char *line)
{
    struct {
        uint32_t bytes;
        int32_t type;
        uint8_t data[128];
    } h = {0, 0, {0}};
    char link[64], path[CKPT_PATH_MAX];
    bool ok = true;
    const char *hex = strstr(line, "f_handle:");

    h.bytes = (uint32_t)number_after(line, "fhandle-bytes:", 16, &ok);
    h.type = (int32_t)number_after(line, "fhandle-type:", 16, &ok);
    if (!ok || !hex || h.bytes > sizeof h.data)
        return false;
    hex += strlen("f_handle:");
    for (uint32_t i = 0; i < h.bytes && hex[2 * i] && hex[2 * i + 1]; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        h.data[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    static const char *const mounts[] = {".", "/", "/tmp", "/dev/shm", "/home"};
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        long mount = ckpt_sys(SYS_openat, AT_FDCWD, mounts[i],
                              O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        long fd = mount < 0 ? -1
                            : ckpt_sys(SYS_open_by_handle_at, mount, &h,
                                       O_PATH | O_CLOEXEC);
        if (mount >= 0)
            ckpt_sys(SYS_close, mount);
        if (fd < 0)
            continue;
        snprintf(link, sizeof link, "/proc/thread-self/fd/%d", (int)fd);
        long n =
            ckpt_sys(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
        ckpt_sys(SYS_close, fd);
        path[n > 0 ? n : 0] = '\0';
        if (leads_there(w, path))
            return true;
    }
    return false;
}

/* Where programs watch: where they work, and where their files are. */
static bool find_nearby(const struct ckpt_look *l, struct watched *w)
{
    static const char *const usual[] = {"/tmp",           "/etc",
                                        "/dev",           "/dev/shm",
                                        "/var/tmp",       "/etc/resolv.conf",
                                        "/etc/localtime", "/etc/hosts"};
    char path[CKPT_PATH_MAX];

    long n = ckpt_sys(SYS_getcwd, path, sizeof path);
    if (n > 0 && is_above(w, path))
        return true;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (leads_there(w, usual[i]))
            return true;
    for (size_t i = 0; i < l->table->nfiles; i++)
        if (is_above(w, l->table->files[i].path))
            return true;
    return false;
}

static int put_watch(struct ckpt_look *l, struct ckpt_open_file *f,
                     const char *line, struct ckpt_bytes *b)
{
    struct watched w = {0, 0, 0, ""};
    bool ok = true;
    uint32_t wd = (uint32_t)number_after(line, "wd:", 16, &ok);
    uint32_t dev = (uint32_t)number_after(line, "sdev:", 16, &ok);
    uint32_t mask = (uint32_t)number_after(line, "mask:", 16, &ok);

    w.ino = number_after(line, "ino:", 16, &ok);
    /* the kernel's own form of a device number */
    w.dev_major = dev >> 20;
    w.dev_minor = dev & 0xfffff;
    if (!ok)
        return ckpt_look_refuse(l, f, "an inotify set in an unknown form");
    if (!find_nearby(l, &w) && !find_by_handle(&w, line))
        return ckpt_err_set(l->err, EBUSY,
                            "descriptor %d is an inotify set whose watch %u "
                            "has no name that can be found",
                            ckpt_look_fd(l, f), wd);
    ckpt_put_u32(b, wd);
    ckpt_put_u32(b, mask);
    ckpt_put_u64(b, w.ino);
    ckpt_put_str(b, w.path);
    return 0;
}

int ckpt_look_inotify(struct ckpt_look *l, struct ckpt_open_file *f)
{
    int fd = ckpt_look_fd(l, f);
    const char *text = ckpt_look_fdinfo(l, fd);
    uint32_t unread = 0;

    if (!text)
        return -1;
    ckpt_sys(SYS_ioctl, fd, 0x541b /* FIONREAD */, &unread);
    if (unread > 0)
        return ckpt_look_refuse(l, f, "an inotify set with unread events");
    struct ckpt_bytes b = ckpt_look_begin(l);
    f->kind = CKPT_FILE_INOTIFY;
    ckpt_put_u32(&b, 0);
    for (const char *at = text; *at; at = next_line(at))
        if (strncmp(at, "inotify ", 8) == 0 && put_watch(l, f, at, &b) < 0)
            return -1;
    return ckpt_look_end(l, &b, &f->state);
}
