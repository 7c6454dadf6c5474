/* pooldir.h - the directory that holds everything of a pool
 *
 *     DIR/                        0700
 *       pool.conf                 settings (lib/common/conf.h)
 *       pool.key                  32 random bytes, 0600
 *       pool.name                 one line
 *       pool.stations             names of this machine's stations, one a line
 *       master/                   one directory for each daemon:
 *       coordinator/                lock   held while it lives; its pid inside
 *       standby/, home/             addr   where it listens, "127.0.0.1:4711"
 *       station.NAME/               log
 *       home/queue.db             the queue
 *       home/jobs/ID/             a job's directory (shadow/jobdir.h)
 *
 * A daemon that finds its lock taken ends at once: no daemon is ever there
 * twice.  Used by the daemons and the commands; nothing here is fast.
 */
#ifndef CKPT_SCHEDULER_POOLDIR_H
#define CKPT_SCHEDULER_POOLDIR_H

#include "lib/common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    POOLDIR_KEY_LEN = 32,
    POOLDIR_NAME_MAX = 64,
    POOLDIR_ADDR_MAX = 80,
    POOLDIR_STATIONS_MAX = 1024,
};

/* Names of daemons. */
#define POOLDIR_COORDINATOR "coordinator"
#define POOLDIR_STANDBY "standby"

struct pooldir {
    char path[PATH_MAX]; /* absolute */
    char name[POOLDIR_NAME_MAX + 1];
    uint8_t key[POOLDIR_KEY_LEN];
};

/* Make the directory, the key and the name where they are missing; whole
 * files appear at once.  0, or -1 with errno. */
int pooldir_create(const char *path, struct ckpt_err *err);

/* Read key and name.  -1 with ENOENT (no pool there), EPERM (the directory or
 * the key can be read by others, or belongs to somebody else), or errno. */
int pooldir_open(struct pooldir *pool, const char *path, struct ckpt_err *err);

/* The names "s1".."sN" go to pool.stations (names there already stay as they
 * are when n is not greater).  On a machine that joins another's pool, `joins`,
 * they are "HOST-s1".."HOST-sN".  0, or -1 with errno. */
int pooldir_set_stations(const struct pooldir *pool, unsigned n, bool joins,
                         struct ckpt_err *err);

/* Call fn for each station's name; stops when it returns non-zero, and
 * returns that.  -1 with errno when the list cannot be read. */
int pooldir_each_station(const struct pooldir *pool,
                         int (*fn)(const char *name, void *arg), void *arg,
                         struct ckpt_err *err);

/* The address of a daemon ("coordinator", "home", "station.s1") as it wrote
 * it; `addr` has POOLDIR_ADDR_MAX + 1 bytes.  -1 with ENOENT: not running
 * yet. */
int pooldir_addr(const struct pooldir *pool, const char *daemon, char *addr,
                 struct ckpt_err *err);

/* The pid of the daemon that holds the lock of `daemon`, 0 when nobody does,
 * -1 with errno. */
pid_t pooldir_holder(const struct pooldir *pool, const char *daemon);

/* For daemons: make DIR/daemon, take its lock and write our pid there.
 * Returns the lock's descriptor, to be kept open (close-on-exec); -1 with
 * EAGAIN when another process has it. */
int pooldir_lock(const struct pooldir *pool, const char *daemon,
                 struct ckpt_err *err);
int pooldir_write_addr(const struct pooldir *pool, const char *daemon,
                       const char *addr, struct ckpt_err *err);

/* Write a small file whole: temporary name, sync, rename. */
int pooldir_write_file(const char *path, const void *data, size_t len,
                       mode_t mode, struct ckpt_err *err);
/* The same, but it need not outlive a power loss: its reader must notice a
 * file that was cut short. */
int pooldir_put_file(const char *path, const void *data, size_t len,
                     mode_t mode, struct ckpt_err *err);

#endif
