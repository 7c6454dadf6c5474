/* files.c - see files.h */
#include "lib/restart/files.h"

#include "lib/files/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* A file that is longer than it was will be cut; everything else that differs
 * cannot be undone. */
static int check_regular(const struct ckpt_open_file *f, const struct stat *st,
                         struct ckpt_err *err)
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
    if (f->digest && ckpt_file_digest(f->path, f->size) != f->digest)
        return ckpt_err_set(err, ESTALE,
                            "%s was changed in place since the checkpoint "
                            "(--force goes on)",
                            f->path);
    return 0;
}

static int open_named(const struct ckpt_open_file *f, bool force,
                      struct ckpt_err *err)
{
    struct stat st;
    int fd = open(f->path, reopen_flags(f));

    if (fd < 0 || fstat(fd, &st) < 0)
        return ckpt_err_sys(err, "cannot open %s again", f->path);
    if (f->kind == CKPT_FILE_REGULAR && check_regular(f, &st, err) < 0 &&
        !force) {
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

/* What our caller gave us stands for what the program's caller gave it. */
static int open_given(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    int fd = fcntl(f->caller_fd, F_DUPFD_CLOEXEC, 3);

    if (fd < 0 && errno == EBADF)
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return ckpt_err_sys(err, "descriptor %d", f->caller_fd);
    return fd;
}

static int open_one(struct ckpt_files *files, size_t i, bool force,
                    struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    int fd = f->kind == CKPT_FILE_CALLER ? open_given(f, err)
                                         : open_named(f, force, err);

    if (fd < 0)
        return -1;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, files->base);
    if (high < 0)
        ckpt_err_sys(err, "%s: no descriptor above %d", f->path, files->base);
    close(fd);
    files->opened[i] = high;
    return high < 0 ? -1 : 0;
}

int ckpt_files_open(struct ckpt_files *files, const struct ckpt_notes *notes,
                    bool force, struct ckpt_err *err)
{
    files->notes = notes;
    files->base = 3;
    files->opened = calloc(notes->nfiles + 1, sizeof *files->opened);
    if (!files->opened)
        return ckpt_err_sys(err, "table of files");
    for (size_t i = 0; i < notes->ndescriptors; i++)
        if (notes->descriptors[i].fd >= files->base)
            files->base = notes->descriptors[i].fd + 1;
    for (size_t i = 0; i < notes->nfiles; i++)
        if (open_one(files, i, force, err) < 0)
            return -1;
    return 0;
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
    return keep >= 0 ? keep : 0;
}
