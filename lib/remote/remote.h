/* remote.h - remote mode, as the rest of libckpt sees it
 *
 * In remote mode the program's file calls are served by its shadow at home.
 * A seccomp filter (SECCOMP_RET_TRAP) sends every file call that does not come
 * from ckpt_gate to a SIGSYS handler, which carries it out through the
 * session.  In local mode nothing here is active and nothing is in the way.
 *
 * During a call the checkpoint signal is blocked, so a thread that is stopped
 * for a checkpoint is never inside one.  Keys and connection state live in
 * memory that no image contains (ckpt_unsaved_memory()); the file table is
 * ordinary memory and travels with the image; the cache is emptied by
 * ckpt_remote_quiesce().  A forked child has no session (the memory is wiped on
 * fork): an image that goes home is written by the program's own process.
 */
#ifndef CKPT_REMOTE_REMOTE_H
#define CKPT_REMOTE_REMOTE_H

#include "lib/common/err.h"
#include "lib/image/image.h"

#include <stdbool.h>

/* Start remote mode: read a boot record (proto/boot.h) from boot_fd, close it,
 * connect, handshake, bind, fetch the identity, make descriptors 0, 1 and 2
 * those of the job at home (handles 0, 1, 2 of the session), install the
 * filter.  Called once, from libckpt's constructor, before main. */
int ckpt_remote_start(int boot_fd, struct ckpt_err *err);

bool ckpt_remote_active(void);

/* The kernel descriptor is a stand-in for a remote file: not to be saved as a
 * file of its own.  During capture and after. */
bool ckpt_remote_owns_fd(int fd);

/* All threads are stopped.  Flush what is written behind and wait for all
 * replies, so that no call is in flight in the image. */
int ckpt_remote_quiesce(struct ckpt_err *err);

/* A sink that sends the image home (IMAGE_PUT, IMAGE_COMMIT).  One at a time;
 * valid until commit or abort. */
struct ckpt_sink *ckpt_remote_sink(void);

/* In the revived process, before any thread goes on: as ckpt_remote_start, but
 * with the file table that came with the image: stand-in descriptors are made
 * again at their numbers and the files opened again at home. */
int ckpt_remote_revive(int boot_fd, struct ckpt_err *err);

/* How often home wants checkpoints now (RHYTHM of shadow.x).  0, or -errno. */
long ckpt_remote_rhythm(uint32_t *every_sec, uint32_t *mtbf_sec);

/* Ask home that the job be moved to the station ("": to any other).  0, or
 * -errno. */
long ckpt_remote_migrate(const char *station);

/* A line for the job's log at home; best effort. */
void ckpt_remote_log(const char *text);

#endif
