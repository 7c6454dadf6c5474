/* merge_file.c - see merge_file.h
 *
 *     PATH.tmp.PID          the new image is written, and durable
 *     PATH                  old and new change places
 *     PATH.bases/CHAIN.N    the new one's name, too, unless somebody has given
 *                           the old one a name of its own
 *     PATH.bases/CHAIN.M    M < N: removed down to the first that has another
 *                           name
 *
 * After each step every image that has a name finds what it needs.  A program
 * may replace PATH at any moment; what matters is which file it was that a step
 * has taken hold of.
 */
#include "lib/image/merge_file.h"

#include "lib/common/io.h"
#include "lib/image/bases.h"
#include "lib/image/image.h"
#include "lib/image/stale.h"
#include "lib/image/stamp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct merging {
    struct ckpt_file_sink file;
    struct ckpt_image *image; /* the increment, open */
    struct stat old;          /* its file */
    char dir[PATH_MAX];       /* of the bases; "" when it has no name there */
    char chain[32];           /* "CHAIN." */
    unsigned long depth;
    struct ckpt_merged *merged;
};

static bool is_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* --- its name among the bases --------------------------------------------- */

/* "CHAIN.DEPTH" */
static bool parse_member(const char *name, char *chain, size_t size,
                         unsigned long *depth)
{
    const char *dot = strchr(name, '.');
    char *end;

    if (!dot || dot == name || dot[1] < '0' || dot[1] > '9' ||
        (size_t)(dot - name) + 2 > size)
        return false;
    *depth = strtoul(dot + 1, &end, 10);
    snprintf(chain, size, "%.*s", (int)(dot - name) + 1, name);
    return *end == '\0';
}

/* Where its base is, there its own second name is. */
static void find_member(struct merging *m)
{
    const char *base = ckpt_image_path(ckpt_image_base(m->image));
    const char *slash = strrchr(base, '/');
    struct dirent *entry;
    struct stat st;
    bool found = false;

    snprintf(m->dir, sizeof m->dir, "%.*s", slash ? (int)(slash - base) : 1,
             slash ? base : ".");
    DIR *dir = opendir(m->dir);
    while (dir && !found && (entry = readdir(dir)))
        found =
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            is_file(&st, &m->old) &&
            parse_member(entry->d_name, m->chain, sizeof m->chain, &m->depth);
    if (dir)
        closedir(dir);
    if (!found)
        m->dir[0] = '\0';
}

static bool member_name(const struct merging *m, unsigned long depth,
                        char *name)
{
    return snprintf(name, PATH_MAX, "%s/%s%lu", m->dir, m->chain, depth) <
           PATH_MAX;
}

/* --- the commit ----------------------------------------------------------- */

/* Old and new change places.  If PATH was not the old one any more, what came
 * out of there goes back, until that is what was put in before: so the newest
 * of all is there in the end. */
static int exchange(struct merging *m, struct ckpt_err *err)
{
    const struct ckpt_file_sink *s = &m->file;
    struct stat put, expected = m->old, out;

    if (stat(s->tmp, &put) < 0)
        return ckpt_err_sys(err, "%s", s->tmp);
    for (;;) {
        if (syscall(SYS_renameat2, AT_FDCWD, s->tmp, AT_FDCWD, s->path,
                    RENAME_EXCHANGE) < 0 ||
            stat(s->tmp, &out) < 0)
            return ckpt_err_sys(err, "exchange %s and %s", s->tmp, s->path);
        if (is_file(&out, &expected))
            return 0;
        m->merged->was_newer = true;
        expected = put;
        put = out;
    }
}

/* Give the new image, whose name this was a moment ago, another one. */
static bool link_fresh(const struct merging *m, const char *fresh,
                       const char *name)
{
    struct stat ours, linked;

    unlink(name);
    if (fstat(m->file.fd, &ours) < 0 || link(fresh, name) < 0)
        return false;
    if (stat(name, &linked) == 0 && is_file(&linked, &ours))
        return true;
    unlink(name); /* a program has put a newer one there */
    return false;
}

