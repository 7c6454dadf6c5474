/* calls_fcntl.c - fcntl, record locks, flock, ioctl */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { LOCK_POLL_MS = 50 };

/* A lock that waits is asked for again and again, with the program's signals
 * let in between, so that neither they nor a checkpoint have to wait. */
struct locking {
    struct ckpt_call call;
    shadow_lock_args args;
    bool wait;
};

static long lock_once(struct ckpt_call *call)
{
    struct locking *l = (struct locking *)call;

    ckpt_cache_send_all();
    return ckpt_session_call(SHADOW_LOCK, (xdrproc_t)xdr_shadow_lock_args,
                             &l->args, NULL, NULL);
}

static long lock_and_wait(struct locking *l, struct ckpt_call *call)
{
    for (;;) {
        long rc = ckpt_locked(lock_once, &l->call);
        if (!l->wait || (rc != -EAGAIN && rc != -EACCES))
            return rc;
        if (ckpt_call_wait(call, LOCK_POLL_MS) != 0)
            return -EINTR;
    }
}

static long lock_base(struct ckpt_file *file, const struct flock *fl)
{
    struct shadow_attr attr;

    if (fl->l_whence == SEEK_SET)
        return 0;
    if (fl->l_whence == SEEK_CUR)
        return (long)file->offset;
    long rc = ckpt_file_attr(file, &attr);
    return rc < 0 ? rc : (long)attr.size;
}

/* Fill in l->args from the program's struct flock; under the lock. */
static long lock_prepare(struct ckpt_call *call)
{
    struct locking *l = (struct locking *)call;
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);
    struct flock fl;

    if (!file)
        return -EBADF;
    long rc = ckpt_user_read(&fl, call->arg[2], sizeof fl);
    if (rc != 0)
        return rc;
    long base = lock_base(file, &fl);
    if (base < 0)
        return base;
    int64_t start = base + fl.l_start, len = fl.l_len;
    if (len < 0) {
        start += len;
        len = -len;
    }
    if (start < 0)
        return -EINVAL;
    l->args = (shadow_lock_args){file->handle, false, fl.l_type,
                                 (uint64_t)start, (uint64_t)len};
    return 0;
}

static long do_record_lock(struct ckpt_call *call, bool wait)
{
    struct locking l = {.call = *call, .wait = wait};

    long rc = ckpt_locked(lock_prepare, &l.call);
    return rc != 0 ? rc : lock_and_wait(&l, call);
}

static long flock_prepare(struct ckpt_call *call)
{
    struct locking *l = (struct locking *)call;
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);
    int what = (int)call->arg[1] & ~LOCK_NB;

    if (!file)
        return -EBADF;
    if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN)
        return -EINVAL;
    l->args = (shadow_lock_args){file->handle, false,
                                 what == LOCK_SH   ? F_RDLCK
                                 : what == LOCK_EX ? F_WRLCK
                                                   : F_UNLCK,
                                 0, 0};
    return 0;
}

long ckpt_on_flock(struct ckpt_call *call)
{
    struct locking l = {.call = *call, .wait = !(call->arg[1] & LOCK_NB)};

    if (!ckpt_fd_remote(call->arg[0]))
        return CKPT_LOCAL;
    long rc = ckpt_locked(flock_prepare, &l.call);
    if (rc == 0)
        rc = lock_and_wait(&l, call);
    return rc == -EACCES ? -EWOULDBLOCK : rc;
}

static long set_flags(struct ckpt_file *file, int flags)
{
    const int mine = O_APPEND | O_NONBLOCK | O_NOATIME;

    file->flags = (file->flags & ~mine) | (flags & mine);
    return 0;
}

static long do_fcntl(struct ckpt_call *call)
{
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);
    int command = (int)call->arg[1];

    if (!file)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return ckpt_fd_copy(call->arg[0], command, call->arg[2]);
    case F_GETFD:
    case F_SETFD:
        return ckpt_sys(SYS_fcntl, (int)call->arg[0], command, call->arg[2]);
    case F_GETFL:
        return file->flags | 0100000; /* O_LARGEFILE, as the kernel shows it */
    case F_SETFL:
        return set_flags(file, (int)call->arg[2]);
    case F_GETLK:
    case F_OFD_GETLK:
        ckpt_refusal_log(SYS_fcntl, "F_GETLK");
        return -ENOLCK;
    default:
        return -EINVAL;
    }
}

long ckpt_on_fcntl(struct ckpt_call *call)
{
    int command = (int)call->arg[1];

    if (!ckpt_fd_remote(call->arg[0]))
        return CKPT_LOCAL;
    if (command == F_SETLK || command == F_OFD_SETLK)
        return do_record_lock(call, false);
    if (command == F_SETLKW || command == F_OFD_SETLKW)
        return do_record_lock(call, true);
    return ckpt_locked(do_fcntl, call);
}

/* --- ioctl --- */

struct kernel_termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line;
    uint8_t cc[19];
};

static long ask_tty(struct ckpt_file *file, shadow_tty_op op,
                    shadow_tty_res *res)
{
    shadow_tty_args args = {file->handle, op};

    res->shadow_tty_res_u.ok.cc.cc_val = (char *)ckpt_link->where[0][0];
    return ckpt_session_call(SHADOW_TTY, (xdrproc_t)xdr_shadow_tty_args, &args,
                             (xdrproc_t)xdr_shadow_tty_res, res);
}

