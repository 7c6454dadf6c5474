/* fdinfo.c - reading /proc/self/fdinfo, and encoding what is found; see
 * kinds.h */
#include "lib/files/kinds.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int ckpt_look_refuse(const struct ckpt_look *l, const struct ckpt_open_file *f,
                     const char *what)
{
    return ckpt_err_set(l->err, EBUSY, "descriptor %d is %s: %s",
                        ckpt_look_fd(l, f), what, f->path);
}

int ckpt_look_fd(const struct ckpt_look *l, const struct ckpt_open_file *f)
{
    const struct ckpt_file_table *t = l->table;
    int lowest = -1;

    for (size_t i = 0; i < t->ndescriptors; i++)
        if (&t->files[t->descriptors[i].file] == f &&
            (lowest < 0 || t->descriptors[i].fd < lowest))
            lowest = t->descriptors[i].fd;
    return lowest;
}

struct ckpt_bytes ckpt_look_begin(const struct ckpt_look *l)
{
    size_t room;
    void *buf = ckpt_arena_rest(l->arena, &room);

    return ckpt_bytes_over(buf, room);
}

int ckpt_look_end(const struct ckpt_look *l, const struct ckpt_bytes *b,
                  struct ckpt_blob *blob)
{
    size_t room;
    const uint8_t *start = ckpt_arena_rest(l->arena, &room);

    if (b->failed)
        return ckpt_err_set(l->err, ENOMEM,
                            "too much is in the pipes, sockets "
                            "and queues of the program");
    blob->data = start;
    blob->len = (uint32_t)(b->at - start);
    ckpt_arena_keep(l->arena, blob->len);
    return 0;
}

char *ckpt_look_fdinfo(const struct ckpt_look *l, int fd)
{
    char path[64];
    size_t room;

    snprintf(path, sizeof path, "/proc/thread-self/fdinfo/%d", fd);
    long in = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        errno = (int)-in;
        ckpt_err_sys(l->err, "%s", path);
        return NULL;
    }
    char *text = ckpt_arena_rest(l->arena, &room);
    ssize_t n = ckpt_read_full((int)in, text, room - 1);
    ckpt_sys(SYS_close, in);
    if (n < 0 || (size_t)n == room - 1) {
        ckpt_err_set(l->err, EIO, "%s cannot be read", path);
        return NULL;
    }
    text[n] = '\0';
    ckpt_arena_keep(l->arena, (size_t)n + 1);
    return text;
}

const char *ckpt_look_field(const char *text, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = text; line && *line;) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            line += len + 1;
            return line + strspn(line, " \t");
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}
