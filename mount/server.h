/* server.h - ckpt-mount: a job's files at home, as a file system of the kernel
 *
 *     program --> kernel --> /dev/fuse --> ops_*.c --> lib/remote --> shadow
 *                 page cache               tree.c      slots, cache
 *
 *     main.c       arguments, the connection, the loop
 *     home.c       calls to the shadow, by path and by handle
 *     tree.c       the kernel's inode numbers
 *     ops_name.c   names: look up, make, remove, rename
 *     ops_file.c   open files
 *     ops_dir.c    directories
 *     ops_lock.c   locks; who waits for one
 *     locks.c      who has locked what, here and at home
 *     confine.c    what this process gives up
 *     special.c    the image of a checkpoint, lines for the job's log
 *
 * One thread, one request at a time (but see ops_lock.c): as the client in a
 * trapped program.  What
 * is written goes through the kernel at once (no write-back cache of the
 * kernel's) and is written behind here; so nothing is dirty anywhere else
 * than in lib/remote's cache and in shared mappings.
 */
#ifndef CKPT_MOUNT_SERVER_H
#define CKPT_MOUNT_SERVER_H

#define FUSE_USE_VERSION 312

#include "mount/tree.h"

#include <fuse_lowlevel.h>

/* What other programs at home change is seen after so many seconds. */
#define SERVER_VALID_SEC 1.0

/* --- home.c ----------------------------------------------------------------
 */

/* A call; everything that was written goes before it.  0 or -errno. */
long home_call(uint32_t proc, xdrproc_t encode, void *args, xdrproc_t decode,
               void *results);
/* One with a status only. */
long home_do(uint32_t proc, xdrproc_t encode, void *args);
long home_stat(const char *path, struct shadow_attr *attr);
long home_open(const char *path, int flags, mode_t mode,
               struct ckpt_file **file);
/* A path, in a call. */
struct shadow_at home_at(const char *path);
void home_attr(const struct shadow_attr *attr, struct stat *st);

/* --- common ----------------------------------------------------------------
 */

struct node *server_node(fuse_ino_t ino);
fuse_ino_t server_ino(struct node *node);
/* The node is known by `text` in `parent` now: what the kernel is to know of
 * it.  0 or -ENOMEM. */
long server_enter(struct node *parent, const char *text,
                  const struct shadow_attr *attr, struct fuse_entry_param *e);
/* Send the error of a result, or of none. */
void server_reply(fuse_req_t req, long rc);

/* The attributes of a node, open or not. */
long server_attr(struct node *node, struct shadow_attr *attr);

extern const struct fuse_lowlevel_ops server_ops;

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void op_forget_multi(fuse_req_t req, size_t count,
                     struct fuse_forget_data *list);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
                struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
              dev_t dev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
                const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
               fuse_ino_t to, const char *text, unsigned flags);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
             const char *name);
void op_access(fuse_req_t req, fuse_ino_t ino, int mask);
void op_statfs(fuse_req_t req, fuse_ino_t ino);

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
             struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
              off_t off, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
              struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
                  off_t length, struct fuse_file_info *fi);

/* --- special.c: what the operations do with a node that is no file ----------
 */

int special_fix(struct ckpt_err *err);
void special_attr(const struct node *node, struct shadow_attr *attr);
/* Whose they are: the kernel lets nobody write what has no owner. */
void special_own(uint32_t uid, uint32_t gid);
void special_open(fuse_req_t req, struct node *node, struct fuse_file_info *fi);
/* An open special file: the others are files. */
bool special_is(const struct fuse_file_info *fi);
void special_write(fuse_req_t req, const struct fuse_file_info *fi,
                   const char *buf, size_t size, off_t off);
/* Of the image: everything that the job wrote goes home, then the image is
 * committed. */
void special_fsync(fuse_req_t req, const struct fuse_file_info *fi);

/* Send everything and wait.  The first late error, or 0. */
long server_settle(void);

/* --- locks.c ----------------------------------------------------------------
 */

struct locking {
    uint64_t owner, fh;
    int64_t start, last;
    pid_t pid;
    short type; /* F_RDLCK, F_WRLCK, F_UNLCK */
    bool flock; /* flock(2)'s, not fcntl(2)'s */
};

/* Take it, or give it back, here and at home.  0, -EAGAIN when others have it,
 * -ENOLCK when home does not lock: said in the job's log. */
long locks_set(struct node *node, const struct locking *want);
/* Another lock of the job's that is in the way, or NULL. */
const struct locking *locks_against(const struct node *node,
                                    const struct locking *want);
/* The job holds at home what this would need. */
bool locks_cover(const struct node *node, const struct locking *want);
/* A process closed a descriptor: its locks of fcntl(2) are gone. */
void locks_closed(struct node *node, uint64_t owner);
/* Nobody has the file handle any more: what was locked by it is not. */
void locks_released(struct node *node, uint64_t fh);
bool locks_any(void);

/* --- ops_lock.c -------------------------------------------------------------
 */

/* Those who wait for a lock ask again after so long. */
enum { LOCK_POLL_MS = 20 };

int locks_start(struct fuse_session *session, struct ckpt_err *err);
bool locks_waiting(void);
void locks_try_again(void);
void op_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
              struct flock *lock, int sleep);
void op_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
              struct flock *lock);
void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
              int op);

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

#endif
