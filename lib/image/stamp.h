/* stamp.h - a file remembers that it was found whole
 *
 * An extended attribute of the image file, user.ckpt.whole, tells the file's
 * inode, size and time of modification when its checksums were last known to be
 * right: at its commit, or when all were verified.  While they still are the
 * same, nobody has written to the file since; what a failing disk does to it
 * shows only in the checksums.  Missing where the file system has no such
 * attributes, and in copies.
 *
 * Async-signal-safe.
 */
#ifndef CKPT_IMAGE_STAMP_H
#define CKPT_IMAGE_STAMP_H

#include <stdbool.h>

/* The file is whole now.  Not being able to tell is no error. */
void ckpt_stamp_set(int fd);

/* It was, and has not been written since. */
bool ckpt_stamp_holds(int fd);

#endif
