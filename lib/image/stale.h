/* stale.h - temporary files that killed writers left behind
 */
#ifndef CKPT_IMAGE_STALE_H
#define CKPT_IMAGE_STALE_H

/* Remove PATH.tmp.PID and PATH.tmp.PID.1 of writers that are gone: no process
 * has that pid and nobody holds the file's lock.  Looks at a bounded number of
 * directory entries and never fails.  Async-signal-safe. */
void ckpt_image_remove_stale(const char *path);

#endif
