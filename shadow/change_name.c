/* change_name.c - see change.h: names are made, removed and replaced */
#include "shadow/change_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int name_ready(struct change *change, int dirfd, const char *name)
{
    change_note_fs(change, dirfd);
    if (journal_name(change->journal, dirfd, name, &change->err) < 0 ||
        journal_ready(change->journal, -1, &change->err) < 0)
        return change_refused(change, -1);
    return 0;
}

/* --- done before? ---------------------------------------------------------
 */

static bool is_noted(const struct note *note, const struct stat *st)
{
    return note->dev == st->st_dev && note->ino == st->st_ino;
}

static void note_inode(struct note *note, const struct stat *st)
{
    if (!note)
        return;
    note->dev = st->st_dev;
    note->ino = st->st_ino;
    note_make(note, NOTE_INODE);
}

/* The name was not there before; it is now, and that was us. */
static bool made_before(const struct change *change, int dirfd,
                        const char *name)
{
    struct stat st;

    return note_has(change->note, NOTE_ABSENT) &&
           fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void note_absent(struct change *change, int dirfd, const char *name)
{
    struct stat st;

    if (change->note && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno == ENOENT)
        note_make(change->note, NOTE_ABSENT);
}

/* The noted inode has left this name. */
static bool left_before(const struct change *change, int dirfd,
                        const char *name)
{
    struct stat st;

    return note_has(change->note, NOTE_INODE) &&
           (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !is_noted(change->note, &st));
}

/* --- open ----------------------------------------------------------------- */

static int create(struct change *change, int dirfd, const char *name, int flags,
                  mode_t mode)
{
    if (name_ready(change, dirfd, name) < 0)
        return -1;
    note_absent(change, dirfd, name);
    int fd = openat(dirfd, name, flags | O_CREAT | O_EXCL, mode & 01777);
    if (fd >= 0)
        journal_made(change->journal, dirfd, name);
    return change_ended(change, fd, fd);
}

static int check_kind(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return 0;
    errno = ENXIO; /* no devices, FIFOs or sockets */
    return -1;
}

static int open_existing(struct change *change, int dirfd, const char *name,
                         int flags)
{
    int kept = flags & ~(O_CREAT | O_EXCL | O_TRUNC);
    int fd = openat(dirfd, name, kept);

    if (fd < 0)
        return -1;
    bool cut = (flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY;
    if (check_kind(fd) < 0 || (cut && change_truncate(change, fd, 0) < 0)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int change_open(struct change *change, int dirfd, const char *name, int flags,
                mode_t mode)
{
    struct stat st;

    /* Blocks are kept before they are overwritten, so reading must work. */
    if ((flags & O_ACCMODE) != O_RDONLY)
        change_note_fs(change, dirfd);
    if ((flags & O_ACCMODE) == O_WRONLY)
        flags = (flags & ~O_ACCMODE) | O_RDWR;
    flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    if (!(flags & O_CREAT) || made_before(change, dirfd, name))
        return open_existing(change, dirfd, name, flags);
    for (;;) {
        if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            if (flags & O_EXCL) {
                errno = EEXIST;
                return -1;
            }
            return open_existing(change, dirfd, name, flags);
        }
        if (errno != ENOENT)
            return -1;
        int fd = create(change, dirfd, name, flags, mode);
        if (fd >= 0 || errno != EEXIST || (flags & O_EXCL))
            return fd;
        /* somebody else was faster */
    }
}

/* --- the other ways --------------------------------------------------------
 */

int change_unlink(struct change *change, int dirfd, const char *name,
                  bool is_dir)
{
    struct stat st;

    if (left_before(change, dirfd, name))
        return 0;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (S_ISDIR(st.st_mode) != is_dir) {
        errno = is_dir ? ENOTDIR : EISDIR;
        return -1;
    }
    if (name_ready(change, dirfd, name) < 0)
        return -1;
    bool known = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    note_inode(change->note, &st);
    int rc = unlinkat(dirfd, name, is_dir ? AT_REMOVEDIR : 0);
    if (rc == 0 && known)
        journal_gone(change->journal, &st);
    return change_ended(change, -1, rc);
}

static int rename_dir(struct change *change, int from_dirfd, const char *from,
                      int to_dirfd, const char *to, unsigned flags, ino_t ino)
{
    struct stat st;

    /* What cannot work needs no new segment. */
    if (fstatat(to_dirfd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (flags & RENAME_NOREPLACE)
            errno = EEXIST;
        else if (!S_ISDIR(st.st_mode))
            errno = ENOTDIR;
        else if (st.st_ino == ino)
            return 0; /* the same one */
        else
            goto go_on;
        return -1;
    }
go_on:
    if (journal_rename_dir(change->journal, from_dirfd, from, to_dirfd, to,
                           &change->err) < 0)
        return change_refused(change, -1);
    int rc = renameat2(from_dirfd, from, to_dirfd, to, flags);
    return change_ended(change, -1, rc);
}

static int rename_other(struct change *change, int from_dirfd, const char *from,
                        int to_dirfd, const char *to, unsigned flags,
                        const struct stat *st)
{
    struct stat old;

    if (journal_name(change->journal, from_dirfd, from, &change->err) < 0 ||
        journal_name(change->journal, to_dirfd, to, &change->err) < 0 ||
        journal_ready(change->journal, -1, &change->err) < 0)
        return change_refused(change, -1);
    bool replaces = fstatat(to_dirfd, to, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
                    old.st_ino != st->st_ino;
    int rc = renameat2(from_dirfd, from, to_dirfd, to, flags);
    if (rc == 0 && replaces)
        journal_gone(change->journal, &old);
    if (rc == 0 && S_ISLNK(st->st_mode))
        journal_made(change->journal, to_dirfd, to);
    return change_ended(change, -1, rc);
}

int change_rename(struct change *change, int from_dirfd, const char *from,
                  int to_dirfd, const char *to, unsigned flags)
{
    struct stat st;

    if (flags & ~(unsigned)RENAME_NOREPLACE) {
        errno = EINVAL;
        return -1;
    }
    if (left_before(change, from_dirfd, from) &&
        fstatat(to_dirfd, to, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        is_noted(change->note, &st))
        return 0;
    if (fstatat(from_dirfd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    note_inode(change->note, &st);
    change_note_fs(change, to_dirfd);
    if (S_ISDIR(st.st_mode))
        return rename_dir(change, from_dirfd, from, to_dirfd, to, flags,
                          st.st_ino);
    return rename_other(change, from_dirfd, from, to_dirfd, to, flags, &st);
}

int change_link(struct change *change, int from_dirfd, const char *from,
                int to_dirfd, const char *to)
{
    int fd = openat(from_dirfd, from, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return -1;
    int rc = fstat(fd, &st);
    if (rc == 0 && S_ISDIR(st.st_mode)) {
        errno = EPERM;
        rc = -1;
    }
    if (rc == 0 && !S_ISLNK(st.st_mode) &&
        journal_attr(change->journal, fd, &change->err) < 0)
        rc = change_refused(change, -1);
    if (rc == 0)
        rc = name_ready(change, to_dirfd, to);
    if (rc == 0 && made_before(change, to_dirfd, to)) {
        change_ended(change, fd, 0);
    } else if (rc == 0) {
        note_absent(change, to_dirfd, to);
        rc = linkat(from_dirfd, from, to_dirfd, to, 0);
        if (rc == 0 && S_ISLNK(st.st_mode))
            journal_made(change->journal, to_dirfd, to);
        change_ended(change, fd, rc);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

int change_symlink(struct change *change, const char *target, int dirfd,
                   const char *name)
{
    if (made_before(change, dirfd, name))
        return 0;
    if (name_ready(change, dirfd, name) < 0)
        return -1;
    note_absent(change, dirfd, name);
    int rc = symlinkat(target, dirfd, name);
    if (rc == 0)
        journal_made(change->journal, dirfd, name);
    return change_ended(change, -1, rc);
}

int change_mkdir(struct change *change, int dirfd, const char *name,
                 mode_t mode)
{
    struct stat st;

    if (made_before(change, dirfd, name))
        return 0;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    if (name_ready(change, dirfd, name) < 0)
        return -1;
    note_absent(change, dirfd, name);
    int rc = mkdirat(dirfd, name, mode & 01777);
    if (rc == 0)
        journal_made(change->journal, dirfd, name);
    return change_ended(change, -1, rc);
}
