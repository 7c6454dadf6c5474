/* target.c - see target.h */
#include "lib/keep/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { LINKS_MAX = 40, PAGE = 4096, BASE_MAX = 64 };

int keep_read_memory(pid_t tid, uint64_t from, void *to, size_t len)
{
    struct iovec local = {to, len};
    struct iovec remote = {(void *)(uintptr_t)from, len};
    ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

    if (n == (ssize_t)len)
        return 0;
    errno = n < 0 && errno == EPERM ? EPERM : EFAULT;
    return -1;
}

/* By pages: the string may end just before what is not mapped. */
static int read_text(pid_t tid, uint64_t from, char text[PATH_MAX])
{
    size_t at = 0;

    while (at < PATH_MAX) {
        size_t len = PAGE - (from + at) % PAGE;
        if (len > PATH_MAX - at)
            len = PATH_MAX - at;
        if (keep_read_memory(tid, from + at, text + at, len) < 0)
            return -1;
        if (memchr(text + at, '\0', len))
            return 0;
        at += len;
    }
    errno = ENAMETOOLONG;
    return -1;
}

/* --- names --------------------------------------------------------------- */

/* What `path` is for us: below a magic link of the thread's. */
static int translate(pid_t tid, int dirfd, const char *path, char *to,
                     size_t size)
{
    static const char *const own[][2] = {
        {"/proc/self/", "/proc/%d/%s"},
        {"/proc/thread-self/", "/proc/%d/%s"},
        {"/dev/fd/", "/proc/%d/fd/%s"},
    };
    int n;

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        size_t len = strlen(own[i][0]);
        if (strncmp(path, own[i][0], len) != 0)
            continue;
        n = snprintf(to, size, i == 2 ? "/proc/%d/fd/%s" : "/proc/%d/%s", tid,
                     path + len);
        return (size_t)n < size ? 0 : -1;
    }
    if (path[0] == '/')
        n = snprintf(to, size, "/proc/%d/root%s", tid, path);
    else if (dirfd == AT_FDCWD)
        n = snprintf(to, size, "/proc/%d/cwd/%s", tid, path);
    else
        n = snprintf(to, size, "/proc/%d/fd/%d/%s", tid, dirfd, path);
    return (size_t)n < size ? 0 : -1;
}

/* Split `path` (which is changed) into the directory, opened below `at`, and
 * the last component. */
static int split(int at, char *path, struct keep_place *place)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    char *slash = strrchr(path, '/');
    char *name = slash ? slash + 1 : path;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        errno = EISDIR;
        return -1;
    }
    if (strlen(name) > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(place->name, name);
    *name = '\0';
    place->dirfd =
        openat(at, slash ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return place->dirfd < 0 ? -1 : 0;
}

/* One step through a link; 1: it was one. */
static int follow_one(pid_t tid, struct keep_place *place)
{
    char target[PATH_MAX], path[PATH_MAX + BASE_MAX];
    struct keep_place next;
    ssize_t n =
        readlinkat(place->dirfd, place->name, target, sizeof target - 1);
    int rc;

    if (n < 0)
        return 0; /* no link, or nothing yet */
    target[n] = '\0';
    if (!keep_is_real(place->dirfd)) {
        errno = EISDIR; /* a magic link: no name */
        return -1;
    }
    if (target[0] == '/')
        rc = translate(tid, AT_FDCWD, target, path, sizeof path);
    else
        rc = snprintf(path, sizeof path, "%s", target) < 0 ? -1 : 0;
    if (rc < 0 || split(place->dirfd, path, &next) < 0)
        return -1;
    keep_place_clear(place);
    *place = next;
    return 1;
}

/* Refused to us as to the program, or to us alone? */
static int fail_place(pid_t tid, int error)
{
    char link[BASE_MAX], root[2];

    snprintf(link, sizeof link, "/proc/%d/root", tid);
    if (error == EPERM || error == EACCES)
        error = readlink(link, root, sizeof root) < 0 ? EPERM : EACCES;
    errno = error;
    return -1;
}

int keep_find_place(pid_t tid, int dirfd, uint64_t address, bool follow,
                    struct keep_place *place)
{
    char text[PATH_MAX], path[PATH_MAX + BASE_MAX];
    int more = follow;

    if (read_text(tid, address, text) < 0)
        return -1;
    if (!text[0]) {
        errno = ENOENT;
        return -1;
    }
    if (translate(tid, dirfd, text, path, sizeof path) < 0 ||
        split(AT_FDCWD, path, place) < 0)
        return fail_place(tid, errno);
    for (int i = 0; more == 1; i++) {
        more = i < LINKS_MAX ? follow_one(tid, place) : -1;
        if (more < 0) {
            int saved = i < LINKS_MAX ? errno : ELOOP;
            keep_place_clear(place);
            return fail_place(tid, saved);
        }
    }
    return 0;
}

void keep_place_clear(struct keep_place *place)
{
    if (place->dirfd >= 0)
        close(place->dirfd);
    place->dirfd = -1;
}

/* --- descriptors --------------------------------------------------------- */

static int fail_fd(void)
{
    if (errno == EACCES)
        errno = EPERM;
    return -1;
}

int keep_stat_fd(pid_t tid, int fd, struct stat *st)
{
    char path[BASE_MAX];

    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    return stat(path, st) < 0 ? fail_fd() : 0;
}

int keep_open_fd(pid_t tid, int fd, int flags)
{
    char path[BASE_MAX];

    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    int own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return own < 0 ? fail_fd() : own;
}

int keep_fd_state(pid_t tid, int fd, uint64_t *position, int *flags)
{
    char path[BASE_MAX], text[512];
    unsigned long long at;
    unsigned octal;

    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tid, fd);
    int in = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = in < 0 ? -1 : read(in, text, sizeof text - 1);
    if (in >= 0)
        close(in);
    if (n < 0)
        return fail_fd();
    text[n] = '\0';
    if (sscanf(text, "pos: %llu flags: %o", &at, &octal) != 2) {
        errno = EPERM;
        return -1;
    }
    *position = at;
    *flags = (int)octal;
    return 0;
}

