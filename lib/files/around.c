/* around.c - see around.h */
#include "lib/files/around.h"

#include "lib/common/bytes.h"
#include "lib/common/dirent.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct around {
    const char *const *skip;
    struct ckpt_bytes out;
    char dirs[CKPT_AROUND_DIRS][CKPT_PATH_MAX];
    uint32_t ndirs;
};

static bool is_skipped(const struct around *a, const char *dir,
                       const char *name)
{
    char path[CKPT_PATH_MAX + 256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (const char *const *s = a->skip; *s; s++)
        if (**s && strncmp(path, *s, strlen(*s)) == 0)
            return true;
    return false;
}

static void put_file(struct around *a, const char *name, const struct stat *st)
{
    ckpt_put_str(&a->out, name);
    ckpt_put_u64(&a->out, st->st_ino);
    ckpt_put_u64(&a->out, (uint64_t)st->st_size);
    ckpt_put_u64(&a->out, (uint64_t)st->st_mtim.tv_sec * 1000000000u +
                              (uint64_t)st->st_mtim.tv_nsec);
}

/* What libckpt writes there itself is listed as what is not to be looked at:
 * it need not be there yet. */
static long list_skipped(struct around *a, const char *dir)
{
    const struct stat none = {.st_size = CKPT_AROUND_NOT_FOLLOWED};
    size_t len = strlen(dir);
    long count = 0;

    for (const char *const *s = a->skip; *s; s++) {
        const char *slash = strrchr(*s, '/');
        if (slash && (size_t)(slash - *s) == len &&
            strncmp(*s, dir, len) == 0 && strlen(slash + 1) <= NAME_MAX) {
            put_file(a, slash + 1, &none);
            count++;
        }
    }
    return count;
}

static bool list_one(struct around *a, int fd, const char *dir,
                     const char *name)
{
    struct stat st;

    if (ckpt_sys(SYS_newfstatat, fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode) || is_skipped(a, dir, name))
        return false;
    put_file(a, name, &st);
    return true;
}

/* A stopped program does not wait for a network. */
static bool is_local(int fd)
{
    struct statfs fs;

    if (ckpt_sys(SYS_fstatfs, fd, &fs) < 0)
        return false;
    switch (fs.f_type) {
    case NFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case FUSE_SUPER_MAGIC:
    case V9FS_MAGIC:
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
        return false;
    default:
        return true;
    }
}

/* The number of files, or -1 when there are too many. */
static long list_all(struct around *a, int fd, const char *dir)
{
    _Alignas(struct ckpt_dirent) char buf[4096];
    long n, count = list_skipped(a, dir);

    while ((n = ckpt_sys(SYS_getdents64, fd, buf, sizeof buf)) > 0) {
        for (long at = 0; at < n;) {
            struct ckpt_dirent *d = (void *)(buf + at);
            at += d->reclen;
            count += list_one(a, fd, dir, d->name);
            if (count > CKPT_AROUND_FILES)
                return -1;
        }
    }
    return n < 0 ? -1 : count;
}

static void list_dir(struct around *a, const char *dir)
{
    struct ckpt_bytes start = a->out, counter;

    for (uint32_t i = 0; i < a->ndirs; i++)
        if (strcmp(a->dirs[i], dir) == 0)
            return;
    if (a->ndirs == CKPT_AROUND_DIRS)
        return;
    strcpy(a->dirs[a->ndirs++], dir);
    long fd =
        ckpt_sys(SYS_openat, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    ckpt_put_str(&a->out, dir);
    counter = a->out;
    ckpt_put_u32(&a->out, 0);
    long count = is_local((int)fd) ? list_all(a, (int)fd, dir) : -1;
    ckpt_sys(SYS_close, fd);
    if (count < 0 || a->out.failed)
        a->out = start; /* as if it had not been there */
    else
        ckpt_put_u32(&counter, (uint32_t)count);
}

static void list_parent(struct around *a, const struct ckpt_open_file *f)
{
    char dir[CKPT_PATH_MAX];
    const char *slash = strrchr(f->path, '/');

    if (f->kind != CKPT_FILE_REGULAR || (f->flags & O_ACCMODE) == O_RDONLY ||
        !slash || slash == f->path || (size_t)(slash - f->path) >= sizeof dir)
        return;
    memcpy(dir, f->path, (size_t)(slash - f->path));
    dir[slash - f->path] = '\0';
    list_dir(a, dir);
}

void ckpt_files_around(const struct ckpt_file_table *table, const char *cwd,
                       const char *const *skip, struct ckpt_arena *arena,
                       struct ckpt_blob *note)
{
    struct around *a = ckpt_arena_alloc(arena, sizeof *a);
    size_t room;

    *note = (struct ckpt_blob){NULL, 0};
    if (!a)
        return;
    uint8_t *data = ckpt_arena_rest(arena, &room);
    a->skip = skip;
    a->out = ckpt_bytes_over(data, room < 1u << 20 ? room : 1u << 20);
    if (cwd[0] == '/')
        list_dir(a, cwd);
    for (size_t i = 0; i < table->nfiles; i++)
        list_parent(a, &table->files[i]);
    if (a->out.failed || a->out.at == data)
        return;
    *note = (struct ckpt_blob){data, (uint32_t)(a->out.at - data)};
    ckpt_arena_keep(arena, note->len);
}
