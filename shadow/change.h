/* change.h - changes to files, each told to the journal first
 *
 * One function for each way to change a file or a name.  Directories are given
 * as descriptors (O_PATH will do) that path.h has found inside a grant; `name`
 * is one component.  The results are those of the system call: 0 or more, or
 * -1 with errno.  When the journal cannot take its note the change is not
 * made: EIO, and change_error() tells why.
 */
#ifndef CKPT_SHADOW_CHANGE_H
#define CKPT_SHADOW_CHANGE_H

#include "lib/undo/journal.h"
#include "shadow/note.h"

#include <stddef.h>
#include <sys/types.h>

struct change; /* the journal and the last error */

struct change *change_create(struct journal *journal);
void change_destroy(struct change *change);
/* Where the changes that follow note what they find (NULL: nowhere), so that
 * one that was interrupted is not made twice. */
void change_note(struct change *change, struct note *note);
/* File systems may have been touched that it does not know of. */
void change_sync_all(struct change *change);
/* The text of the last failure of the journal, and forget it; NULL: none. */
const char *change_error(struct change *change);

/* Make durable what was changed since change_create(), by syncfs(2) of the
 * file systems that were touched. */
int change_sync(struct change *change);
/* Something is to change in this directory: its file system needs a sync.
 * The functions below that take a directory say so themselves. */
void change_note_fs(struct change *change, int dirfd);

/* Open with O_CREAT, O_TRUNC as open(2); O_CLOEXEC, O_NOFOLLOW, O_NONBLOCK and
 * O_NOCTTY are added.  Only regular files and directories: ENXIO.  Returns the
 * descriptor. */
int change_open(struct change *change, int dirfd, const char *name, int flags,
                mode_t mode);

/* All of the data, at `offset`, or at the end when it is -1.  Returns the
 * offset after the last byte. */
off_t change_write(struct change *change, int fd, const void *data, size_t len,
                   off_t offset);
int change_truncate(struct change *change, int fd, off_t size);
int change_fallocate(struct change *change, int fd, int mode, off_t offset,
                     off_t len);
/* `fd` may be O_PATH in these three. */
int change_mode(struct change *change, int fd, mode_t mode);
int change_owner(struct change *change, int fd, uid_t uid, gid_t gid);
int change_times(struct change *change, int fd, const struct timespec times[2]);

int change_unlink(struct change *change, int dirfd, const char *name,
                  bool is_dir);
int change_rename(struct change *change, int from_dirfd, const char *from,
                  int to_dirfd, const char *to, unsigned flags);
int change_link(struct change *change, int from_dirfd, const char *from,
                int to_dirfd, const char *to);
int change_symlink(struct change *change, const char *target, int dirfd,
                   const char *name);
int change_mkdir(struct change *change, int dirfd, const char *name,
                 mode_t mode);

#endif
