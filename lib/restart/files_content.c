/* files_content.c - files without a name: memfds and unlinked files, whose
 * content is in the image; see files_kinds.h */
#include "lib/restart/files_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static bool is_zero(const uint8_t *p, size_t len)
{
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* What is zero stays a hole. */
static int write_content(int fd, const struct ckpt_open_file *f,
                         struct ckpt_err *err)
{
    if (f->content.len != f->size)
        return ckpt_files_malformed(f, err);
    if (ftruncate(fd, (off_t)f->size) < 0)
        return ckpt_err_sys(err, "the content of %s", f->path);
    for (size_t at = 0; at < f->size;) {
        size_t len = f->size - at < BLOCK ? f->size - at : BLOCK;
        if (!is_zero(f->content.data + at, len) &&
            pwrite(fd, f->content.data + at, len, (off_t)at) != (ssize_t)len)
            return ckpt_err_sys(err, "the content of %s", f->path);
        at += len;
    }
    return 0;
}

/* "/memfd:NAME (deleted)" */
static int make_memfd(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    char name[NAME_MAX + 1];
    size_t len = strlen(f->path);

    if (strncmp(f->path, "/memfd:", 7) != 0 || len < 17)
        return ckpt_files_malformed(f, err);
    snprintf(name, sizeof name, "%.*s", (int)(len - 17), f->path + 7);
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? ckpt_err_sys(err, "memfd %s", name) : fd;
}

/* Made without a name, or with one for a moment where that is not possible,
 * in the directory where it was, or, where there is no such directory here
 * (a station's scratch directory), in ours. */
static int make_unlinked(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    char path[CKPT_PATH_MAX + 16];

    snprintf(path, sizeof path, "%s", f->path);
    char *slash = strrchr(path, '/');
    if (!slash)
        return ckpt_files_malformed(f, err);
    slash[slash == path] = '\0';
    struct stat st;
    if (stat(path, &st) < 0 && errno == ENOENT)
        strcpy(path, ".");
    int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        strcat(path, "/.ckpt-XXXXXX");
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    if (fd < 0)
        return ckpt_err_sys(err, "cannot make %s again", f->path);
    fchmod(fd, f->mode & 07777);
    return fd;
}

static int make(const struct ckpt_open_file *f, struct ckpt_err *err)
{
    int fd =
        f->kind == CKPT_FILE_MEMFD ? make_memfd(f, err) : make_unlinked(f, err);

    if (fd >= 0 && write_content(fd, f, err) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static uint32_t seals_of(const struct ckpt_open_file *f)
{
    struct ckpt_bytes b = ckpt_files_state(f);

    return ckpt_get_u32(&b);
}

/* Seals come last, when all descriptions are open. */
int ckpt_files_seal(const struct ckpt_open_file *f, int fd,
                    struct ckpt_err *err)
{
    uint32_t seals = seals_of(f);

    if (seals != 0 && (uint32_t)fcntl(fd, F_GET_SEALS) != seals &&
        fcntl(fd, F_ADD_SEALS, (int)seals) < 0)
        return ckpt_err_sys(err, "the seals of %s", f->path);
    return 0;
}

static int make_once(struct ckpt_files *files, size_t first,
                     struct ckpt_err *err)
{
    int *made = &files->spare[first][0];

    if (*made < 0)
        *made = make(&files->notes->files[first], err);
    return *made;
}

/* A mapping that could become writable would keep the seal away. */
int ckpt_files_nameless(struct ckpt_files *files, uint64_t dev, uint64_t ino,
                        bool writable, struct ckpt_err *err)
{
    const struct ckpt_notes *n = files->notes;
    size_t i = 0;
    char path[64];

    while (i < n->nfiles && (n->files[i].dev != dev || n->files[i].ino != ino ||
                             (n->files[i].kind != CKPT_FILE_MEMFD &&
                              n->files[i].kind != CKPT_FILE_UNLINKED)))
        i++;
    if (i == n->nfiles)
        return -1;
    int made = make_once(files, i, err);
    if (made < 0)
        return -2;
    bool sealed = n->files[i].kind == CKPT_FILE_MEMFD &&
                  (seals_of(&n->files[i]) & F_SEAL_WRITE);
    snprintf(path, sizeof path, "/proc/self/fd/%d", made);
    int fd = open(path, (writable || !sealed ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0) {
        ckpt_err_sys(err, "cannot open %s again", n->files[i].path);
        return -2;
    }
    return fd;
}

/* The first description of a file makes it in `spare`; each is then opened
 * from there with its own flags. */
int ckpt_files_content(struct ckpt_files *files, size_t i, struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    int made = make_once(files, ckpt_files_first(files, i), err);

    if (made < 0)
        return -1;
    int fd = ckpt_files_again(made, f, err);
    if (fd >= 0 && lseek(fd, (off_t)f->offset, SEEK_SET) < 0) {
        close(fd);
        return ckpt_err_sys(err, "cannot seek in %s", f->path);
    }
    return fd;
}