static long tty_request(struct ckpt_file *file, uint64_t request, uint64_t to)
{
    shadow_tty_res res = {.status = ENOTTY};
    const shadow_tty_ok *ok = &res.shadow_tty_res_u.ok;
    bool size = request == TIOCGWINSZ;

    if (file->kind != CKPT_KIND_STREAM)
        return -ENOTTY;
    long rc =
        ask_tty(file, size ? SHADOW_TTY_GETSIZE : SHADOW_TTY_GETATTR, &res);
    if (rc != 0)
        return rc;
    if (size) {
        struct winsize ws = {.ws_row = (unsigned short)ok->rows,
                             .ws_col = (unsigned short)ok->cols};
        return ckpt_user_write(to, &ws, sizeof ws);
    }
    struct kernel_termios t = {ok->iflag, ok->oflag, ok->cflag,
                               ok->lflag, 0,         {0}};
    size_t n = ok->cc.cc_len < sizeof t.cc ? ok->cc.cc_len : sizeof t.cc;
    memcpy(t.cc, ok->cc.cc_val, n);
    return ckpt_user_write(to, &t, sizeof t);
}

static long set_tty(struct ckpt_file *file, uint64_t request, uint64_t from)
{
    struct kernel_termios t;
    shadow_tty_set_args args = {.handle = file->handle, .attr = true};

    if (file->kind != CKPT_KIND_STREAM)
        return -ENOTTY;
    long rc = ckpt_user_read(&t, from, sizeof t);
    if (rc != 0)
        return rc;
    args.flush_in = request == TCSETSF;
    args.iflag = t.iflag;
    args.oflag = t.oflag;
    args.cflag = t.cflag;
    args.lflag = t.lflag;
    args.cc.cc_val = (char *)t.cc;
    args.cc.cc_len = sizeof t.cc;
    return ckpt_session_call(SHADOW_TTY_SET, (xdrproc_t)xdr_shadow_tty_set_args,
                             &args, NULL, NULL);
}

static long flush_tty(struct ckpt_file *file, uint64_t what)
{
    shadow_tty_set_args args = {.handle = file->handle,
                                .flush_in = what != TCOFLUSH,
                                .flush_out = what != TCIFLUSH};

    if (file->kind != CKPT_KIND_STREAM)
        return -ENOTTY;
    if (what > TCIOFLUSH)
        return -EINVAL;
    return ckpt_session_call(SHADOW_TTY_SET, (xdrproc_t)xdr_shadow_tty_set_args,
                             &args, NULL, NULL);
}

/* The job is the terminal's foreground as long as the user lets it be. */
static long tty_group(struct ckpt_file *file, uint64_t request, uint64_t at)
{
    shadow_tty_res res = {.status = ENOTTY};
    int id = request == TIOCGSID ? ckpt_state->id.sid : ckpt_state->id.pgid;

    long rc = file->kind == CKPT_KIND_STREAM
                  ? ask_tty(file, SHADOW_TTY_ISATTY, &res)
                  : -ENOTTY;
    if (rc != 0)
        return rc;
    if (request != TIOCSPGRP)
        return ckpt_user_write(at, &id, sizeof id);
    rc = ckpt_user_read(&id, at, sizeof id);
    return rc != 0 ? rc : id == ckpt_state->id.pgid ? 0 : -EPERM;
}

static long bytes_waiting(struct ckpt_file *file, uint64_t to)
{
    shadow_tty_res res = {.status = ENOTTY};
    struct shadow_attr attr;
    int n = 0;
    long rc;

    if (file->kind == CKPT_KIND_STREAM) {
        rc = ask_tty(file, SHADOW_TTY_NREAD, &res);
        n = (int)res.shadow_tty_res_u.ok.nread;
    } else {
        rc = ckpt_file_attr(file, &attr);
        n = (int)(attr.size - file->offset);
    }
    return rc != 0 ? rc : ckpt_user_write(to, &n, sizeof n);
}

static long do_ioctl(struct ckpt_call *call)
{
    struct ckpt_file *file = ckpt_file_of(call->arg[0]);
    uint64_t request = (uint32_t)call->arg[1];

    if (!file)
        return -EBADF;
    switch (request) {
    case FIOCLEX:
    case FIONCLEX:
        return ckpt_sys(SYS_ioctl, (int)call->arg[0], request);
    case TCGETS:
    case TIOCGWINSZ:
        return tty_request(file, request, call->arg[2]);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_tty(file, request, call->arg[2]);
    case TCFLSH:
        return flush_tty(file, call->arg[2]);
    case TIOCGPGRP:
    case TIOCSPGRP:
    case TIOCGSID:
        return tty_group(file, request, call->arg[2]);
    case FIONREAD:
        return bytes_waiting(file, call->arg[2]);
    default:
        return -ENOTTY;
    }
}

long ckpt_on_ioctl(struct ckpt_call *call)
{
    return ckpt_if_remote(call->arg[0], do_ioctl, call);
}
