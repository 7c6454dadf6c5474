/* files.c - see files.h */
#include "lib/restart/files.h"

#include "lib/files/digest.h"
#include "lib/restart/files_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Flags that open(2) takes again; creating and truncating are over. */
static int reopen_flags(const struct ckpt_open_file *f)
{
    int flags = (int)f->flags & ~(O_CREAT | O_EXCL | O_TRUNC);

    return flags | O_CLOEXEC | O_NOCTTY;
}

static bool writes(const struct ckpt_open_file *f)
{
    return (f->flags & O_ACCMODE) != O_RDONLY;
}

/* A file of the program's own under /proc, by whatever id it has now. */
static const char *path_now(const struct ckpt_files *files,
                            const struct ckpt_open_file *f, char *own)
{
    char before[32];
    int len =
        snprintf(before, sizeof before, "/proc/%d", files->notes->process.pid);

    if (files->notes->process.pid == getpid() ||
        strncmp(f->path, before, (size_t)len) != 0 ||
        (f->path[len] != '/' && f->path[len] != '\0'))
        return f->path;
    snprintf(own, CKPT_PATH_MAX, "/proc/self%s", f->path + len);
    return own;
}

/* Its size says nothing. */
static bool is_made_up(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 &&
           (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
            fs.f_type == CGROUP2_SUPER_MAGIC);
}

/* A file that is longer than it was will be cut (`exact`: was cut before, where
 * it was the program that made it longer); everything else that differs cannot
 * be undone. */
static int check_regular(const struct ckpt_open_file *f, const struct stat *st,
                         bool exact, struct ckpt_err *err)
{
    uint64_t size = (uint64_t)st->st_size;

    if (!S_ISREG(st->st_mode))
        return ckpt_err_set(err, ESTALE, "%s is no regular file any more",
                            f->path);
    if (size < (writes(f) ? f->size : f->offset))
        return ckpt_err_set(err, ESTALE,
                            "%s is shorter than at the checkpoint: %llu "
                            "instead of %llu bytes (--force goes on)",
                            f->path, (unsigned long long)size,
                            (unsigned long long)f->size);
    if (exact && writes(f) && size > f->size)
        return ckpt_err_set(err, ESTALE,
                            "another process has appended to %s since the "
                            "program ended (--force cuts it back)",
                            f->path);
    if (f->digest && ckpt_file_digest(f->path, f->size) != f->digest)
        return ckpt_err_set(err, ESTALE,
                            "%s was changed in place since the checkpoint "
                            "(--force goes on)",
                            f->path);
    return 0;
}

static int open_named(const struct ckpt_files *files,
                      const struct ckpt_open_file *f, bool exact, bool force,
                      struct ckpt_err *err)
{
    char own[CKPT_PATH_MAX];
    struct stat st;
    int fd = open(path_now(files, f, own), reopen_flags(f));

    if (fd < 0 || fstat(fd, &st) < 0)
        return ckpt_err_sys(err, "cannot open %s again", f->path);
    if (f->kind == CKPT_FILE_REGULAR && !is_made_up(fd) &&
        check_regular(f, &st, exact, err) < 0 && !force) {
        close(fd);
        return -1;
    }
    if (f->kind != CKPT_FILE_DEVICE && f->offset > 0 &&
        lseek(fd, (off_t)f->offset, SEEK_SET) < 0) {
        close(fd);
        return ckpt_err_sys(err, "cannot seek in %s", f->path);
    }
    return fd;
}

/* What our caller gave us stands for what the program's caller gave it.  What
 * is to be closed on exec cannot have come from there. */
