/* files_pair.c - pipes and socket pairs with what is in them; see
 * files_kinds.h
 *
 * The first end that is asked for makes both; the other is kept in `spare`
 * until its turn comes.
 */
#include "lib/restart/files_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static int set_flags(int fd, const struct ckpt_open_file *f,
                     struct ckpt_err *err)
{
    int flags = (int)f->flags & (O_NONBLOCK | O_DIRECT | O_APPEND);

    return fcntl(fd, F_SETFL, flags) < 0 ? ckpt_err_sys(err, "%s", f->path) : 0;
}

/* --- pipes --------------------------------------------------------------- */

static bool is_packets(const struct ckpt_files *files, size_t first)
{
    const struct ckpt_open_file *all = files->notes->files;

    for (size_t i = first; i < files->notes->nfiles; i++)
        if (all[i].kind == CKPT_FILE_PIPE && all[i].dev == all[first].dev &&
            all[i].ino == all[first].ino && (all[i].flags & O_DIRECT) &&
            (all[i].flags & O_ACCMODE) != O_RDONLY)
            return true;
    return false;
}

static int fill_pipe(const struct ckpt_files *files, size_t i, int fd,
                     struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    struct ckpt_bytes b = ckpt_files_state(f);
    uint32_t capacity = ckpt_get_u32(&b);

    if (b.failed || capacity > INT32_MAX)
        return ckpt_files_malformed(f, err);
    if (fcntl(fd, F_GETPIPE_SZ) != (int)capacity &&
        fcntl(fd, F_SETPIPE_SZ, (int)capacity) < (int)capacity)
        return ckpt_err_sys(err, "a pipe of %u bytes (%s)", capacity, f->path);
    int flags = O_NONBLOCK | (is_packets(files, i) ? O_DIRECT : 0);
    if (fcntl(fd, F_SETFL, flags) < 0)
        return ckpt_err_sys(err, "%s", f->path);
    while (ckpt_bytes_left(&b) > 0) {
        const uint8_t *data;
        size_t len = ckpt_get_blob(&b, &data);
        if (b.failed)
            return ckpt_files_malformed(f, err);
        if (write(fd, data, len) != (ssize_t)len)
            return ckpt_err_sys(err, "what was in the pipe %s", f->path);
    }
    return 0;
}

/* A FIFO is found under its name; a pipe is new. */
static int make_pipe(const struct ckpt_open_file *f, int ends[2],
                     struct ckpt_err *err)
{
    struct stat st;

