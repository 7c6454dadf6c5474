/* look.c - see look.h */
#include "lib/files/look.h"

#include "lib/common/dirent.h"
#include "lib/common/sys.h"
#include "lib/files/digest.h"
#include "lib/files/kinds.h"
#include "lib/keep/protocol.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

enum { MQUEUE_FS = 0x19800202 };

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static const struct stat *stat_of(const struct ckpt_look *l,
                                  const struct ckpt_open_file *f)
{
    return &l->stats[f - l->table->files];
}

/* Reading a file under its own descriptor leaves the program's POSIX locks
 * alone; opening it and closing it again would drop them. */
static uint64_t digest_of(const struct ckpt_look *l,
                          const struct ckpt_open_file *f)
{
    if ((f->flags & O_ACCMODE) == O_RDWR)
        return ckpt_file_digest_fd(ckpt_look_fd(l, f), f->size);
    for (size_t i = 0; i < l->table->nfiles; i++) {
        const struct ckpt_open_file *g = &l->table->files[i];
        if (g->dev == f->dev && g->ino == f->ino && g->locks.len > 0)
            return 0;
    }
    return ckpt_file_digest(f->path, f->size);
}

/* The regular file or directory is to be found under its name again. */
static int look_named(struct ckpt_look *l, struct ckpt_open_file *f)
{
    const struct stat *st = stat_of(l, f);
    struct stat by_name;

    if (f->path[0] != '/' || st->st_nlink == 0)
        return ckpt_look_refuse(l, f, "an open file that has no name any more");
    long rc = ckpt_sys(SYS_newfstatat, AT_FDCWD, f->path, &by_name, 0);
    if (rc < 0 || by_name.st_dev != st->st_dev || by_name.st_ino != st->st_ino)
        return ckpt_look_refuse(
            l, f, "an open file whose name now belongs to another");
    f->kind = S_ISDIR(st->st_mode) ? CKPT_FILE_DIRECTORY : CKPT_FILE_REGULAR;
    if (f->kind == CKPT_FILE_REGULAR && (f->flags & O_ACCMODE) != O_RDONLY)
        f->digest = digest_of(l, f);
    return 0;
}

bool ckpt_look_inherited(const struct ckpt_look *l,
                         const struct ckpt_open_file *f)
{
    const struct ckpt_inherited *in = l->inherited;
    const struct ckpt_file_table *t = l->table;

    for (size_t i = 0; i < in->count; i++)
        for (size_t k = 0; k < t->ndescriptors; k++)
            if (&t->files[t->descriptors[k].file] == f &&
                in->entries[i].fd == t->descriptors[k].fd &&
                in->entries[i].dev == f->dev && in->entries[i].ino == f->ino)
                return true;
    return false;
}

/* A terminal, pipe or socket that the caller gave as 0, 1 or 2, or the same
 * again, or another one that the caller gave. */
bool ckpt_look_given(struct ckpt_look *l, struct ckpt_open_file *f)
{
    const struct stat *st = stat_of(l, f);
    int fd = ckpt_look_fd(l, f);

    for (int given = 0; given <= 2; given++) {
        struct stat of_given;
        if (ckpt_sys(SYS_fstat, given, &of_given) == 0 &&
            of_given.st_dev == st->st_dev && of_given.st_ino == st->st_ino &&
            of_given.st_rdev == st->st_rdev && (fd > 2 || fd == given)) {
            f->kind = CKPT_FILE_CALLER;
            f->caller_fd = given;
            return true;
        }
    }
    if (!ckpt_look_inherited(l, f))
        return false;
    f->kind = CKPT_FILE_CALLER;
    f->caller_fd = fd;
    return true;
}

/* Memory devices and the controlling terminal are the same everywhere. */
static bool is_common_device(const struct stat *st)
{
    return major(st->st_rdev) == 1 ||
           (major(st->st_rdev) == 5 && minor(st->st_rdev) == 0);
}

