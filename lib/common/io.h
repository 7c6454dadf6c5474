/* io.h - whole reads and writes, and files that appear all at once
 *
 * The functions go on after EINTR and short counts.  They use the gate
 * (sys.h), so they work in daemons and inside user programs alike; all are
 * async-signal-safe.
 */
#ifndef CKPT_COMMON_IO_H
#define CKPT_COMMON_IO_H

#include <stddef.h>
#include <sys/types.h>

/* Write all of buf.  0, or -1 with errno. */
int ckpt_write_full(int fd, const void *buf, size_t len);
int ckpt_pwrite_full(int fd, const void *buf, size_t len, off_t offset);

/* Read until `len` bytes or end of file.  Returns the count, or -1. */
ssize_t ckpt_read_full(int fd, void *buf, size_t len);
ssize_t ckpt_pread_full(int fd, void *buf, size_t len, off_t offset);

/* Make the entries of the directory that holds `path` durable. */
int ckpt_fsync_parent(const char *path);

#endif
