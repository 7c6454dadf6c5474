/* choose.c - see choose.h */
#include "lib/restart/choose.h"

#include "lib/image/bases.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT_MAX = 100 };

struct choice {
    const char *path;
    struct stat broken; /* the file of `path` */
    char *chosen;
    size_t size;
    uint64_t time_ns; /* when it was taken; 0: none yet */
};

/* When the image was taken; 0 with errno and err when it is not whole. */
static uint64_t whole_since(const char *path, struct ckpt_err *err)
{
    struct ckpt_notes notes;
    uint64_t time_ns = 0;
    struct ckpt_image *image = ckpt_image_open(path, err);

    if (!image)
        return 0;
    bool unknown = ckpt_image_base(image) && !ckpt_image_is_stamped(image);
    if (unknown && ckpt_image_verify(image, err)) {
        ckpt_err_prefix(err, "%s", path);
    } else if (ckpt_notes_read(image, &notes, err)) {
        ckpt_err_prefix(err, "%s", path);
    } else {
        if (unknown)
            ckpt_image_stamp(image);
        time_ns = notes.meta.time_ns;
        ckpt_notes_clear(&notes);
    }
    ckpt_image_close(image);
    return time_ns;
}

static void consider(struct choice *c, const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
        (st.st_dev == c->broken.st_dev && st.st_ino == c->broken.st_ino))
        return;
    uint64_t time_ns = whole_since(path, NULL);
    if (time_ns > c->time_ns && strlen(path) < c->size) {
        c->time_ns = time_ns;
        strcpy(c->chosen, path);
    }
}

static void consider_kept(struct choice *c)
{
    char name[PATH_MAX];

    for (int i = 1; i < KEPT_MAX; i++)
        if (snprintf(name, sizeof name, "%s.%d", c->path, i) < (int)sizeof name)
            consider(c, name);
}

static void consider_members(struct choice *c, const char *dir)
{
    char name[PATH_MAX];
    DIR *d = opendir(dir);
    struct dirent *entry;

    while (d && (entry = readdir(d)))
        if (entry->d_name[0] != '.' &&
            ckpt_bases_member(c->path, entry->d_name, name, sizeof name))
            consider(c, name);
    if (d)
        closedir(d);
}

static bool is_broken(int errnum)
{
    return errnum == ENOLINK || errnum == EBADMSG || errnum == ENODATA ||
           errnum == EPROTO;
}

int ckpt_restart_choose(const char *path, char *chosen, size_t size,
                        struct ckpt_err *err)
{
    struct choice c = {.path = path, .chosen = chosen, .size = size};
    char dir[PATH_MAX];

    if (snprintf(chosen, size, "%s", path) >= (int)size)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", path);
    if (!ckpt_bases_member(path, "", dir, sizeof dir) ||
        access(dir, F_OK) < 0 || stat(path, &c.broken) < 0 ||
        whole_since(path, err) > 0 || !is_broken(errno))
        return 0;
    int errnum = errno;
    consider_members(&c, dir);
    consider_kept(&c);
    errno = errnum;
    return c.time_ns > 0 ? 1 : -1;
}