/* The new image as a base, instead of the old one, which then must have no
 * name but this. */
static bool replace_member(struct merging *m, const char *fresh)
{
    char link_name[PATH_MAX + 64], name[PATH_MAX];
    struct stat old;

    if (!member_name(m, m->depth, name) ||
        fstat(ckpt_image_fd(m->image), &old) < 0 || old.st_nlink != 1)
        return false;
    snprintf(link_name, sizeof link_name, "%s.1", m->file.tmp);
    if (!link_fresh(m, fresh, link_name))
        return false;
    if (rename(link_name, name) < 0) {
        unlink(link_name);
        return false;
    }
    return ckpt_fsync_parent(name) == 0;
}

/* Those below it in its chain that no image with a name of its own needs. */
static void remove_lower(struct merging *m)
{
    char name[PATH_MAX];
    struct stat st;

    for (unsigned long depth = m->depth; depth-- > 0;) {
        if (!member_name(m, depth, name) || lstat(name, &st) < 0)
            continue;
        if (st.st_nlink > 1 || unlink(name) < 0)
            return;
        m->merged->removed++;
    }
}

/* What bears the temporary name now, the old image or (when there was a newer
 * one) the new one, goes. */
static void take_names(struct merging *m)
{
    const struct ckpt_file_sink *s = &m->file;
    const char *fresh = m->merged->was_newer ? s->tmp : s->path;
    bool replaced = false;

    if (!m->merged->was_newer)
        unlink(s->tmp);
    if (m->dir[0])
        replaced = replace_member(m, fresh);
    if (m->merged->was_newer)
        unlink(s->tmp);
    if (replaced)
        remove_lower(m);
}

static int commit(struct ckpt_sink *sink, struct ckpt_err *err)
{
    struct merging *m = (struct merging *)sink;
    struct ckpt_file_sink *s = &m->file;
    struct stat st;

    if (ckpt_stream_finish(&s->stream) < 0)
        return ckpt_err_sys(err, "write %s", s->tmp);
    ckpt_stream_end(&s->stream);
    if (fsync(s->fd) < 0 || fstat(s->fd, &st) < 0)
        return ckpt_err_sys(err, "fsync %s", s->tmp);
    ckpt_stamp_set(s->fd);
    m->merged->bytes = (uint64_t)st.st_size;
    if (exchange(m, err) < 0)
        return -1;
    if (ckpt_fsync_parent(s->path) < 0)
        return ckpt_err_sys(err, "fsync the directory of %s", s->path);
    take_names(m);
    close(s->fd);
    s->fd = -1;
    return 0;
}

/* --- the interface -------------------------------------------------------- */

static int merge(struct merging *m, const char *path, struct ckpt_err *err)
{
    if (fstat(ckpt_image_fd(m->image), &m->old) < 0)
        return ckpt_err_sys(err, "%s", path);
    find_member(m);
    if (ckpt_file_sink_open(&m->file, path, 1, err) < 0)
        return -1;
    m->file.sink.commit = commit;
    return ckpt_image_merge(m->image, &m->file.sink, ckpt_image_codec(m->image),
                            err);
}

int ckpt_image_merge_file(const char *path, struct ckpt_merged *merged,
                          struct ckpt_err *err)
{
    struct merging m = {.merged = merged};
    char real[PATH_MAX];
    int rc = 0;

    memset(merged, 0, sizeof *merged);
    if (!realpath(path, real))
        return ckpt_err_sys(err, "%s", path);
    m.image = ckpt_image_open(real, err);
    if (!m.image)
        return -1;
    if (ckpt_image_base(m.image)) {
        rc = merge(&m, real, err);
    } else {
        merged->was_whole = true;
        ckpt_image_remove_stale(real); /* of one that was killed */
    }
    int errnum = errno;
    ckpt_image_close(m.image);
    errno = errnum;
    return rc < 0 ? ckpt_err_prefix(err, "%s", path) : 0;
}