bool keep_is_real(int fd)
{
    static const long pseudo[] = {
        PROC_SUPER_MAGIC,    SYSFS_MAGIC,        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,      TRACEFS_MAGIC,
        SECURITYFS_MAGIC,    DEVPTS_SUPER_MAGIC, BPF_FS_MAGIC,
        PIPEFS_MAGIC,        SOCKFS_MAGIC,       PSTOREFS_MAGIC,
    };
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof pseudo / sizeof pseudo[0]; i++)
        if (fs.f_type == pseudo[i])
            return false;
    return true;
}

/* --- mappings ------------------------------------------------------------ */

struct mapping {
    bool shared;
    dev_t dev;
    ino_t ino;
    char path[PATH_MAX];
};

/* "start-end perms offset major:minor inode path" */
static bool parse_mapping(const char *line, struct mapping *m)
{
    char perms[5];
    unsigned major_nr, minor_nr;
    unsigned long ino;
    int at = 0;

    if (sscanf(line, "%*x-%*x %4s %*x %x:%x %lu %n", perms, &major_nr,
               &minor_nr, &ino, &at) < 4 ||
        at == 0)
        return false;
    m->shared = perms[3] == 's' && line[at] == '/';
    m->dev = makedev(major_nr, minor_nr);
    m->ino = ino;
    snprintf(m->path, sizeof m->path, "%.*s", (int)strcspn(line + at, "\n"),
             line + at);
    return true;
}

/* A file without a name travels in the image. */
static int visit(const struct mapping *m, int (*fn)(void *arg, int fd),
                 void *arg)
{
    struct stat st;
    int fd = open(m->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : fail_fd();
    int rc = 0;
    if (fstat(fd, &st) == 0 && st.st_ino == m->ino && S_ISREG(st.st_mode))
        rc = fn(arg, fd);
    close(fd);
    return rc;
}

static bool any_shared(pid_t tid)
{
    char path[BASE_MAX], line[PATH_MAX + 128];
    struct mapping m;
    bool any = false;

    snprintf(path, sizeof path, "/proc/%d/maps", tid);
    FILE *in = fopen(path, "re");
    while (in && !any && fgets(line, sizeof line, in))
        any = parse_mapping(line, &m) && m.shared;
    if (in)
        fclose(in);
    return any || !in;
}

int keep_each_mapped(pid_t tid, int (*fn)(void *arg, int fd), void *arg)
{
    char path[BASE_MAX], line[PATH_MAX + 128];
    struct mapping m = {0};
    int rc = 0;

    if (!any_shared(tid))
        return 0;
    snprintf(path, sizeof path, "/proc/%d/smaps", tid);
    FILE *in = fopen(path, "re");
    if (!in)
        return fail_fd();
    while (rc == 0 && fgets(line, sizeof line, in)) {
        if (parse_mapping(line, &m))
            continue;
        if (m.shared && strncmp(line, "VmFlags:", 8) == 0 &&
            strstr(line, " mw"))
            rc = visit(&m, fn, arg);
    }
    fclose(in);
    return rc;
}
