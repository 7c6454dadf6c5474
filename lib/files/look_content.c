/* look_content.c - files that have no name, and locks; see kinds.h
 *
 * The content of a file without a name is written into the image straight
 * from the file: one copy for each file, whatever number of descriptions it
 * has.
 */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CONTENT_MAX (1ull << 30) /* of all files together */

static const struct ckpt_open_file *first_of(const struct ckpt_look *l,
                                             const struct ckpt_open_file *f)
{
    for (const struct ckpt_open_file *g = l->table->files; g < f; g++)
        if (g->dev == f->dev && g->ino == f->ino && g->kind == f->kind)
            return g;
    return f;
}

int ckpt_look_content(struct ckpt_look *l, struct ckpt_open_file *f,
                      enum ckpt_file_kind kind)
{
    struct ckpt_file_table *t = l->table;
    int fd = ckpt_look_fd(l, f);

    f->kind = kind;
    f->offset = (uint64_t)ckpt_sys(SYS_lseek, fd, 0, SEEK_CUR);
    const struct ckpt_open_file *first = first_of(l, f);
    if (first != f) {
        f->content_number = first->content_number;
        f->state = first->state;
        return 0;
    }
    if (f->size > CONTENT_MAX - t->content_bytes)
        return ckpt_err_set(l->err, EFBIG,
                            "descriptor %d is a file without a name that has "
                            "%llu bytes, too many for an image: %s",
                            fd, (unsigned long long)f->size, f->path);
    t->content_bytes += f->size;
    if (f->size > 0)
        f->content_number = ++t->ncontents;
    struct ckpt_bytes b = ckpt_look_begin(l);
    long seals =
        kind == CKPT_FILE_MEMFD ? ckpt_sys(SYS_fcntl, fd, F_GET_SEALS) : 0;
    ckpt_put_u32(&b, seals < 0 ? 0 : (uint32_t)seals);
    return ckpt_look_end(l, &b, &f->state);
}

/* Opening a file for the purpose would be simpler, but closing it again
 * would drop the program's POSIX locks. */
static long map_from(const struct ckpt_open_file *f, int fd)
{
    char path[64];
    bool readable = (f->flags & O_ACCMODE) != O_WRONLY;

    if (!readable && f->locks.len > 0)
        return -EBADF;
    snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
    long in = readable
                  ? fd
                  : ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return in;
    long p = ckpt_sys(SYS_mmap, 0, f->size, PROT_READ,
                      MAP_PRIVATE | MAP_NORESERVE, in, 0);
    if (!readable)
        ckpt_sys(SYS_close, in);
    return p;
}

int ckpt_files_map_content(const struct ckpt_file_table *t, uint32_t number,
                           struct ckpt_blob *content, struct ckpt_err *err)
{
    const struct ckpt_open_file *f = NULL;
    long p = -EINVAL;

    for (size_t i = 0; i < t->ndescriptors && p < 0 && p > -4096; i++) {
        if (t->files[t->descriptors[i].file].content_number != number)
            continue;
        f = &t->files[t->descriptors[i].file];
        p = map_from(f, t->descriptors[i].fd);
    }
    if (ckpt_sys_errno(p) == -1)
        return ckpt_err_sys(err, "cannot read %s, which has no name",
                            f ? f->path : "a file");
    *content = (struct ckpt_blob){(const uint8_t *)p, (uint32_t)f->size};
    return 0;
}

void ckpt_files_unmap_content(const struct ckpt_blob *content)
{
    if (content->len > 0)
        ckpt_sys(SYS_munmap, content->data, content->len);
}

/* --- locks -------------------------------------------------------------- */

/* The next word of the line; "" at its end. */
static const char *next_word(const char **at, char *word, size_t size)
{
    size_t n = 0;

    *at += strspn(*at, " \t");
    for (; **at && **at != ' ' && **at != '\n'; (*at)++)
        if (n < size - 1)
            word[n++] = **at;
    word[n] = '\0';
    return word;
}

/* "1: POSIX  ADVISORY  WRITE 13794 fe:00:10954183 5 14" */
enum { LOCK_TYPE = 1, LOCK_ACCESS = 3, LOCK_START = 6, LOCK_LAST = 7, WORDS };
static int put_lock(struct ckpt_look *l, struct ckpt_open_file *f,
                    const char *line, struct ckpt_bytes *b)
{
    char word[WORDS][32];

    for (int i = 0; i < WORDS; i++)
        next_word(&line, word[i], sizeof word[i]);
    const char *type = word[LOCK_TYPE], *last = word[LOCK_LAST];
    uint32_t kind = strcmp(type, "FLOCK") == 0    ? CKPT_LOCK_FLOCK
                    : strcmp(type, "POSIX") == 0  ? CKPT_LOCK_POSIX
                    : strcmp(type, "OFDLCK") == 0 ? CKPT_LOCK_OFD
                                                  : 0;
    if (kind == 0)
        return ckpt_look_refuse(l, f, "a file with a lease");
    ckpt_put_u32(b, kind);
    ckpt_put_u32(b, strcmp(word[LOCK_ACCESS], "WRITE") == 0);
    ckpt_put_u64(b, strtoull(word[LOCK_START], NULL, 10));
    ckpt_put_u64(b, strcmp(last, "EOF") == 0 ? UINT64_MAX
                                             : strtoull(last, NULL, 10));
    return 0;
}

int ckpt_look_locks(struct ckpt_look *l, struct ckpt_open_file *f)
{
    if (f->flags & O_PATH)
        return 0;
    const char *text = ckpt_look_fdinfo(l, ckpt_look_fd(l, f));
    if (!text)
        return -1;
    struct ckpt_bytes b = ckpt_look_begin(l);
    for (const char *at = text; at && *at;) {
        if (strncmp(at, "lock:", 5) == 0 && put_lock(l, f, at + 5, &b) < 0)
            return -1;
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    return ckpt_look_end(l, &b, &f->locks);
}