static const char *what_is(const struct stat *st)
{
    unsigned is = major(st->st_rdev);

    if (S_ISLNK(st->st_mode))
        return "a symbolic link that was opened (O_PATH)";
    if (!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode))
        return "of an unknown kind";
    return S_ISCHR(st->st_mode) && is >= CKPT_PTS_MAJOR &&
                   is < CKPT_PTS_MAJOR + CKPT_PTS_MAJORS
               ? "a terminal whose other end is not in the program"
               : "a device";
}

static int look_device(struct ckpt_look *l, struct ckpt_open_file *f)
{
    const struct stat *st = stat_of(l, f);

    if (S_ISCHR(st->st_mode) && is_common_device(st)) {
        f->kind = CKPT_FILE_DEVICE;
        return ckpt_look_terminal(l, f);
    }
    int pty = ckpt_look_pty(l, f);
    if (pty != 0)
        return pty < 0 ? -1 : 0;
    if (ckpt_look_given(l, f))
        return ckpt_look_terminal(l, f);
    return ckpt_look_refuse(l, f, what_is(st));
}

static bool says_deleted(const char *path)
{
    static const char deleted[] = " (deleted)";
    size_t len = strlen(path), tail = sizeof deleted - 1;

    return len > tail && strcmp(path + len - tail, deleted) == 0;
}

static long file_system(const struct ckpt_look *l,
                        const struct ckpt_open_file *f)
{
    struct statfs fs = {0};

    ckpt_sys(SYS_fstatfs, ckpt_look_fd(l, f), &fs);
    return fs.f_type;
}

static int look_regular(struct ckpt_look *l, struct ckpt_open_file *f)
{
    long on = file_system(l, f);

    if (on == MQUEUE_FS)
        return ckpt_look_refuse(l, f, "a POSIX message queue");
    if (on == HUGETLBFS_MAGIC && says_deleted(f->path))
        return ckpt_look_refuse(l, f, "a memory file of reserved huge pages");
    if (strncmp(f->path, "/secretmem", 10) == 0)
        return ckpt_look_refuse(l, f, "secret memory (memfd_secret)");
    if (strncmp(f->path, "pidfd:", 6) == 0)
        return ckpt_look_refuse(l, f, "a reference to a process (pidfd)");
    if (f->path[0] == '/' && stat_of(l, f)->st_nlink == 0 &&
        says_deleted(f->path) && !(f->flags & O_PATH))
        return ckpt_look_content(l, f,
                                 strncmp(f->path, "/memfd:", 7) == 0
                                     ? CKPT_FILE_MEMFD
                                     : CKPT_FILE_UNLINKED);
    return look_named(l, f);
}

static int look_kind(struct ckpt_look *l, struct ckpt_open_file *f)
{
    if (strncmp(f->path, "anon_inode:", 11) == 0)
        return ckpt_look_anon(l, f);
    switch (f->mode & S_IFMT) {
    case S_IFREG:
        return look_regular(l, f);
    case S_IFDIR:
        return look_named(l, f);
    case S_IFIFO:
        return ckpt_look_pipe(l, f);
    case S_IFSOCK:
        return ckpt_look_socket(l, f);
    default:
        return look_device(l, f);
    }
}

/* --- the table ----------------------------------------------------------- */

/* Where files are kept, the journal may hold a link to one that was removed. */
static void disregard_kept(const char *path, struct stat *st)
{
    if (st->st_nlink == 0 || !S_ISREG(st->st_mode) || !says_deleted(path))
        return;
    long links = ckpt_keep_ask(CKPT_KEEP_LINKS, st->st_dev, st->st_ino);
    if (links > 0 && (nlink_t)links <= st->st_nlink)
        st->st_nlink -= (nlink_t)links;
}

/* What all kinds have in common. */
static int look_file(struct ckpt_look *l, int fd, struct ckpt_open_file *f,
                     struct stat *st)
{
    char link[64], path[CKPT_PATH_MAX];

