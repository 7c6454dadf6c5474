/* bases.c - see bases.h */
#include "lib/image/bases.h"

#include "lib/common/dirent.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CHAINS_MAX = 64, CHAIN_LEN = 16, ROUNDS = 256, ROUND_LEN = 4096 };

/* The chains in the directory, with the highest depth that has another name
 * (-1: none). */
struct chains {
    struct {
        char name[CHAIN_LEN];
        long alive;
    } chain[CHAINS_MAX];
    size_t count;
    bool overflow, ends;
};

bool ckpt_bases_member(const char *path, const char *member, char *name,
                       size_t size)
{
    int n = snprintf(name, size, "%s" CKPT_BASES_SUFFIX "/%s", path, member);

    return n > 0 && (size_t)n < size;
}

static int fsync_directory(const char *dir)
{
    long fd =
        ckpt_sys(SYS_openat, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (ckpt_sys_errno(fd) < 0)
        return -1;
    long rc = ckpt_sys(SYS_fsync, fd);
    ckpt_sys(SYS_close, fd);
    return (int)ckpt_sys_errno(rc);
}

int ckpt_bases_link(const char *path, const char *tmp, const char *member)
{
    char name[PATH_MAX], dir[PATH_MAX];

    if (!ckpt_bases_member(path, member, name, sizeof name) ||
        !ckpt_bases_member(path, "", dir, sizeof dir)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    long rc = ckpt_sys(SYS_mkdirat, AT_FDCWD, dir, 0700);
    if (rc < 0 && rc != -EEXIST)
        return (int)ckpt_sys_errno(rc);
    ckpt_sys(SYS_unlinkat, AT_FDCWD, name, 0);
    rc = ckpt_sys(SYS_linkat, AT_FDCWD, tmp, AT_FDCWD, name, 0);
    return (int)ckpt_sys_errno(rc);
}

int ckpt_bases_sync(const char *path)
{
    char dir[PATH_MAX];

    if (!ckpt_bases_member(path, "", dir, sizeof dir)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return fsync_directory(dir);
}

/* "CHAIN.DEPTH"; -1 when it is something else. */
static long depth_of(const char *name)
{
    long depth = 0;

    if (strspn(name, "0123456789abcdef") != CHAIN_LEN ||
        name[CHAIN_LEN] != '.' || name[CHAIN_LEN + 1] == '\0')
        return -1;
    for (const char *c = name + CHAIN_LEN + 1; *c; c++) {
        if (*c < '0' || *c > '9' || depth > 100000)
            return -1;
        depth = depth * 10 + (*c - '0');
    }
    return depth;
}

static long *alive_of(struct chains *chains, const char *name)
{
    for (size_t i = 0; i < chains->count; i++)
        if (memcmp(chains->chain[i].name, name, CHAIN_LEN) == 0)
            return &chains->chain[i].alive;
    if (chains->count == CHAINS_MAX) {
        chains->overflow = true;
        return NULL;
    }
    memcpy(chains->chain[chains->count].name, name, CHAIN_LEN);
    chains->chain[chains->count].alive = -1;
    return &chains->chain[chains->count++].alive;
}

static void find_alive(struct chains *chains, int dir, const char *name)
{
    struct stat st;
    long depth = depth_of(name);
    long *alive = depth < 0 ? NULL : alive_of(chains, name);

    if (alive &&
        ckpt_sys(SYS_newfstatat, dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_nlink > 1 && depth > *alive)
        *alive = depth;
}

static void remove_dead(struct chains *chains, int dir, const char *name)
{
    long depth = depth_of(name);
    const long *alive = depth < 0 ? NULL : alive_of(chains, name);

    if (!alive || depth <= *alive)
        return;
    if (chains->ends) /* open, it is freed later */
        ckpt_sys(SYS_openat, dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    ckpt_sys(SYS_unlinkat, dir, name, 0);
}

static void each_entry(struct chains *chains, int dir,
                       void (*fn)(struct chains *chains, int dir,
                                  const char *name))
{
    _Alignas(struct ckpt_dirent) char buf[ROUND_LEN];

    ckpt_sys(SYS_lseek, dir, 0, SEEK_SET);
    for (int i = 0; i < ROUNDS; i++) {
        long n = ckpt_sys(SYS_getdents64, dir, buf, sizeof buf);
        if (n <= 0)
            return;
        for (long at = 0; at < n;) {
            const struct ckpt_dirent *d = (const void *)(buf + at);
            fn(chains, dir, d->name);
            at += d->reclen;
        }
    }
    chains->overflow = true;
}

void ckpt_bases_collect(const char *path, bool ends)
{
    struct chains chains;
    char name[PATH_MAX];

    chains.count = 0;
    chains.overflow = false;
    chains.ends = ends;
    if (!ckpt_bases_member(path, "", name, sizeof name))
        return;
    long dir = ckpt_sys(SYS_openat, AT_FDCWD, name,
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    each_entry(&chains, (int)dir, find_alive);
    if (!chains.overflow)
        each_entry(&chains, (int)dir, remove_dead);
    ckpt_sys(SYS_close, dir);
    if (!chains.overflow)
        ckpt_sys(SYS_unlinkat, AT_FDCWD, name, AT_REMOVEDIR); /* if empty */
}