static int open_given(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    int flags = fcntl(f->caller_fd, F_GETFD), fd = -1;

    if (flags >= 0 && !(flags & FD_CLOEXEC))
        fd = fcntl(f->caller_fd, F_DUPFD_CLOEXEC, 3);
    else
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return ckpt_err_sys(err, "descriptor %d", f->caller_fd);
    /* an event loop must not block where it did not */
    if (f->flags & O_NONBLOCK)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

/* --- what the kinds share ------------------------------------------------ */

struct ckpt_bytes ckpt_files_state(const struct ckpt_open_file *f)
{
    /* the cursor only reads */
    return ckpt_bytes_over((void *)(uintptr_t)f->state.data, f->state.len);
}

int ckpt_files_malformed(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    return ckpt_err_set(err, EPROTO, "the image's entry of %s is malformed",
                        f->path);
}

size_t ckpt_files_first(const struct ckpt_files *files, size_t i)
{
    const struct ckpt_open_file *all = files->notes->files;
    size_t k = 0;

    while (k < i && (all[k].kind != all[i].kind || all[k].dev != all[i].dev ||
                     all[k].ino != all[i].ino))
        k++;
    return k;
}

int ckpt_files_again(int fd, const struct ckpt_open_file *f,
                     struct ckpt_err *err)
{
    char path[64];
    int direct = S_ISFIFO(f->mode) ? O_DIRECT : 0; /* of pipes: to be set */

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again =
        open(path, (reopen_flags(f) & ~(O_TMPFILE | O_NOFOLLOW | direct)) |
                       (S_ISFIFO(f->mode) ? O_NONBLOCK : 0));
    return again < 0 ? ckpt_err_sys(err, "cannot open %s again", f->path)
                     : again;
}

/* The length that a file must have: where files are kept, it was put back.
 * Standard streams may be the caller's, and ckpt's, as well. */
static bool is_exact(const struct ckpt_notes *notes, size_t file)
{
    for (size_t i = 0; i < notes->ndescriptors; i++)
        if (notes->descriptors[i].file == file && notes->descriptors[i].fd <= 2)
            return false;
    return notes->kept.number > 0;
}

static int open_kind(struct ckpt_files *files, size_t i, bool force,
                     struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];

    switch (f->kind) {
    case CKPT_FILE_REGULAR:
    case CKPT_FILE_DIRECTORY:
    case CKPT_FILE_DEVICE:
        return open_named(files, f, is_exact(files->notes, i), force, err);
    case CKPT_FILE_CALLER:
        return open_given(f, err);
    case CKPT_FILE_PIPE:
        return ckpt_files_pipe(files, i, err);
    case CKPT_FILE_SOCKETPAIR:
        return ckpt_files_socketpair(files, i, err);
    case CKPT_FILE_PTY:
        return ckpt_files_pty(files, i, err);
    case CKPT_FILE_EVENTFD:
        return ckpt_files_eventfd(f, err);
    case CKPT_FILE_TIMERFD:
        return ckpt_files_timerfd(f, err);
    case CKPT_FILE_SIGNALFD:
        return ckpt_files_signalfd(f, err);
    case CKPT_FILE_EPOLL:
        return ckpt_files_epoll(f, err);
    case CKPT_FILE_INOTIFY:
        return ckpt_files_inotify(f, err);
    case CKPT_FILE_MEMFD:
    case CKPT_FILE_UNLINKED:
        return ckpt_files_content(files, i, err);
    default:
        return ckpt_err_set(err, ENOTSUP,
                            "%s is of a kind (%u) that this ckpt does not "
                            "know: use a newer one",
                            f->path, f->kind);
    }
}

static int open_one(struct ckpt_files *files, size_t i, bool force,
                    struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    int fd = open_kind(files, i, force, err);

    if (fd < 0)
        return -1;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, files->base);
    if (high < 0)
        ckpt_err_sys(err, "%s: no descriptor above %d", f->path, files->base);
    close(fd);
    files->opened[i] = high;
    return high < 0 ? -1 : ckpt_files_lock(f, high, err);
}

int ckpt_files_begin(struct ckpt_files *files, const struct ckpt_notes *notes,
                     struct ckpt_err *err)
{
    size_t n = notes->nfiles + 1;