    snprintf(link, sizeof link, "/proc/thread-self/fd/%d", fd);
    long n = ckpt_sys(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    long rc = ckpt_sys(SYS_fstat, fd, st);
    if (n < 0 || rc < 0)
        return ckpt_err_set(l->err, EIO, "descriptor %d cannot be read", fd);
    path[n] = '\0';
    char *copy = ckpt_arena_alloc(l->arena, (size_t)n + 1);
    if (!copy)
        return ckpt_err_sys(l->err, "table of files");
    memcpy(copy, path, (size_t)n + 1);
    f->path = copy;
    f->flags = (uint32_t)ckpt_sys(SYS_fcntl, fd, F_GETFL);
    disregard_kept(path, st);
    f->mode = st->st_mode;
    f->caller_fd = -1;
    f->dev = st->st_dev;
    f->ino = st->st_ino;
    f->size = (uint64_t)st->st_size;
    f->mtime_ns = mtime_ns(st);
    if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) {
        long offset = ckpt_sys(SYS_lseek, fd, 0, SEEK_CUR);
        f->offset = offset < 0 ? 0 : (uint64_t)offset;
    }
    return 0;
}

/* The description of an earlier descriptor that fd shares, or -1. */
static long shared_with(const struct ckpt_look *l, int fd,
                        const struct ckpt_open_file *f)
{
    const struct ckpt_file_table *t = l->table;

    for (size_t i = 0; i < t->ndescriptors; i++) {
        const struct ckpt_open_file *g = &t->files[t->descriptors[i].file];
        if (g->dev == f->dev && g->ino == f->ino && g->flags == f->flags &&
            g->offset == f->offset &&
            ckpt_sys(SYS_kcmp, l->pid, l->pid, KCMP_FILE, fd,
                     t->descriptors[i].fd) == 0)
            return t->descriptors[i].file;
    }
    return -1;
}

static int look_descriptor(struct ckpt_look *l, int fd)
{
    struct ckpt_file_table *t = l->table;

    if (t->ndescriptors == l->room)
        return ckpt_err_set(l->err, ENOMEM, "more than %zu descriptors",
                            l->room);
    struct ckpt_open_file *f = &t->files[t->nfiles];
    memset(f, 0, sizeof *f);
    if (look_file(l, fd, f, &l->stats[t->nfiles]) < 0)
        return -1;
    long shared = shared_with(l, fd, f);
    struct ckpt_descriptor *d = &t->descriptors[t->ndescriptors++];
    d->fd = fd;
    d->file = shared < 0 ? (uint32_t)t->nfiles++ : (uint32_t)shared;
    d->cloexec =
        (uint32_t)(ckpt_sys(SYS_fcntl, fd, F_GETFD) & FD_CLOEXEC ? 1 : 0);
    return 0;
}

static int look_all(struct ckpt_look *l, int dirfd, bool (*skip)(int fd))
{
    _Alignas(struct ckpt_dirent) char buf[4096];
    long n;

    while ((n = ckpt_sys(SYS_getdents64, dirfd, buf, sizeof buf)) > 0) {
        for (long at = 0; at < n;) {
            struct ckpt_dirent *d = (void *)(buf + at);
            at += d->reclen;
            if (d->name[0] < '0' || d->name[0] > '9')
                continue;
            int fd = atoi(d->name);
            if (fd != dirfd && !skip(fd) && look_descriptor(l, fd) < 0)
                return -1;
        }
    }
    return n < 0 ? (int)ckpt_sys_errno(n) : 0;
}

/* Locks first: who looks into a file must know of them. */
static int look_kinds(struct ckpt_look *l)
{
    struct ckpt_file_table *t = l->table;

    for (size_t i = 0; i < t->nfiles; i++)
        if (S_ISREG(t->files[i].mode) && ckpt_look_locks(l, &t->files[i]) < 0)
            return -1;
    for (size_t i = 0; i < t->nfiles; i++)
        if (look_kind(l, &t->files[i]) < 0 ||
            ckpt_look_habits(l, &t->files[i]) < 0)
            return -1;
    return 0;
}

