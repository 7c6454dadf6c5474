/* call_file.c - open, close, read, write and what else goes by handle */
#include "shadow/call.h"
#include "shadow/stream.h"

#include "lib/common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
    FLAGS_HONOURED = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_DIRECTORY |
                     O_NOFOLLOW | O_SYNC | O_DSYNC | O_PATH,
};

/* --- open -------------------------------------------------------------------
 */

static bool wants_write(int flags)
{
    if (flags & O_PATH)
        return false;
    return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
}

static int open_place(struct shadow *shadow, const struct place *place,
                      int flags, mode_t mode)
{
    if (place->above) {
        errno = EACCES;
        return -1;
    }
    if (flags & O_PATH)
        return openat(place->dirfd, place->name,
                      O_PATH | O_NOFOLLOW | O_CLOEXEC | (flags & O_DIRECTORY));
    if (wants_write(flags) && !place->write) {
        struct stat st; /* O_CREAT does no harm where the file is there */
        bool only_creat = !((flags & O_ACCMODE) || (flags & O_TRUNC));
        if (!only_creat ||
            fstatat(place->dirfd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            errno = EROFS;
            return -1;
        }
        flags &= ~O_CREAT;
    }
    off_t cut = 0;
    struct stat st;
    if (place->quota && (flags & O_TRUNC) && (flags & O_ACCMODE) &&
        fstatat(place->dirfd, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        cut = st.st_size;
    int fd =
        change_open(shadow->change, place->dirfd, place->name, flags, mode);
    if (fd >= 0)
        quota_count(place->quota, cut, 0);
    return fd;
}

static int64_t add_handle(struct shadow *shadow, int fd, int flags,
                          const struct place *place, const struct stat *st)
{
    int access = flags & O_ACCMODE;
    struct handle handle = {
        .fd = fd,
        .readable = !(flags & O_PATH) && access != O_WRONLY,
        .writable = !(flags & O_PATH) && access != O_RDONLY,
        .path_only = flags & O_PATH,
        .path = S_ISDIR(st->st_mode) ? strdup(place->path) : NULL,
        .quota = place->quota,
    };

    if (S_ISDIR(st->st_mode) && !handle.path)
        return -1;
    int64_t number = handle_add(shadow, &handle, place, st);
    if (number < 0)
        free(handle.path);
    return number;
}

static int64_t open_at(struct shadow *shadow, const shadow_open_args *args,
                       struct stat *st)
{
    int flags = (int)args->flags & FLAGS_HONOURED;
    bool follow = !(flags & O_NOFOLLOW) &&
                  (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    struct place place;

    if ((args->flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (find_at(shadow, &args->at, follow, &place) < 0)
        return -1;
    int fd = open_place(shadow, &place, flags, args->mode);
    int64_t number = -1;
    if (fd >= 0 && fstat(fd, st) == 0)
        number = add_handle(shadow, fd, flags, &place, st);
    int saved = errno;
    if (fd >= 0 && number < 0)
        close(fd);
    place_clear(&place);
    errno = saved;
    return number;
}

SERVICE(open, shadow_open_args, shadow_open_res)
{
    BEGIN;
    struct stat st;

    int64_t number = open_at(shadow, args, &st);
    res->status = status_of(shadow, number < 0 ? -1 : 0);
    if (number >= 0) {
        res->shadow_open_res_u.ok.handle = (uint32_t)number;
        attr_of(shadow, &st, &res->shadow_open_res_u.ok.attr);
    }
    return TRUE;
}

/* The whole of a short file, or nothing. */
static void read_whole(struct shadow *shadow, uint32_t number,
                       const struct stat *st, uint32_t count,
                       shadow_open_read_ok *ok)
{
    struct handle *handle = handle_get(&shadow->handles, number);

    if (count > SHADOW_OPEN_DATA_MAX)
        count = SHADOW_OPEN_DATA_MAX;
    if (!handle || !handle->readable || !S_ISREG(st->st_mode) ||
        st->st_size > count)
        return;
    char *data = malloc(count + 1);
    ssize_t n = data ? ckpt_pread_full(handle->fd, data, count + 1, 0) : -1;
    if (n < 0 || n > (ssize_t)count) {
        free(data);
        return;
    }
    ok->data.data_val = data;
    ok->data.data_len = (u_int)n;
    ok->whole = TRUE;
}

SERVICE(open_read, shadow_open_read_args, shadow_open_read_res)
{
    BEGIN;
    shadow_open_read_ok *ok = &res->shadow_open_read_res_u.ok;
    struct stat st;

    int64_t number = open_at(shadow, &args->open, &st);
    res->status = status_of(shadow, number < 0 ? -1 : 0);
    if (number >= 0) {
        ok->open.handle = (uint32_t)number;
        attr_of(shadow, &st, &ok->open.attr);
        read_whole(shadow, ok->open.handle, &st, args->count, ok);
    }
    return TRUE;
}

SERVICE(close, shadow_handle_args, shadow_status_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);
    struct quota *quota = handle ? handle->quota : NULL;
    off_t freed = quota ? freed_by_close(shadow, handle) : 0;
    struct note *note = shadow->note;

    bool before = !handle && note && note->again && args->handle != 0 &&
                  note->closed == args->handle;
    if (note && handle)
        __atomic_store_n(&note->closed, args->handle, __ATOMIC_RELEASE);
    int rc = before ? 0 : handle_close(&shadow->handles, args->handle);
    quota_count(quota, freed, 0);
    res->status = status_of(shadow, rc);
    return TRUE;
}

/* --- read and write --- */

/* The handle's descriptor if it may be used that way. */
static int fd_for(struct shadow *shadow, uint32_t number, bool write)
{
    struct handle *handle = handle_get(&shadow->handles, number);

    if (!handle)
        return -1;
    if (write ? !handle->writable : !handle->readable) {
        errno = EBADF;
        return -1;
    }
    return handle->fd;
}

static ssize_t read_at(int fd, void *data, size_t len, uint64_t offset)
{
    if (offset > INT64_MAX) {
        errno = EINVAL;
        return -1;
    }
    ssize_t n = ckpt_pread_full(fd, data, len, (off_t)offset);
    return n < 0 && errno == ESPIPE ? read(fd, data, len) : n;
}

SERVICE(read, shadow_read_args, shadow_read_res)
{
    BEGIN;
    size_t len = args->count < SHADOW_DATA_MAX ? args->count : SHADOW_DATA_MAX;
    int fd = fd_for(shadow, args->handle, false);
    if (stream_is(args->handle, fd))
        return stream_read(shadow, req, fd, len, res);
    ssize_t n = -1;
    char *data = fd < 0 ? NULL : malloc(len ? len : 1);

    if (data)
        n = read_at(fd, data, len, args->offset);
    res->status = status_of(shadow, n);
    if (n < 0)
        free(data);
    else
        res->shadow_read_res_u.ok.data = (shadow_data){(u_int)n, data};
    return TRUE;
}

static off_t write_at(struct shadow *shadow, const shadow_write_args *args)
{
    const shadow_data *data = &args->data;
    int fd = fd_for(shadow, args->handle, true);

    if (fd < 0)
        return -1;
    if (args->offset > INT64_MAX) {
        errno = EINVAL;
        return -1;
    }
    struct handle *handle = handle_get(&shadow->handles, args->handle);
    bool append = args->append || handle->append;
    off_t offset = append ? -1 : (off_t)args->offset;
    off_t len = data->shadow_data_len;
    struct resize resize;
    if (data->shadow_data_len == 0)
        return append ? lseek(fd, 0, SEEK_END) : offset;
    off_t grown = offset > INT64_MAX - len ? INT64_MAX : offset + len;
    if (resize_begin(shadow, &resize, fd, handle->quota, grown,
                     append ? len : 0) < 0)
        return -1;
    off_t end = change_write(shadow->change, fd, data->shadow_data_val,
                             data->shadow_data_len, offset);
    resize_end(&resize);
    return end;
}

SERVICE(write, shadow_write_args, shadow_write_res)
{
    BEGIN;
    int fd = fd_for(shadow, args->handle, true);
    if (stream_is(args->handle, fd))
        return stream_write(shadow, req, fd, &args->data, res);
    off_t end = write_at(shadow, args);

    res->status = status_of(shadow, end);
    if (end >= 0) {
        res->shadow_write_res_u.ok.count = args->data.shadow_data_len;
        res->shadow_write_res_u.ok.end = (uint64_t)end;
    }
    return TRUE;
}

/* --- the rest --- */

int truncate_to(struct shadow *shadow, int fd, struct quota *quota,
                uint64_t size)
{
    struct resize resize;

    if (resize_begin(shadow, &resize, fd, quota, (off_t)size, 0) < 0)
        return -1;
    int rc = change_truncate(shadow->change, fd, (off_t)size);
    resize_end(&resize);
    return rc;
}

SERVICE(ftruncate, shadow_ftruncate_args, shadow_status_res)
{
    BEGIN;
    int fd = fd_for(shadow, args->handle, true);
    struct quota *quota =
        fd < 0 ? NULL : handle_get(&shadow->handles, args->handle)->quota;

    res->status = status_of(
        shadow, fd < 0 ? -1 : truncate_to(shadow, fd, quota, args->size));
    return TRUE;
}

SERVICE(fallocate, shadow_fallocate_args, shadow_status_res)
{
    BEGIN;
    int fd = fd_for(shadow, args->handle, true);
    struct resize resize;
    off_t end = -1;
    int rc = -1;

    if (__builtin_add_overflow((off_t)args->offset, (off_t)args->len, &end))
        errno = EFBIG;
    else if (fd >= 0 &&
             resize_begin(shadow, &resize, fd,
                          handle_get(&shadow->handles, args->handle)->quota,
                          end, 0) == 0) {
        rc = change_fallocate(shadow->change, fd, args->mode,
                              (off_t)args->offset, (off_t)args->len);
        resize_end(&resize);
    }
    res->status = status_of(shadow, rc);
    return TRUE;
}

SERVICE(fsync, shadow_handle_args, shadow_status_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);

    res->status = status_of(shadow, handle ? fsync(handle->fd) : -1);
    return TRUE;
}

/* Locks belong to the open file, so they end with its handle.  One that others
 * hold is not waited for: the client asks again. */
SERVICE(lock, shadow_lock_args, shadow_status_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);
    struct flock lock = {
        .l_type = (short)args->type,
        .l_whence = SEEK_SET,
        .l_start = (off_t)args->start,
        .l_len = (off_t)args->len,
    };

    int rc = handle ? fcntl(handle->fd, F_OFD_SETLK, &lock) : -1;
    if (rc == 0)
        handle_locked(&shadow->handles, args->handle, args->type, args->start,
                      args->len);
    res->status = status_of(shadow, rc);
    return TRUE;
}

static int tty(int fd, shadow_tty_op op, shadow_tty_ok *ok)
{
    struct termios attr;
    struct winsize size;
    int count = 0, rc = 0;

    switch (op) {
    case SHADOW_TTY_ISATTY:
    case SHADOW_TTY_GETATTR:
        if (tcgetattr(fd, &attr) < 0)
            return -1;
        ok->iflag = attr.c_iflag;
        ok->oflag = attr.c_oflag;
        ok->cflag = attr.c_cflag;
        ok->lflag = attr.c_lflag;
        ok->cc.cc_val = malloc(sizeof attr.c_cc);
        if (!ok->cc.cc_val)
            return -1;
        ok->cc.cc_len = sizeof attr.c_cc;
        memcpy(ok->cc.cc_val, attr.c_cc, sizeof attr.c_cc);
        return 0;
    case SHADOW_TTY_GETSIZE:
        rc = ioctl(fd, TIOCGWINSZ, &size);
        if (rc == 0) {
            ok->rows = size.ws_row;
            ok->cols = size.ws_col;
        }
        return rc;
    case SHADOW_TTY_NREAD:
        rc = ioctl(fd, FIONREAD, &count);
        ok->nread = (unsigned)count;
        return rc;
    }
    errno = EINVAL;
    return -1;
}

static int set_tty(int fd, const shadow_tty_set_args *args)
{
    struct termios attr;

    if (tcgetattr(fd, &attr) < 0)
        return -1;
    if ((args->flush_in || args->flush_out) &&
        tcflush(fd, args->flush_in && args->flush_out ? TCIOFLUSH
                    : args->flush_in                  ? TCIFLUSH
                                                      : TCOFLUSH) < 0)
        return -1;
    if (!args->attr)
        return 0;
    attr.c_iflag = args->iflag;
    attr.c_oflag = args->oflag;
    attr.c_cflag = args->cflag;
    attr.c_lflag = args->lflag;
    size_t n =
        args->cc.cc_len < sizeof attr.c_cc ? args->cc.cc_len : sizeof attr.c_cc;
    memcpy(attr.c_cc, args->cc.cc_val, n);
    return tcsetattr(fd, TCSANOW, &attr);
}

SERVICE(tty_set, shadow_tty_set_args, shadow_status_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);

    res->status = status_of(shadow, handle ? set_tty(handle->fd, args) : -1);
    return TRUE;
}

SERVICE(cancel, shadow_cancel_args, shadow_status_res)
{
    BEGIN;
    res->status = stream_cancel(shadow, args->slot, args->seq) < 0 ? ENOENT : 0;
    return TRUE;
}

SERVICE(tty, shadow_tty_args, shadow_tty_res)
{
    BEGIN;
    struct handle *handle = handle_get(&shadow->handles, args->handle);

    res->status = status_of(
        shadow,
        handle ? tty(handle->fd, args->op, &res->shadow_tty_res_u.ok) : -1);
    return TRUE;
}