    ends[0] = ends[1] = -1;
    if (f->path[0] != '/') {
        if (pipe2(ends, O_CLOEXEC) < 0)
            return ckpt_err_sys(err, "pipe");
        return 0;
    }
    ends[0] = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (ends[0] >= 0)
        ends[1] = open(f->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (ends[1] < 0 || fstat(ends[0], &st) < 0)
        return ckpt_err_sys(err, "cannot open %s again", f->path);
    if (!S_ISFIFO(st.st_mode))
        return ckpt_err_set(err, ESTALE, "%s is no FIFO any more", f->path);
    return 0;
}

static void close_spare(int spare[2])
{
    for (int k = 0; k < 2; k++)
        if (spare[k] >= 0)
            close(spare[k]);
    spare[0] = spare[1] = -1;
}

/* An end that was opened more than once is a description of its own each
 * time: it is opened through any end that is there. */
static int take_end(struct ckpt_files *files, size_t i, size_t first,
                    struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    int *spare = files->spare[first];
    int mode = (int)f->flags & O_ACCMODE;

    if (mode != O_RDWR && spare[mode == O_WRONLY] >= 0) {
        int fd = spare[mode == O_WRONLY];
        spare[mode == O_WRONLY] = -1;
        return fd;
    }
    int any = spare[0] >= 0 ? spare[0] : spare[1];
    for (size_t k = first; any < 0 && k < i; k++)
        if (ckpt_files_first(files, k) == first)
            any = files->opened[k];
    return ckpt_files_again(any, f, err);
}

int ckpt_files_pipe(struct ckpt_files *files, size_t i, struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    size_t first = ckpt_files_first(files, i);
    int *spare = files->spare[first];

    if (first == i) {
        if (make_pipe(f, spare, err) < 0 ||
            fill_pipe(files, i, spare[1], err) < 0) {
            close_spare(spare);
            return -1;
        }
    }
    int fd = take_end(files, i, first, err);
    if (fd >= 0 && set_flags(fd, f, err) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* --- socket pairs -------------------------------------------------------- */

struct end_state {
    uint32_t type, peer_ino, shutdown, sndbuf, rcvbuf;
    uint64_t rcvtimeo_us, sndtimeo_us;
    struct ckpt_bytes messages;
};

static int get_end(const struct ckpt_open_file *f, struct end_state *s,
                   struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_files_state(f);

    s->type = ckpt_get_u32(&b);
    s->peer_ino = ckpt_get_u32(&b);
    s->shutdown = ckpt_get_u32(&b);
    s->sndbuf = ckpt_get_u32(&b);
    s->rcvbuf = ckpt_get_u32(&b);
    s->rcvtimeo_us = ckpt_get_u64(&b);
    s->sndtimeo_us = ckpt_get_u64(&b);
    s->messages = b;
    return b.failed ? ckpt_files_malformed(f, err) : 0;
}

/* The kernel doubles what is set. */
static void set_buffer(int fd, int option, uint32_t size)
{
    int half = (int)(size / 2), now = 0;
    socklen_t len = sizeof now;

    if (getsockopt(fd, SOL_SOCKET, option, &now, &len) < 0 || now != (int)size)
        setsockopt(fd, SOL_SOCKET, option, &half, sizeof half);
}

static void set_timeout(int fd, int option, uint64_t us)
{
    struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

    setsockopt(fd, SOL_SOCKET, option, &tv, sizeof tv);
}

static size_t find_peer(const struct ckpt_files *files, size_t i,
                        const struct end_state *s)
{
    const struct ckpt_notes *n = files->notes;
    size_t k = 0;

    while (k < n->nfiles &&
           (k == i || n->files[k].kind != CKPT_FILE_SOCKETPAIR ||
            n->files[k].dev != n->files[i].dev ||
            n->files[k].ino != s->peer_ino))
        k++;
    return k;
}

/* What is in the queue of the end `f` is sent from the other one. */
static int send_messages(const struct ckpt_open_file *f, int from,
                         struct ckpt_err *err)
{
    struct end_state s;

    if (get_end(f, &s, err) < 0)
        return -1;
    while (ckpt_bytes_left(&s.messages) > 0) {
        const uint8_t *data;
        size_t len = ckpt_get_blob(&s.messages, &data);
        if (s.messages.failed)
            return ckpt_files_malformed(f, err);
        if (send(from, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
            return ckpt_err_sys(err, "what was in %s", f->path);
    }
    return 0;
}

static int make_sockets(const struct ckpt_open_file *f,
                        const struct ckpt_open_file *g, int ends[2],
                        struct ckpt_err *err)
{
    struct end_state s[2];

    if (get_end(f, &s[0], err) < 0 || get_end(g, &s[1], err) < 0)
        return -1;
    if (socketpair(AF_UNIX, (int)s[0].type | SOCK_CLOEXEC, 0, ends) < 0)
        return ckpt_err_sys(err, "socketpair");
    for (int k = 0; k < 2; k++) {
        set_buffer(ends[k], SO_SNDBUF, s[k].sndbuf);
        set_buffer(ends[k], SO_RCVBUF, s[k].rcvbuf);
    }
    if (send_messages(f, ends[1], err) < 0 ||
        send_messages(g, ends[0], err) < 0)
        return -1;
    for (int k = 0; k < 2; k++) {
        set_timeout(ends[k], SO_RCVTIMEO, s[k].rcvtimeo_us);
        set_timeout(ends[k], SO_SNDTIMEO, s[k].sndtimeo_us);
        if (s[k].shutdown & 1)
            shutdown(ends[k], SHUT_RD);
        if (s[k].shutdown & 2)
            shutdown(ends[k], SHUT_WR);
    }
    return 0;
}

int ckpt_files_socketpair(struct ckpt_files *files, size_t i,
                          struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    struct end_state s;
    int fd = files->spare[i][0];

    if (get_end(f, &s, err) < 0)
        return -1;
    if (fd < 0) {
        size_t peer = find_peer(files, i, &s);
        int ends[2] = {-1, -1};
        if (peer == files->notes->nfiles || files->spare[peer][0] >= 0)
            return ckpt_files_malformed(f, err);
        if (make_sockets(f, &files->notes->files[peer], ends, err) < 0) {
            close_spare(ends);
            return -1;
        }
        fd = ends[0];
        files->spare[peer][0] = ends[1];
    }
    files->spare[i][0] = -1;
    if (set_flags(fd, f, err) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}
