/* copy.h - whole files, and what is in a directory */
#ifndef CKPT_UNDO_COPY_H
#define CKPT_UNDO_COPY_H

#include <stdbool.h>

/* Copy a regular file (never through a symbolic link) to a new or truncated
 * one, 0600; shares the blocks where the file system can.  `sync` makes the
 * content durable.  0, or -1 with errno. */
int copy_file(int from_dirfd, const char *from, int to_dirfd, const char *to,
              bool sync);

/* Call fn for each entry but . and .. until it returns nonzero. */
int directory_each(const char *path,
                   int (*fn)(void *arg, int dirfd, const char *name),
                   void *arg);

#endif
