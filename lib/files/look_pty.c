/* look_pty.c - pseudo-terminals with both ends in the process; see kinds.h
 *
 * What is in them is read and put back at once; nobody else is there to see
 * that.  What could not be put back is refused before it is read.
 */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"
#include "lib/files/pty.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

enum {
    PTMX_MAJOR = 5,
    PTMX_MINOR = 2,
    FULL = 4095, /* bytes that the kernel holds ready to be read */
    LINES_FULL = FULL / 2,
    GET_PEER_FLAGS = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
};

/* A master that is being looked at. */
struct looked {
    struct ckpt_look *look;
    const struct ckpt_open_file *file;
    int fd;
    int slave; /* a description of our own */
    long flags;
    struct ckpt_pty pty;
};

static bool is_master(const struct ckpt_look *l, const struct ckpt_open_file *f)
{
    uint64_t dev = l->stats[f - l->table->files].st_rdev;

    return S_ISCHR(f->mode) && major(dev) == PTMX_MAJOR &&
           minor(dev) == PTMX_MINOR && !(f->flags & O_PATH);
}

static bool is_slave(const struct ckpt_look *l, const struct ckpt_open_file *f)
{
    uint64_t dev = l->stats[f - l->table->files].st_rdev;

    return S_ISCHR(f->mode) && major(dev) >= CKPT_PTS_MAJOR &&
           major(dev) < CKPT_PTS_MAJOR + CKPT_PTS_MAJORS &&
           !(f->flags & O_PATH);
}

static int number_of(int master)
{
    int number = -1;

    return ckpt_sys(SYS_ioctl, master, TIOCGPTN, &number) < 0 ? -1 : number;
}

/* --- which ends belong together ------------------------------------------ */

/* The device that the slave of `master` is, whether or not anybody has it
 * open: it lies where the master was opened. */
