/* stdio.c - what C's streams read and write, without a trap
 *
 * In a dynamic program libc's streams call libc's own read and write, which no
 * name of ours can stand before: a line that is flushed costs a trap.  But they
 * call them through tables of functions (one for each kind of stream) in which
 * `_IO_file_read` and `_IO_file_write` stand, names that libc exports.  Remote
 * mode puts these two in their place.  What is not a file of ours, or not an
 * open and simple case, goes the old way.
 *
 * A static program's streams come by --wrap (names.c).
 */
#include "lib/remote/names.h"

#include <stdio.h>

/* libc's, exported; NULL where they are not. */
extern ssize_t _IO_file_read(FILE *file, void *buf, ssize_t len)
    __attribute__((weak));
extern ssize_t _IO_file_write(FILE *file, const void *buf, ssize_t len)
    __attribute__((weak));
/* There is one in a program that is linked with --wrap. */
extern ssize_t __real___write(int fd, const void *buf, size_t len)
    __attribute__((weak));

enum { NOT_CANCELLED = 2 }; /* in _flags2: fopen(..., "c") */

static bool is_simple(const FILE *file, ssize_t len)
{
    return len > 0 && !(file->_flags2 & NOT_CANCELLED) &&
           ckpt_fd_remote((uint32_t)file->_fileno);
}

static ssize_t stdio_read(FILE *file, void *buf, ssize_t len)
{
    if (!is_simple(file, len))
        return _IO_file_read(file, buf, len);
    return ckpt_name_read(file->_fileno, buf, (size_t)len);
}

/* All of it, or what could be written; a stream's offset is -1 until somebody
 * has asked. */
static ssize_t stdio_write(FILE *file, const void *buf, ssize_t len)
{
    if (!is_simple(file, len))
        return _IO_file_write(file, buf, len);
    ssize_t n = ckpt_name_write(file->_fileno, buf, (size_t)len);
    if (n < 0) {
        file->_flags |= _IO_ERR_SEEN;
        return 0;
    }
    if (file->_offset >= 0)
        file->_offset += n;
    if (n < len)
        n += _IO_file_write(file, (const char *)buf + n, len - n);
    return n;
}

void ckpt_stdio_install(void)
{
    if (__real___write || !_IO_file_read || !_IO_file_write)
        return;
    ckpt_values_patch((const void *)_IO_file_read, (void *)stdio_read);
    ckpt_values_patch((const void *)_IO_file_write, (void *)stdio_write);
}
