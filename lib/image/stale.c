/* stale.c - see stale.h */
#include "lib/image/stale.h"

#include "lib/common/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>

/* A directory with very many files is not searched to its end. */
enum { ROUNDS = 64, ROUND_LEN = 8192 };

/* The pid in "BASE.tmp.PID" or "BASE.tmp.PID.1"; 0 when it is neither. */
static long stale_pid(const char *name, const char *base)
{
    static const char infix[] = ".tmp.";
    size_t len = strlen(base);
    long pid = 0;

    if (strncmp(name, base, len) != 0 ||
        strncmp(name + len, infix, sizeof infix - 1) != 0)
        return 0;
    name += len + sizeof infix - 1;
    for (; *name >= '0' && *name <= '9' && pid < INT_MAX; name++)
        pid = pid * 10 + (*name - '0');
    bool whole = *name == '\0' || strcmp(name, ".1") == 0;
    return whole && pid <= INT_MAX ? pid : 0;
}

/* On a shared file system the writer may be on another machine: its pid says
 * nothing here, but its lock does. */
static bool is_locked(int dir, const char *name)
{
    long fd = ckpt_sys(SYS_openat, dir, name,
                       O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return true;
    long rc = ckpt_sys(SYS_flock, fd, LOCK_EX | LOCK_NB);
    ckpt_sys(SYS_close, fd);
    return rc < 0;
}

static void remove_if_stale(int dir, const char *name, const char *base)
{
    long pid = stale_pid(name, base);

    if (pid > 0 && ckpt_sys(SYS_kill, pid, 0) == -ESRCH &&
        !is_locked(dir, name))
        ckpt_sys(SYS_unlinkat, dir, name, 0);
}

static void search(int dir, const char *base)
{
    char buf[ROUND_LEN] __attribute__((aligned(8)));

    for (int i = 0; i < ROUNDS; i++) {
        long n = ckpt_sys(SYS_getdents64, dir, buf, sizeof buf);
        if (n <= 0)
            return;
        for (long at = 0; at < n;) {
            const struct dirent64 *entry = (const void *)(buf + at);
            remove_if_stale(dir, entry->d_name, base);
            at += entry->d_reclen;
        }
    }
}

void ckpt_image_remove_stale(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;

    if (len >= sizeof parent)
        return;
    memcpy(parent, path, len);
    parent[len] = '\0';
    long dir = ckpt_sys(SYS_openat, AT_FDCWD, len > 0 ? parent : ".",
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    search((int)dir, slash ? slash + 1 : path);
    ckpt_sys(SYS_close, dir);
}