    files->notes = notes;
    files->base = 3;
    files->opened = calloc(n, sizeof *files->opened);
    files->spare = calloc(n, sizeof *files->spare);
    if (!files->opened || !files->spare)
        return ckpt_err_sys(err, "table of files");
    for (size_t i = 0; i < n; i++)
        files->opened[i] = files->spare[i][0] = files->spare[i][1] = -1;
    for (size_t i = 0; i < notes->ndescriptors; i++)
        if (notes->descriptors[i].fd >= files->base)
            files->base = notes->descriptors[i].fd + 1;
    return 0;
}

int ckpt_files_open(struct ckpt_files *files, bool force, struct ckpt_err *err)
{
    const struct ckpt_notes *notes = files->notes;

    for (size_t i = 0; i < notes->nfiles; i++)
        if (open_one(files, i, force, err) < 0)
            return -1;
    for (size_t i = 0; i < notes->nfiles; i++)
        if (notes->files[i].kind == CKPT_FILE_MEMFD &&
            ckpt_files_first(files, i) == i &&
            ckpt_files_seal(&notes->files[i], files->spare[i][0], err) < 0)
            return -1;
    return ckpt_files_try_epoll(files, err);
}

static int roll_back(const struct ckpt_files *files, struct ckpt_err *err)
{
    for (size_t i = 0; i < files->notes->nfiles; i++) {
        const struct ckpt_open_file *f = &files->notes->files[i];
        struct stat st;
        if (f->kind != CKPT_FILE_REGULAR || !writes(f))
            continue;
        if (fstat(files->opened[i], &st) < 0)
            return ckpt_err_sys(err, "%s", f->path);
        if ((uint64_t)st.st_size > f->size &&
            ftruncate(files->opened[i], (off_t)f->size) < 0)
            return ckpt_err_sys(err, "cannot cut %s back to %llu bytes",
                                f->path, (unsigned long long)f->size);
    }
    return 0;
}

static bool is_wanted(const struct ckpt_notes *notes, int fd)
{
    for (size_t i = 0; i < notes->ndescriptors; i++)
        if (notes->descriptors[i].fd == fd)
            return true;
    return false;
}

/* One descriptor of each description, now that all are in place. */
static int commit_kinds(const struct ckpt_notes *notes, struct ckpt_err *err)
{
    for (size_t i = 0; i < notes->ndescriptors; i++) {
        const struct ckpt_descriptor *d = &notes->descriptors[i];
        const struct ckpt_open_file *f = &notes->files[d->file];
        size_t k = 0;
        while (notes->descriptors[k].file != d->file)
            k++;
        if (k != i)
            continue;
        if (ckpt_files_commit_locks(f, d->fd, err) < 0 ||
            ckpt_files_commit_habits(f, d->fd, err) < 0)
            return -1;
        if (f->kind == CKPT_FILE_EPOLL &&
            ckpt_files_commit_epoll(f, d->fd, err) < 0)
            return -1;
        if (f->kind == CKPT_FILE_TIMERFD &&
            ckpt_files_commit_timerfd(f, d->fd, err) < 0)
            return -1;
    }
    return 0;
}

int ckpt_files_commit(struct ckpt_files *files, int keep, struct ckpt_err *err)
{
    const struct ckpt_notes *notes = files->notes;

    if (roll_back(files, err) < 0)
        return -1;
    if (keep >= 0) {
        int high = fcntl(keep, F_DUPFD, files->base);
        if (high < 0)
            return ckpt_err_sys(err, "descriptor %d", keep);
        keep = high;
    }
    for (size_t i = 0; i < notes->ndescriptors; i++) {
        const struct ckpt_descriptor *d = &notes->descriptors[i];
        if (dup3(files->opened[d->file], d->fd, d->cloexec ? O_CLOEXEC : 0) < 0)
            return ckpt_err_sys(err, "descriptor %d", d->fd);
    }
    for (int fd = 0; fd < files->base; fd++)
        if (!is_wanted(notes, fd))
            close(fd);
    if (keep > files->base)
        syscall(SYS_close_range, files->base, keep - 1, 0);
    syscall(SYS_close_range, keep >= 0 ? keep + 1 : files->base, ~0u, 0);
    if (commit_kinds(notes, err) < 0)
        return -1;
    return keep >= 0 ? keep : 0;
}
