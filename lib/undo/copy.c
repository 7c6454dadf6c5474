/* copy.c - see copy.h */
#include "lib/undo/copy.h"

#include "lib/common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COPY_LEN = 256 << 10 };

static int copy_bytes(int from, int to)
{
    ssize_t n;

    if (ioctl(to, FICLONE, from) == 0)
        return 0;
    char *buf = malloc(COPY_LEN);
    if (!buf)
        return -1;
    int rc = 0;
    while (rc == 0 && (n = ckpt_read_full(from, buf, COPY_LEN)) != 0)
        rc = n < 0 ? -1 : ckpt_write_full(to, buf, (size_t)n);
    free(buf);
    return rc;
}

int copy_file(int from_dirfd, const char *from, int to_dirfd, const char *to,
              bool sync)
{
    int in = openat(from_dirfd, from,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (in < 0)
        return -1;
    int out =
        openat(to_dirfd, to,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = -1;
    if (out >= 0)
        rc = copy_bytes(in, out);
    if (rc == 0 && sync)
        rc = fsync(out);
    int saved = errno;
    if (out >= 0)
        close(out);
    close(in);
    errno = saved;
    return rc;
}

int directory_each(const char *path,
                   int (*fn)(void *arg, int dirfd, const char *name), void *arg)
{
    DIR *stream = opendir(path);
    int rc = 0;

    if (!stream)
        return -1;
    for (struct dirent *entry; rc == 0 && (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = fn(arg, dirfd(stream), entry->d_name);
    closedir(stream);
    return rc;
}
