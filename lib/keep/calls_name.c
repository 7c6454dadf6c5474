/* calls_name.c - see calls.h: names and attributes; the table of calls */
#include "lib/keep/calls_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NR_FCHMODAT2 = 452, CALLS = 512 };

/* --- names --------------------------------------------------------------- */

static int ready(struct keep_call *call)
{
    return journal_ready(call->journal, -1, &call->err) < 0
               ? keep_failed(call, "journal")
               : 0;
}

int keep_note_name(struct keep_call *call, const struct keep_place *place)
{
    if (journal_name(call->journal, place->dirfd, place->name, &call->err) <
        0) {
        if (errno != ENOENT && errno != ENAMETOOLONG)
            return keep_failed(call, "journal");
        call->err.text[0] = '\0'; /* its directory is gone */
        return -1;
    }
    return ready(call);
}

static bool look(const struct keep_place *place, struct stat *st)
{
    return fstatat(place->dirfd, place->name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Note a name that the call makes (`there` false) or removes; a call for which
 * it is the other way round will fail. */
static int one_name(struct keep_call *call, int dirfd, uint64_t path,
                    bool there)
{
    struct keep_place place;
    struct stat st;
    int rc = 0;

    if (keep_find_place(call->tid, dirfd, path, false, &place) < 0)
        return -1;
    if (look(&place, &st) == there && keep_is_real(place.dirfd))
        rc = keep_note_name(call, &place);
    keep_place_clear(&place);
    return rc;
}

int keep_on_unlink(struct keep_call *call)
{
    return one_name(call, AT_FDCWD, call->arg[0], true);
}

int keep_on_unlinkat(struct keep_call *call)
{
    return one_name(call, (int)call->arg[0], call->arg[1], true);
}

int keep_on_make(struct keep_call *call)
{
    return one_name(call, AT_FDCWD, call->arg[0], false);
}

int keep_on_makeat(struct keep_call *call)
{
    return one_name(call, (int)call->arg[0], call->arg[1], false);
}

int keep_on_symlink(struct keep_call *call)
{
    return one_name(call, AT_FDCWD, call->arg[1], false);
}

int keep_on_symlinkat(struct keep_call *call)
{
    return one_name(call, (int)call->arg[1], call->arg[2], false);
}

/* --- renaming ------------------------------------------------------------ */

/* The journal's new segment begins with it, so what cannot work is left to the
 * kernel. */
static int rename_dir(struct keep_call *call, const struct keep_place *from,
                      const struct keep_place *to, unsigned flags)
{
    struct stat st;

    if (flags & RENAME_EXCHANGE) {
        ckpt_err_set(&call->err, ENOTSUP,
                     "the directory %s changed places with another name",
                     from->name);
        return keep_failed(call, "");
    }
    if (look(to, &st) && (!S_ISDIR(st.st_mode) || (flags & RENAME_NOREPLACE)))
        return 0;
    if (journal_rename_dir(call->journal, from->dirfd, from->name, to->dirfd,
                           to->name, &call->err) < 0)
        return keep_failed(call, "journal");
    return ready(call);
}

static int rename_places(struct keep_call *call, const struct keep_place *from,
                         const struct keep_place *to, unsigned flags)
{
    struct stat st, old;

    if (!look(from, &st) || !keep_is_real(from->dirfd))
        return 0;
    bool replaces = look(to, &old);
    if (replaces && old.st_ino == st.st_ino && old.st_dev == st.st_dev)
        return 0;
    if (S_ISDIR(st.st_mode) ||
        (replaces && (flags & RENAME_EXCHANGE) && S_ISDIR(old.st_mode)))
        return rename_dir(call, from, to, flags);
    if (keep_note_name(call, from) < 0)
        return -1;
    return keep_note_name(call, to);
}

static int rename_both(struct keep_call *call, int from_dirfd, uint64_t from,
                       int to_dirfd, uint64_t to, unsigned flags)
{
    struct keep_place a, b;

    if (keep_find_place(call->tid, from_dirfd, from, false, &a) < 0)
        return -1;
    int rc = keep_find_place(call->tid, to_dirfd, to, false, &b);
    if (rc == 0) {
        rc = rename_places(call, &a, &b, flags);
        keep_place_clear(&b);
    }
    keep_place_clear(&a);
    return rc;
}

int keep_on_rename(struct keep_call *call)
{
    return rename_both(call, AT_FDCWD, call->arg[0], AT_FDCWD, call->arg[1], 0);
}

int keep_on_renameat(struct keep_call *call)
{
    return rename_both(call, (int)call->arg[0], call->arg[1], (int)call->arg[2],
                       call->arg[3],
                       call->nr == SYS_renameat2 ? (unsigned)call->arg[4] : 0);
}

/* --- attributes, and other names ----------------------------------------- */

static int note_attr(struct keep_call *call, int fd)
{
    if (fd < 0)
        return -1;
    int rc = 0;
    if (keep_is_real(fd) && journal_attr(call->journal, fd, &call->err) < 0)
        rc = keep_failed(call, "journal");
    close(fd);
    return rc < 0 ? rc : ready(call);
}

static int attr_of(struct keep_call *call, int dirfd, uint64_t path,
                   bool follow)
{
    struct keep_place place;

    if (keep_find_place(call->tid, dirfd, path, follow, &place) < 0)
        return -1;
    int fd = openat(place.dirfd, place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    keep_place_clear(&place);
    return note_attr(call, fd);
}

int keep_on_attr(struct keep_call *call)
{
    return attr_of(call, AT_FDCWD, call->arg[0], true);
}

int keep_on_lattr(struct keep_call *call)
{
    return attr_of(call, AT_FDCWD, call->arg[0], false);
}

int keep_on_fattr(struct keep_call *call)
{
    return note_attr(call, keep_open_fd(call->tid, (int)call->arg[0], O_PATH));
}

/* The flags are the argument after the path's own. */
static uint64_t at_flags(const struct keep_call *call)
{
    switch (call->nr) {
    case SYS_fchownat:
        return call->arg[4];
    case SYS_utimensat:
    case NR_FCHMODAT2:
        return call->arg[3];
    default: /* fchmodat and futimesat have none */
        return 0;
    }
}

int keep_on_attrat(struct keep_call *call)
{
    uint64_t flags = at_flags(call);
    char first = '\0';

    if (call->arg[1] &&
        keep_read_memory(call->tid, call->arg[1], &first, 1) < 0)
        return -1;
    if (first == '\0')
        return keep_on_fattr(call);
    return attr_of(call, (int)call->arg[0], call->arg[1],
                   !(flags & AT_SYMLINK_NOFOLLOW));
}

static int link_both(struct keep_call *call, int from_dirfd, uint64_t from,
                     int to_dirfd, uint64_t to, unsigned flags)
{
    int rc;

    if (flags & AT_EMPTY_PATH)
        rc = note_attr(call, keep_open_fd(call->tid, from_dirfd, O_PATH));
    else
        rc = attr_of(call, from_dirfd, from, flags & AT_SYMLINK_FOLLOW);
    if (rc < 0 && errno != EISDIR) /* a magic link has no name to change */
        return -1;
    return one_name(call, to_dirfd, to, false);
}

int keep_on_link(struct keep_call *call)
{
    return link_both(call, AT_FDCWD, call->arg[0], AT_FDCWD, call->arg[1], 0);
}

int keep_on_linkat(struct keep_call *call)
{
    return link_both(call, (int)call->arg[0], call->arg[1], (int)call->arg[2],
                     call->arg[3], (unsigned)call->arg[4]);
}

/* --- the table ----------------------------------------------------------- */

static int (*const handlers[CALLS])(struct keep_call *call) = {
    [SYS_write] = keep_on_write,         [SYS_pwrite64] = keep_on_pwrite,
    [SYS_writev] = keep_on_writev,       [SYS_pwritev] = keep_on_pwritev,
    [SYS_pwritev2] = keep_on_pwritev,    [SYS_sendfile] = keep_on_sendfile,
    [SYS_splice] = keep_on_splice,       [SYS_copy_file_range] = keep_on_splice,
    [SYS_ftruncate] = keep_on_ftruncate, [SYS_truncate] = keep_on_truncate,
    [SYS_fallocate] = keep_on_fallocate, [SYS_ioctl] = keep_on_ioctl,
    [SYS_mmap] = keep_on_mmap,           [SYS_open] = keep_on_open,
    [SYS_openat] = keep_on_openat,       [SYS_openat2] = keep_on_openat2,
    [SYS_creat] = keep_on_creat,         [SYS_rename] = keep_on_rename,
    [SYS_renameat] = keep_on_renameat,   [SYS_renameat2] = keep_on_renameat,
    [SYS_link] = keep_on_link,           [SYS_linkat] = keep_on_linkat,
    [SYS_unlink] = keep_on_unlink,       [SYS_unlinkat] = keep_on_unlinkat,
    [SYS_rmdir] = keep_on_unlink,        [SYS_mkdir] = keep_on_make,
    [SYS_mkdirat] = keep_on_makeat,      [SYS_mknod] = keep_on_make,
    [SYS_mknodat] = keep_on_makeat,      [SYS_symlink] = keep_on_symlink,
    [SYS_symlinkat] = keep_on_symlinkat, [SYS_chmod] = keep_on_attr,
    [SYS_chown] = keep_on_attr,          [SYS_utime] = keep_on_attr,
    [SYS_utimes] = keep_on_attr,         [SYS_lchown] = keep_on_lattr,
    [SYS_fchmod] = keep_on_fattr,        [SYS_fchown] = keep_on_fattr,
    [SYS_fchmodat] = keep_on_attrat,     [NR_FCHMODAT2] = keep_on_attrat,
    [SYS_fchownat] = keep_on_attrat,     [SYS_utimensat] = keep_on_attrat,
    [SYS_futimesat] = keep_on_attrat,
};

int keep_call(struct keep_call *call)
{
    if (call->nr < 0 || call->nr >= CALLS || !handlers[call->nr])
        return 0;
    int rc = handlers[call->nr](call);
    if (rc == 0)
        rc = keep_over_limit(call, 0);
    int why = rc < 0 ? errno : 0;
    journal_done(call->journal, -1);
    if (why != EPERM)
        return 0; /* noted; or the call will fail by itself */
    return keep_failed(call, "what the program changes cannot be looked at "
                             "(see ckpt-run(1))");
}
