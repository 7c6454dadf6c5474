/* file_sink.c - an image as a file that appears all at once
 *
 *     PATH.tmp.PID     being written; locked as long as its writer lives
 *     PATH             the newest whole image, at every moment
 *     PATH.1 ...       the ones before it
 *
 * Runs in the stopped process: system calls through the gate only.
 */
#include "lib/image/image.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"
#include "lib/image/bases.h"
#include "lib/image/format.h"
#include "lib/image/stale.h"
#include "lib/image/stamp.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { NAME_MAX_LEN = sizeof((struct ckpt_file_sink *)0)->tmp };

static struct ckpt_file_sink *file_sink(struct ckpt_sink *sink)
{
    return (struct ckpt_file_sink *)sink;
}

/* ckpt_sys as the functions of libc: 0 or -1 with errno. */
#define sys(...) ((int)ckpt_sys_errno(ckpt_sys(__VA_ARGS__)))

static void close_fd(struct ckpt_file_sink *s)
{
    if (s->fd >= 0)
        ckpt_sys(SYS_close, s->fd);
    s->fd = -1;
}

static void sink_abort(struct ckpt_sink *sink)
{
    struct ckpt_file_sink *s = file_sink(sink);

    ckpt_stream_end(&s->stream);
    if (s->fd >= 0)
        ckpt_sys(SYS_unlinkat, AT_FDCWD, s->tmp, 0);
    close_fd(s);
}

static int sink_write(struct ckpt_sink *sink, const void *buf, size_t len,
                      struct ckpt_err *err)
{
    struct ckpt_file_sink *s = file_sink(sink);

    if (ckpt_stream_write(&s->stream, buf, len))
        return ckpt_err_sys(err, "write %s", s->tmp);
    return 0;
}

static int sink_expect(struct ckpt_sink *sink, uint64_t bytes,
                       struct ckpt_err *err)
{
    struct ckpt_file_sink *s = file_sink(sink);

    if (ckpt_stream_reserve(&s->stream, bytes))
        return ckpt_err_sys(err, "%llu bytes for %s", (unsigned long long)bytes,
                            s->tmp);
    return 0;
}

static int sink_write_at(struct ckpt_sink *sink, unsigned lane,
                         const struct iovec *pieces, size_t n, uint64_t offset,
                         struct ckpt_err *err)
{
    struct ckpt_file_sink *s = file_sink(sink);

    if (ckpt_stream_write_at(&s->stream, lane, pieces, n, offset))
        return ckpt_err_sys(err, "write %s", s->tmp);
    return 0;
}

/* --- keeping older images ----------------------------------------------- */

/* "PATH.i"; PATH itself for 0. */
static const char *generation(const struct ckpt_file_sink *s, unsigned i,
                              char *name)
{
    if (i == 0)
        snprintf(name, NAME_MAX_LEN, "%s", s->path);
    else
        snprintf(name, NAME_MAX_LEN, "%s.%u", s->path, i);
    return name;
}

static bool stat_generation(const struct ckpt_file_sink *s, unsigned i,
                            struct stat *st)
{
    char name[NAME_MAX_LEN];

    return ckpt_sys(SYS_newfstatat, AT_FDCWD, generation(s, i, name), st,
                    AT_SYMLINK_NOFOLLOW) == 0;
}

/* Move PATH.1 ... up by one, into the first gap or over the oldest. */
static int shift_generations(const struct ckpt_file_sink *s,
                             struct ckpt_err *err)
{
    char from[NAME_MAX_LEN], to[NAME_MAX_LEN];
    struct stat st;
    unsigned gap = 1;

    while (gap < s->keep - 1 && stat_generation(s, gap, &st))
        gap++;
    for (unsigned i = gap; i > 1; i--)
        if (sys(SYS_renameat, AT_FDCWD, generation(s, i - 1, from), AT_FDCWD,
                generation(s, i, to)))
            return ckpt_err_sys(err, "rename %s to %s", from, to);
    return 0;
}

/* A file system without hard links: let old and new change places.  The old
 * image then bears the temporary name for a moment. */
static int exchange(const struct ckpt_file_sink *s, const char *first,
                    struct ckpt_err *err)
{
    if (sys(SYS_renameat2, AT_FDCWD, s->tmp, AT_FDCWD, s->path,
            RENAME_EXCHANGE))
        return ckpt_err_sys(err,
                            "cannot keep the previous image (neither hard "
                            "links nor exchange of names here): %s",
                            s->path);
    if (sys(SYS_renameat, AT_FDCWD, s->tmp, AT_FDCWD, first) == 0)
        return 0;
    ckpt_err_sys(err, "rename %s to %s", s->tmp, first);
    ckpt_sys(SYS_renameat2, AT_FDCWD, s->tmp, AT_FDCWD, s->path,
             RENAME_EXCHANGE);
    return -1;
}

static int take_name(const struct ckpt_file_sink *s, struct ckpt_err *err)
{
    if (sys(SYS_renameat, AT_FDCWD, s->tmp, AT_FDCWD, s->path))
        return ckpt_err_sys(err, "rename %s to %s", s->tmp, s->path);
    return 0;
}

