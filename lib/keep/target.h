/* target.h - what a call of the program means, seen from outside
 *
 * `tid` is the thread that makes the call and waits.  Where something cannot be
 * looked at, errno is EPERM; other errors mean that the call will fail by
 * itself.
 */
#ifndef CKPT_KEEP_TARGET_H
#define CKPT_KEEP_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* 0, or -1 with EPERM or EFAULT. */
int keep_read_memory(pid_t tid, uint64_t from, void *to, size_t len);

/* One name: an O_PATH descriptor of its directory, owned by the caller, and the
 * last component. */
struct keep_place {
    int dirfd;
    char name[NAME_MAX + 1];
};

/* Find the place of the path at address `path`, relative to the program's
 * `dirfd`; `follow`: through symbolic links that are the last component.  What
 * has no name of its own ("/", "..", a magic link of /proc) is EISDIR.
 * 0, or -1 with errno. */
int keep_find_place(pid_t tid, int dirfd, uint64_t path, bool follow,
                    struct keep_place *place);
void keep_place_clear(struct keep_place *place);

/* A descriptor of the program: look at the file, open it again for reading, its
 * position and flags. */
int keep_stat_fd(pid_t tid, int fd, struct stat *st);
int keep_open_fd(pid_t tid, int fd, int flags);
int keep_fd_state(pid_t tid, int fd, uint64_t *position, int *flags);

/* Not one of the kernel's own file systems (/proc, /sys, ...). */
bool keep_is_real(int fd);

/* Call fn with each named file of which the process may write through a shared
 * mapping, opened for reading. */
int keep_each_mapped(pid_t tid, int (*fn)(void *arg, int fd), void *arg);

#endif
