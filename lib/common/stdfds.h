/* stdfds.h - a program that was started without some of descriptors 0, 1, 2
 *
 * Otherwise the first files and sockets that it opens get these numbers, and
 * what is printed goes into them.  Called first in main().
 */
#ifndef CKPT_COMMON_STDFDS_H
#define CKPT_COMMON_STDFDS_H

#include <fcntl.h>
#include <unistd.h>

/* Put /dev/null, opened with `flags`, wherever one is missing.  O_RDONLY: what
 * is printed there fails; O_CLOEXEC: programs that are executed miss it, too.
 */
static inline void ckpt_stdfds_fill(int flags)
{
    int fd;

    do
        fd = open("/dev/null", flags);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

#endif
