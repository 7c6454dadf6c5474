/* look_pipe.c - pipes and FIFOs with both ends in the process; see kinds.h
 *
 * The bytes are copied with tee(2), which leaves them where they are.
 */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"

#include <fcntl.h>
#include <poll.h>

enum { SPLICE_NONBLOCK = 2 };

struct ends {
    const struct ckpt_open_file *reader, *writer, *first;
    bool inherited;
};

static bool same_pipe(const struct ckpt_open_file *f,
                      const struct ckpt_open_file *g)
{
    return (g->mode & S_IFMT) == S_IFIFO && g->dev == f->dev &&
           g->ino == f->ino && !(g->flags & O_PATH);
}

static struct ends find_ends(const struct ckpt_look *l,
                             const struct ckpt_open_file *f)
{
    struct ends e = {NULL, NULL, NULL, false};

    for (size_t i = 0; i < l->table->nfiles; i++) {
        const struct ckpt_open_file *g = &l->table->files[i];
        if (!same_pipe(f, g))
            continue;
        if (!e.first)
            e.first = g;
        if ((g->flags & O_ACCMODE) != O_WRONLY)
            e.reader = g;
        if ((g->flags & O_ACCMODE) != O_RDONLY)
            e.writer = g;
        e.inherited |= ckpt_look_inherited(l, g);
    }
    return e;
}

static bool polls(int fd, short what)
{
    struct pollfd p = {fd, 0, 0};
    struct timespec now = {0, 0};

    return ckpt_sys(SYS_ppoll, &p, 1, &now, NULL, 8) > 0 && (p.revents & what);
}

/* Read one copy of all that is in the pipe, in the pieces that it was written
 * in when it keeps them apart. */
static int copy_out(const struct ckpt_look *l, const struct ckpt_open_file *f,
                    int in, struct ckpt_bytes *b)
{
    uint32_t left = 0;
    int fd = ckpt_look_fd(l, f);

    ckpt_sys(SYS_ioctl, fd, 0x541b /* FIONREAD */, &left);
    while (left > 0) {
        uint8_t *len_at = b->at;
        ckpt_put_u32(b, 0);
        size_t room = ckpt_bytes_left(b);
        if (b->failed || room == 0)
            break;
        long n = ckpt_sys(SYS_read, in, b->at, left < room ? left : room);
        if (n <= 0)
            return ckpt_look_refuse(l, f, "a pipe that cannot be read");
        struct ckpt_bytes len = ckpt_bytes_over(len_at, 4);
        ckpt_put_u32(&len, (uint32_t)n);
        b->at += n;
        left -= (uint32_t)n;
    }
    return 0;
}

static int look_bytes(const struct ckpt_look *l, const struct ckpt_open_file *f,
                      long capacity, struct ckpt_bytes *b)
{
    int copy[2], fd = ckpt_look_fd(l, f);
    uint32_t left = 0;
    int rc = -1;

    ckpt_sys(SYS_ioctl, fd, 0x541b, &left);
    if (left == 0)
        return 0;
    if (ckpt_sys(SYS_pipe2, copy, O_CLOEXEC | O_NONBLOCK) < 0)
        return ckpt_look_refuse(l, f, "a pipe, and there is none to copy it");
    ckpt_sys(SYS_fcntl, copy[1], F_SETPIPE_SZ, capacity);
    if (ckpt_sys(SYS_tee, fd, copy[1], left, SPLICE_NONBLOCK) == (long)left)
        rc = copy_out(l, f, copy[0], b);
    else
        ckpt_look_refuse(l, f, "a pipe whose contents cannot be copied");
    ckpt_sys(SYS_close, copy[0]);
    ckpt_sys(SYS_close, copy[1]);
    return rc;
}

static int look_own(struct ckpt_look *l, struct ckpt_open_file *f,
                    const struct ends *e)
{
    long capacity = ckpt_sys(SYS_fcntl, ckpt_look_fd(l, f), F_GETPIPE_SZ);
    struct ckpt_bytes b = ckpt_look_begin(l);

    f->kind = CKPT_FILE_PIPE;
    if (f != e->first)
        return 0;
    ckpt_put_u32(&b, (uint32_t)capacity);
    if (e->reader && look_bytes(l, e->reader, capacity, &b) < 0)
        return -1;
    return ckpt_look_end(l, &b, &f->state);
}

int ckpt_look_pipe(struct ckpt_look *l, struct ckpt_open_file *f)
{
    struct ends e = find_ends(l, f);
    bool whole = e.reader && e.writer;

    if ((e.inherited || !whole) && ckpt_look_given(l, f))
        return 0;
    if (!e.inherited && whole)
        return look_own(l, f, &e);
    if (e.reader && !e.writer && polls(ckpt_look_fd(l, e.reader), POLLHUP))
        return look_own(l, f, &e);
    if (e.writer && !e.reader && polls(ckpt_look_fd(l, e.writer), POLLERR))
        return look_own(l, f, &e);
    return ckpt_look_refuse(
        l, f,
        !e.writer   ? "a pipe whose writing end is in another process"
        : !e.reader ? "a pipe whose reading end is in another process"
                    : "a pipe that the caller has, too");
}