static bool is_pair(const struct ckpt_look *l,
                    const struct ckpt_open_file *master,
                    const struct ckpt_open_file *slave)
{
    const struct stat *st = &l->stats[slave - l->table->files];
    int number = number_of(ckpt_look_fd(l, master));
    unsigned base = (major(st->st_rdev) - CKPT_PTS_MAJOR) << 20;
    char path[64];
    struct stat named;

    if (number < 0 || (unsigned)number != base + minor(st->st_rdev))
        return false;
    /* another devpts has other terminals of the same number */
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    return ckpt_sys(SYS_newfstatat, AT_FDCWD, path, &named, 0) == 0 &&
           named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

static const struct ckpt_open_file *
master_of(const struct ckpt_look *l, const struct ckpt_open_file *slave)
{
    for (size_t i = 0; i < l->table->nfiles; i++) {
        const struct ckpt_open_file *g = &l->table->files[i];
        if (is_master(l, g) && is_pair(l, g, slave))
            return g;
    }
    return NULL;
}

static const struct ckpt_open_file *
slave_of(const struct ckpt_look *l, const struct ckpt_open_file *master)
{
    for (size_t i = 0; i < l->table->nfiles; i++) {
        const struct ckpt_open_file *g = &l->table->files[i];
        if (is_slave(l, g) && is_pair(l, master, g))
            return g;
    }
    return NULL;
}

/* --- what cannot be kept ------------------------------------------------- */

static const char *obstacle(const struct looked *k)
{
    int value = 0;

    if (ckpt_sys(SYS_ioctl, k->fd, TIOCGSID, &value) == 0)
        return "a pseudo-terminal that controls a session";
    if (ckpt_sys(SYS_ioctl, k->slave, TIOCGETD, &value) < 0 || value != 0 ||
        (k->pty.modes.c_lflag & EXTPROC))
        return "a pseudo-terminal with a line discipline of its own";
    if (ckpt_sys(SYS_ioctl, k->slave, TIOCGEXCL, &value) < 0 || value != 0)
        return "a pseudo-terminal in exclusive use";
    if (k->pty.packet && ckpt_pty_polls(k->fd, POLLPRI, 0))
        return "a pseudo-terminal with a packet status unread";
    if (!ckpt_pty_polls(k->slave, POLLOUT, 0) ||
        !ckpt_pty_polls(k->fd, POLLOUT, 0))
        return "a pseudo-terminal that is stopped or full";
    ckpt_pty_polls(k->slave, POLLIN, 0); /* what was written has come now */
    ckpt_sys(SYS_ioctl, k->slave, FIONREAD, &value);
    if (value >= (k->pty.modes.c_lflag & ICANON ? LINES_FULL : FULL))
        return "a pseudo-terminal with too much typed ahead";
    return NULL;
}

/* --- reading -------------------------------------------------------------- */

static bool ends_line(const struct ckpt_pty *p, uint8_t c)
{
    return c == '\n' ||
           (c && (c == p->modes.c_cc[VEOL] ||
                  ((p->modes.c_lflag & IEXTEN) && c == p->modes.c_cc[VEOL2])));
}

/* One read gives one line. */
static bool read_piece(const struct looked *k, bool lines, struct ckpt_bytes *b)
{
    uint8_t piece[FULL + 1];
    long n = ckpt_sys(SYS_read, k->slave, piece, sizeof piece);

    if (n < 0 || (n == 0 && !lines))
        return false;
    ckpt_put_u32(b, !lines                                      ? CKPT_PTY_OPEN
                    : n > 0 && ends_line(&k->pty, piece[n - 1]) ? CKPT_PTY_LINE
                                                                : CKPT_PTY_EOF);
    ckpt_put_blob(b, piece, (size_t)n);
    return !b->failed;
}

static void read_input(struct looked *k, struct ckpt_bytes *b)
{
    struct termios2 raw = ckpt_pty_raw(&k->pty.modes);
    const uint8_t *start = b->at;

    while ((k->pty.modes.c_lflag & ICANON) && read_piece(k, true, b))
        ;
    ckpt_pty_set_modes(k->fd, &raw);
    while (read_piece(k, false, b))
        ;
    k->pty.input =
        (struct ckpt_blob){b->failed ? NULL : start, (uint32_t)(b->at - start)};
}

static void read_output(struct looked *k, struct ckpt_bytes *b)
{
    const uint8_t *start = b->at;

    while (ckpt_bytes_left(b) > 0 && ckpt_pty_polls(k->fd, POLLIN, 0)) {
        long n = ckpt_sys(SYS_read, k->fd, b->at, ckpt_bytes_left(b));
        if (n <= 0)
            break;
        b->at += n;
    }
    k->pty.output = (struct ckpt_blob){start, (uint32_t)(b->at - start)};
}

/* --- one pair --------------------------------------------------------------
 */

static void begin(struct looked *k)
{
    const int no = 0;

    ckpt_sys(SYS_ioctl, k->fd, TIOCGPTLCK, &k->pty.locked);
    ckpt_sys(SYS_ioctl, k->fd, TIOCGPKT, &k->pty.packet);
    ckpt_sys(SYS_ioctl, k->fd, TIOCGWINSZ, k->pty.size);
    ckpt_sys(SYS_ioctl, k->fd, TCGETS2, &k->pty.modes);
    k->pty.number = (uint32_t)number_of(k->fd);
    k->flags = ckpt_sys(SYS_fcntl, k->fd, F_GETFL);
    ckpt_sys(SYS_fcntl, k->fd, F_SETFL,
             (k->flags | O_NONBLOCK) & ~(long)O_ASYNC);
    ckpt_sys(SYS_ioctl, k->fd, TIOCSPTLCK, &no);
    k->slave = (int)ckpt_sys(SYS_ioctl, k->fd, TIOCGPTPEER, GET_PEER_FLAGS);
}

static void end(struct looked *k)
{
    if (k->slave >= 0)
        ckpt_sys(SYS_close, k->slave);
    ckpt_sys(SYS_ioctl, k->fd, TIOCSPTLCK, &k->pty.locked);
    ckpt_sys(SYS_fcntl, k->fd, F_SETFL, k->flags);
}

/* Take out what is in it, and put it back. */
static int look_inside(struct looked *k, struct ckpt_bytes *b)
{
    struct ckpt_look *l = k->look;
    struct ckpt_err cause;
    const int no = 0;
    size_t room = 4 * CKPT_PTY_BYTES_MAX;

    const char *why = obstacle(k);
    if (why)
        return ckpt_look_refuse(l, k->file, why);
    if (ckpt_bytes_left(b) < room)
        return ckpt_err_set(l->err, ENOMEM, "too much is in the terminals");
    struct ckpt_bytes in = ckpt_bytes_over(b->end - room, room / 2);
    struct ckpt_bytes out =
        ckpt_bytes_over(b->end - room / 2, CKPT_PTY_BYTES_MAX);
    ckpt_sys(SYS_ioctl, k->fd, TIOCPKT, &no);
    read_output(k, &out);
    read_input(k, &in);
    int rc = ckpt_pty_fill(k->fd, k->slave, &k->pty, &cause);
    if (k->pty.packet)
        ckpt_sys(SYS_ioctl, k->fd, TIOCPKT, &k->pty.packet);
    if (rc < 0)
        return ckpt_err_set(l->err, EIO,
                            "descriptor %d is a pseudo-terminal that has lost "
                            "what was in it: %s",
                            ckpt_look_fd(l, k->file), cause.text);
    ckpt_pty_encode(b, &k->pty);
    return 0;
}

static int look_master(struct ckpt_look *l, struct ckpt_open_file *f)
{
    struct looked k = {.look = l, .file = f, .fd = ckpt_look_fd(l, f)};
    struct ckpt_bytes b = ckpt_look_begin(l);

    k.pty.slave_closed = !slave_of(l, f);
    if (k.pty.slave_closed && !ckpt_pty_polls(k.fd, POLLHUP, 0))
        return ckpt_look_refuse(
            l, f, "a pseudo-terminal whose other end is not in the program");
    begin(&k);
    int rc = k.slave < 0
                 ? ckpt_look_refuse(l, f, "a pseudo-terminal without a name")
                 : look_inside(&k, &b);
    end(&k);
    if (rc < 0)
        return -1;
    f->kind = CKPT_FILE_PTY;
    return ckpt_look_end(l, &b, &f->state);
}

static int look_slave(struct ckpt_look *l, struct ckpt_open_file *f,
                      const struct ckpt_open_file *master)
{
    struct ckpt_bytes b = ckpt_look_begin(l);

    f->kind = CKPT_FILE_PTY;
    ckpt_put_u32(&b, CKPT_PTY_SLAVE);
    ckpt_put_u32(&b, (uint32_t)number_of(ckpt_look_fd(l, master)));
    return ckpt_look_end(l, &b, &f->state);
}

int ckpt_look_pty(struct ckpt_look *l, struct ckpt_open_file *f)
{
    if (is_master(l, f) && !ckpt_look_inherited(l, f))
        return look_master(l, f) < 0 ? -1 : 1;
    if (!is_slave(l, f) || ckpt_look_inherited(l, f))
        return 0;
    const struct ckpt_open_file *master = master_of(l, f);
    if (!master || ckpt_look_inherited(l, master))
        return 0;
    return look_slave(l, f, master) < 0 ? -1 : 1;
}
