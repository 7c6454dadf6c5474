/* around.c - see around.h */
#include "lib/restart/around.h"

#include "lib/files/around.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

enum { NAMED = 3, DIR_FILES = 256 };

struct around {
    const struct ckpt_notes *notes;
    const char *image; /* its path; what begins with it is not the program's */
    unsigned count;
    char names[1024];
    /* of the directory that is being looked at */
    const char *dir;
    struct {
        char name[256];
        bool is_prefix; /* of files that are not followed */
    } listed[DIR_FILES];
    uint32_t nlisted;
};

static void add(struct around *a, const char *name)
{
    size_t len = strlen(a->names);

    if (a->count++ < NAMED)
        snprintf(a->names + len, sizeof a->names - len, "%s%s/%s",
                 len ? ", " : "", a->dir, name);
}

/* Where our own words go, or what is read here, is not the program's doing. */
static bool is_ours(uint64_t ino)
{
    struct stat st;

    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == ino)
            return true;
    return false;
}

/* Open files are checked, and put back, by themselves. */
static bool is_open(const struct around *a, uint64_t ino, const char *name)
{
    char path[CKPT_PATH_MAX + 256];

    snprintf(path, sizeof path, "%s/%s", a->dir, name);
    for (size_t i = 0; i < a->notes->nfiles; i++)
        if (a->notes->files[i].ino == ino ||
            strcmp(a->notes->files[i].path, path) == 0)
            return true;
    return strncmp(path, a->image, strlen(a->image)) == 0;
}

/* Images that were made later, under other names. */
static bool is_image(const struct around *a, const char *name)
{
    char path[CKPT_PATH_MAX + 256];
    struct ckpt_err err;

    snprintf(path, sizeof path, "%s/%s", a->dir, name);
    struct ckpt_image *image = ckpt_image_open(path, &err);
    if (image)
        ckpt_image_close(image);
    return image != NULL;
}

/* The program could have written it, or replaced it. */
static bool is_possible(const struct around *a, const char *name,
                        const struct stat *st)
{
    uint32_t uid = a->notes->process.uid;

    return (uid == 0 || st->st_uid == uid) && !is_ours(st->st_ino) &&
           !is_image(a, name);
}

/* A file that was copied to here is not changed, although it is another. */
static void compare(struct around *a, int dirfd, struct ckpt_bytes *in)
{
    char *name = a->listed[a->nlisted].name;
    struct stat st;

    ckpt_get_str(in, name, sizeof a->listed[0].name);
    uint64_t ino = ckpt_get_u64(in), size = ckpt_get_u64(in);
    uint64_t mtime = ckpt_get_u64(in);
    if (in->failed)
        return;
    bool is_prefix = size == (uint64_t)CKPT_AROUND_NOT_FOLLOWED;
    a->listed[a->nlisted++].is_prefix = is_prefix;
    if (is_prefix || is_open(a, ino, name))
        return;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        add(a, name);
    else if (((uint64_t)st.st_size != size ||
              (uint64_t)st.st_mtim.tv_sec * 1000000000u +
                      (uint64_t)st.st_mtim.tv_nsec !=
                  mtime) &&
             is_possible(a, name, &st))
        add(a, name);
}

static bool is_listed(const struct around *a, const char *name)
{
    for (uint32_t i = 0; i < a->nlisted; i++) {
        const char *listed = a->listed[i].name;
        if (a->listed[i].is_prefix ? strncmp(name, listed, strlen(listed)) == 0
                                   : strcmp(name, listed) == 0)
            return true;
    }
    return false;
}

static void find_new(struct around *a, DIR *stream)
{
    struct stat st;

    for (struct dirent *e; (e = readdir(stream));)
        if (!is_listed(a, e->d_name) &&
            fstatat(dirfd(stream), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && !is_open(a, st.st_ino, e->d_name) &&
            is_possible(a, e->d_name, &st))
            add(a, e->d_name);
}

static void look(struct around *a, struct ckpt_bytes *in)
{
    char dir[CKPT_PATH_MAX];

    ckpt_get_str(in, dir, sizeof dir);
    uint32_t count = ckpt_get_u32(in);
    a->dir = dir;
    a->nlisted = 0;
    DIR *stream = opendir(dir);
    for (uint32_t i = 0; i < count && i < DIR_FILES && !in->failed; i++)
        compare(a, stream ? dirfd(stream) : -1, in);
    if (!stream)
        return;
    if (!in->failed)
        find_new(a, stream);
    closedir(stream);
}

/* What it listed were local files of another machine. */
static bool is_elsewhere(const struct ckpt_notes *notes)
{
    struct utsname name;

    return uname(&name) < 0 || strcmp(name.nodename, notes->meta.host) != 0;
}

void ckpt_around_tell(const struct ckpt_image *image,
                      const struct ckpt_notes *notes, const char *path,
                      void (*tell)(const char *text))
{
    static struct around a;
    char text[2048];
    size_t len;
    const void *note = ckpt_image_note(image, "CKPT", CKPT_NOTE_AROUND, &len);

    if (!note || !tell || is_elsewhere(notes))
        return;
    a = (struct around){.notes = notes, .image = path};
    struct ckpt_bytes in = ckpt_bytes_over((void *)(uintptr_t)note, len);
    while (ckpt_bytes_left(&in) > 0 && !in.failed)
        look(&a, &in);
    if (a.count == 0 || in.failed)
        return;
    snprintf(text, sizeof text,
             "files have changed since the checkpoint that the program had not "
             "open, and stay so: %s%s (%u); what it did there it does again "
             "(--files save puts files back)",
             a.names, a.count > NAMED ? ", ..." : "", a.count);
    tell(text);
}