/* PATH becomes PATH.1 as well, by a second name that is moved there (a link
 * cannot replace a file); then the new image takes the name PATH. */
static int replace_keeping(const struct ckpt_file_sink *s, struct ckpt_err *err)
{
    char first[NAME_MAX_LEN], link[NAME_MAX_LEN];

    generation(s, 1, first);
    if (snprintf(link, sizeof link, "%s.1", s->tmp) >= (int)sizeof link)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", s->path);
    ckpt_sys(SYS_unlinkat, AT_FDCWD, link, 0);
    if (sys(SYS_linkat, AT_FDCWD, s->path, AT_FDCWD, link, 0))
        return exchange(s, first, err);
    if (sys(SYS_renameat, AT_FDCWD, link, AT_FDCWD, first)) {
        ckpt_err_sys(err, "rename %s to %s", link, first);
        ckpt_sys(SYS_unlinkat, AT_FDCWD, link, 0);
        return -1;
    }
    return take_name(s, err);
}

/* Give the new image its name.  When PATH and PATH.1 are one file, somebody
 * was interrupted just before this: all others have been moved already. */
static int take_place(const struct ckpt_file_sink *s, struct ckpt_err *err)
{
    struct stat now, first;

    if (s->keep < 2 || !stat_generation(s, 0, &now))
        return take_name(s, err);
    if (stat_generation(s, 1, &first) && first.st_ino == now.st_ino &&
        first.st_dev == now.st_dev)
        return take_name(s, err);
    return shift_generations(s, err) ? -1 : replace_keeping(s, err);
}

/* A file is freed when its last name goes, by who takes that, unless it is
 * open.  Failure means nothing. */
static void hold_replaced(const struct ckpt_file_sink *s)
{
    char name[NAME_MAX_LEN];

    if (s->ends)
        ckpt_sys(SYS_openat, AT_FDCWD,
                 generation(s, s->keep > 1 ? s->keep - 1 : 0, name),
                 O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static int sink_commit(struct ckpt_sink *sink, struct ckpt_err *err)
{
    struct ckpt_file_sink *s = file_sink(sink);

    if (ckpt_stream_finish(&s->stream))
        return ckpt_err_sys(err, "write %s", s->tmp);
    s->stream.ends = s->ends;
    ckpt_stream_end(&s->stream);
    if (sys(SYS_fsync, s->fd))
        return ckpt_err_sys(err, "fsync %s", s->tmp);
    ckpt_stamp_set(s->fd);
    /* without a link nothing will build on it, which is found out then */
    bool linked = s->member && ckpt_bases_link(s->path, s->tmp, s->member) == 0;
    hold_replaced(s);
    if (take_place(s, err))
        return -1;
    close_fd(s);
    if (linked && ckpt_bases_sync(s->path))
        return ckpt_err_sys(err, "fsync the bases of %s", s->path);
    if (ckpt_fsync_parent(s->path))
        return ckpt_err_sys(err, "fsync the directory of %s", s->path);
    ckpt_bases_collect(s->path, s->ends);
    return 0;
}

/* --- opening ------------------------------------------------------------ */

static int create_tmp(struct ckpt_file_sink *s)
{
    return (int)ckpt_sys(SYS_openat, AT_FDCWD, s->tmp,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         0600);
}

/* A file of our own pid was left by an earlier life of that number. */
static int open_tmp(struct ckpt_file_sink *s, struct ckpt_err *err)
{
    int fd = create_tmp(s);

    if (fd == -EEXIST) {
        ckpt_sys(SYS_unlinkat, AT_FDCWD, s->tmp, 0);
        fd = create_tmp(s);
    }
    if (ckpt_sys_errno(fd) < 0)
        return ckpt_err_sys(err, "create %s", s->tmp);
    ckpt_sys(SYS_flock, fd, LOCK_EX | LOCK_NB);
    s->fd = fd;
    ckpt_stream_begin(&s->stream, fd);
    return 0;
}

int ckpt_file_sink_open(struct ckpt_file_sink *sink, const char *path,
                        unsigned keep, struct ckpt_err *err)
{
    struct stat st;
    long pid = ckpt_sys(SYS_getpid);

    memset(sink, 0, offsetof(struct ckpt_file_sink, tmp));
    sink->sink = (struct ckpt_sink){
        .write = sink_write,
        .expect = sink_expect,
        .write_at = sink_write_at,
        .commit = sink_commit,
        .abort = sink_abort,
    };
    sink->path = path;
    sink->keep = keep;
    sink->fd = -1;
    if (strlen(path) >= 4096)
        return ckpt_err_set(err, ENAMETOOLONG, "%.64s...: name too long", path);
    snprintf(sink->tmp, sizeof sink->tmp, "%s.tmp.%ld", path, pid);
    if (stat_generation(sink, 0, &st) && !S_ISREG(st.st_mode) &&
        !S_ISLNK(st.st_mode))
        return ckpt_err_set(err, EEXIST, "%s is not a regular file", path);
    ckpt_image_remove_stale(path);
    return open_tmp(sink, err);
}
