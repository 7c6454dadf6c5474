/* mounted.c - see mounted.h */
#include "lib/capture/mounted.h"

#include "lib/capture/state.h"
#include "lib/common/dirent.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

bool ckpt_mounted(void)
{
    return strcmp(ckpt_capture_state.settings.image, CKPT_MOUNTED_IMAGE) == 0;
}

/* --- what is on the station ------------------------------------------------
 */

/* Mount points, and the directories above them, are not the program's. */
static bool is_mount_point(int dir, const char *name, const struct stat *above)
{
    struct stat st;

    if (ckpt_sys(SYS_newfstatat, dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return true; /* gone, or nobody's */
    return st.st_dev != above->st_dev ||
           (S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0555);
}

static int refuse_in(const char *path, struct ckpt_err *err)
{
    uint8_t buf[4096];
    struct stat above;
    int rc = 0;
    long n, dir = ckpt_sys(SYS_openat, AT_FDCWD, path,
                           O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return 0;
    if (ckpt_sys(SYS_fstat, dir, &above) != 0)
        rc = ckpt_err_set(err, EIO, "%s", path);
    while (rc == 0 && (n = ckpt_sys(SYS_getdents64, dir, buf, sizeof buf)) > 0)
        for (long at = 0; rc == 0 && at < n;) {
            struct ckpt_dirent *entry = (void *)(buf + at);
            at += entry->reclen;
            if (strcmp(entry->name, ".") != 0 &&
                strcmp(entry->name, "..") != 0 &&
                !is_mount_point((int)dir, entry->name, &above))
                rc = ckpt_err_set(err, EBUSY,
                                  "%s/%.200s lies on the station: it would not "
                                  "be there elsewhere",
                                  path, entry->name);
        }
    ckpt_sys(SYS_close, dir);
    return rc;
}

int ckpt_mounted_refuse(struct ckpt_err *err)
{
    return refuse_in("/tmp", err) < 0 || refuse_in("/dev/shm", err) < 0 ? -1
                                                                        : 0;
}

/* --- shared mappings -------------------------------------------------------
 */

/* "START-END rw-s ..." */
static void sync_mapping(const char *line)
{
    char *end;
    unsigned long from = strtoul(line, &end, 16);
    unsigned long to = *end == '-' ? strtoul(end + 1, &end, 16) : 0;

    if (to > from && end[0] == ' ' && end[2] == 'w' && end[4] == 's' &&
        strchr(end, '/'))
        ckpt_sys(SYS_msync, from, to - from, MS_SYNC);
}

static void sync_mappings(void)
{
    char buf[8192];
    size_t have = 0;
    long n, fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/maps",
                          O_RDONLY | O_CLOEXEC);

    while (fd >= 0 && (n = ckpt_sys(SYS_read, fd, buf + have,
                                    sizeof buf - 1 - have)) > 0) {
        char *line = buf, *end;
        have += (size_t)n;
        buf[have] = '\0';
        for (; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            sync_mapping(line);
        }
        have -= (size_t)(line - buf);
        memmove(buf, line, have);
    }
    if (fd >= 0)
        ckpt_sys(SYS_close, fd);
}

/* --- the image -------------------------------------------------------------
 */

struct mounted_sink {
    struct ckpt_sink sink;
    int fd;
};

static int told(long rc, struct ckpt_err *err)
{
    if (rc >= 0)
        return 0;
    errno = (int)-rc;
    return ckpt_err_sys(err, "home cannot store the image");
}

static int sink_write(struct ckpt_sink *sink, const void *buf, size_t len,
                      struct ckpt_err *err)
{
    int fd = ((struct mounted_sink *)sink)->fd;

    return ckpt_write_full(fd, buf, len) < 0 ? told(-errno, err) : 0;
}

static void sink_abort(struct ckpt_sink *sink)
{
    ckpt_sys(SYS_close, ((struct mounted_sink *)sink)->fd);
}

static int sink_commit(struct ckpt_sink *sink, struct ckpt_err *err)
{
    sync_mappings();
    int rc = told(ckpt_sys(SYS_fsync, ((struct mounted_sink *)sink)->fd), err);
    int errnum = errno;
    sink_abort(sink);
    errno = errnum;
    return rc;
}

static struct mounted_sink home_sink = {
    .sink = {.write = sink_write, .commit = sink_commit, .abort = sink_abort}};

int ckpt_mounted_sink(struct ckpt_sink **sink, struct ckpt_err *err)
{
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, CKPT_MOUNTED_IMAGE,
                       O_WRONLY | O_CLOEXEC);

    if (fd == -ENOLCK)
        return ckpt_err_set(err, ENOLCK,
                            "it has locked a file at home, which an image "
                            "does not hold");
    if (fd < 0)
        return told(fd, err);
    home_sink.fd = (int)fd;
    *sink = &home_sink.sink;
    return 0;
}
