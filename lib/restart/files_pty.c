/* files_pty.c - pseudo-terminals with what is in them; see files_kinds.h
 *
 * The first end that is asked for makes the pair; the master is kept in `spare`
 * until its turn comes, and a description of the slave for as long as others
 * are to be opened.
 */
#include "lib/restart/files_kinds.h"

#include "lib/files/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS_MAX = 256 };

static bool state_of(const struct ckpt_open_file *f, enum ckpt_pty_role *role,
                     struct ckpt_pty *pty)
{
    return ckpt_pty_decode(ckpt_files_state(f), role, pty);
}

/* The master's index; the number of files when there is none. */
static size_t find_master(const struct ckpt_files *files, uint32_t number)
{
    const struct ckpt_notes *n = files->notes;
    enum ckpt_pty_role role;
    struct ckpt_pty pty;
    size_t i = 0;

    while (i < n->nfiles && (n->files[i].kind != CKPT_FILE_PTY ||
                             !state_of(&n->files[i], &role, &pty) ||
                             role != CKPT_PTY_MASTER || pty.number != number))
        i++;
    return i;
}

/* A new one of that number, when it is free: the kernel gives the lowest. */
static int open_number(uint32_t wanted)
{
    int held[NUMBERS_MAX], n = 0, fd = -1;
    unsigned number = 0;

    while (n < NUMBERS_MAX && number <= wanted) {
        fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || ioctl(fd, TIOCGPTN, &number) < 0 || number == wanted)
            break;
        held[n++] = fd;
        fd = -1;
    }
    if (fd < 0 && n > 0) {
        fd = held[0];
        held[0] = held[--n];
    }
    while (n > 0)
        close(held[--n]);
    return fd;
}

static int make(const struct ckpt_open_file *f, const struct ckpt_pty *pty,
                int ends[2], struct ckpt_err *err)
{
    struct ckpt_err cause;
    int no = 0;

    ends[0] = open_number(pty->number);
    if (ends[0] < 0 || ioctl(ends[0], TIOCSPTLCK, &no) < 0)
        return ckpt_err_sys(err, "a pseudo-terminal for %s", f->path);
    ends[1] =
        ioctl(ends[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (ends[1] < 0)
        return ckpt_err_sys(err, "a pseudo-terminal for %s", f->path);
    if (ckpt_pty_fill(ends[0], ends[1], pty, &cause) < 0)
        return ckpt_err_set(err, EIO, "what was in %s: %s", f->path,
                            cause.text);
    if (ioctl(ends[0], TIOCPKT, &pty->packet) < 0)
        return ckpt_err_sys(err, "%s", f->path);
    if (pty->slave_closed) {
        close(ends[1]);
        ends[1] = -1;
    }
    return 0;
}

static int need_pair(struct ckpt_files *files, size_t master,
                     struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[master];
    int *spare = files->spare[master];
    enum ckpt_pty_role role;
    struct ckpt_pty pty;

    if (spare[0] >= 0 || files->opened[master] >= 0)
        return 0;
    state_of(f, &role, &pty);
    if (make(f, &pty, spare, err) == 0)
        return 0;
    for (int k = 0; k < 2; k++) {
        if (spare[k] >= 0)
            close(spare[k]);
        spare[k] = -1;
    }
    return -1;
}

static int take_master(struct ckpt_files *files, size_t i,
                       const struct ckpt_pty *pty, struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    int fd = files->spare[i][0];

    if (fd < 0)
        return ckpt_files_malformed(f, err);
    files->spare[i][0] = -1;
    if (fcntl(fd, F_SETFL, (int)f->flags & O_NONBLOCK) < 0 ||
        (files->spare[i][1] < 0 && ioctl(fd, TIOCSPTLCK, &pty->locked) < 0)) {
        close(fd);
        return ckpt_err_sys(err, "%s", f->path);
    }
    return fd;
}

static int open_slave(const struct ckpt_files *files, size_t i, size_t master,
                      struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    int of = files->spare[master][0];
    int flags = (int)f->flags & (O_ACCMODE | O_NONBLOCK | O_APPEND);
    int fd = ioctl(of >= 0 ? of : files->opened[master], TIOCGPTPEER,
                   flags | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return ckpt_err_sys(err, "%s", f->path);
    (void)fchmod(fd, f->mode & 07777);
    return fd;
}

int ckpt_files_pty(struct ckpt_files *files, size_t i, struct ckpt_err *err)
{
    const struct ckpt_open_file *f = &files->notes->files[i];
    enum ckpt_pty_role role;
    struct ckpt_pty pty;

    if (!state_of(f, &role, &pty))
        return ckpt_files_malformed(f, err);
    size_t master =
        role == CKPT_PTY_MASTER ? i : find_master(files, pty.number);
    if (master == files->notes->nfiles)
        return ckpt_files_malformed(f, err);
    if (need_pair(files, master, err) < 0)
        return -1;
    return role == CKPT_PTY_MASTER ? take_master(files, i, &pty, err)
                                   : open_slave(files, i, master, err);
}