void ckpt_files_inherited(struct ckpt_inherited *inherited)
{
    _Alignas(struct ckpt_dirent) char buf[4096];
    long n, dirfd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/fd",
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    inherited->count = 0;
    while (dirfd >= 0 &&
           (n = ckpt_sys(SYS_getdents64, dirfd, buf, sizeof buf)) > 0) {
        for (long at = 0; at < n;) {
            struct ckpt_dirent *d = (void *)(buf + at);
            struct stat st;
            int fd = atoi(d->name);
            at += d->reclen;
            if (d->name[0] == '.' || fd == dirfd ||
                inherited->count == CKPT_INHERITED_MAX ||
                ckpt_sys(SYS_fstat, fd, &st) < 0)
                continue;
            size_t i = inherited->count++;
            inherited->entries[i].fd = fd;
            inherited->entries[i].dev = st.st_dev;
            inherited->entries[i].ino = st.st_ino;
        }
    }
    if (dirfd >= 0)
        ckpt_sys(SYS_close, dirfd);
}

void ckpt_files_inherited_prune(struct ckpt_inherited *inherited)
{
    size_t kept = 0;
    struct stat st;

    for (size_t i = 0; i < inherited->count; i++)
        if (ckpt_sys(SYS_fstat, inherited->entries[i].fd, &st) == 0 &&
            st.st_dev == inherited->entries[i].dev &&
            st.st_ino == inherited->entries[i].ino)
            inherited->entries[kept++] = inherited->entries[i];
    inherited->count = kept;
}

void ckpt_files_inherited_renew(struct ckpt_inherited *inherited)
{
    struct stat st;

    for (size_t i = 0; i < inherited->count; i++)
        if (ckpt_sys(SYS_fstat, inherited->entries[i].fd, &st) == 0) {
            inherited->entries[i].dev = st.st_dev;
            inherited->entries[i].ino = st.st_ino;
        }
}

static size_t count_descriptors(int dirfd)
{
    _Alignas(struct ckpt_dirent) char buf[4096];
    size_t count = 0;
    long n;

    while ((n = ckpt_sys(SYS_getdents64, dirfd, buf, sizeof buf)) > 0)
        for (long at = 0; at < n; count++)
            at += ((struct ckpt_dirent *)(void *)(buf + at))->reclen;
    ckpt_sys(SYS_lseek, dirfd, 0, SEEK_SET);
    return count;
}

int ckpt_files_look(struct ckpt_file_table *table, struct ckpt_arena *arena,
                    const struct ckpt_inherited *inherited,
                    bool (*skip)(int fd), struct ckpt_err *err)
{
    struct ckpt_look l = {
        .table = table,
        .arena = arena,
        .inherited = inherited,
        .pid = (int)ckpt_sys(SYS_getpid),
        .err = err,
    };

    memset(table, 0, sizeof *table);
    long dirfd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/fd",
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0) {
        errno = (int)-dirfd;
        return ckpt_err_sys(err, "/proc/thread-self/fd");
    }
    l.room = count_descriptors((int)dirfd);
    table->files = ckpt_arena_alloc(arena, (l.room + 1) * sizeof *table->files);
    table->descriptors =
        ckpt_arena_alloc(arena, (l.room + 1) * sizeof *table->descriptors);
    l.stats = ckpt_arena_alloc(arena, (l.room + 1) * sizeof *l.stats);
    int rc = -1;
    if (!table->files || !table->descriptors || !l.stats)
        ckpt_err_sys(err, "table of files");
    else
        rc = look_all(&l, (int)dirfd, skip);
    ckpt_sys(SYS_close, dirfd);
    return rc < 0 ? -1 : look_kinds(&l);
}
