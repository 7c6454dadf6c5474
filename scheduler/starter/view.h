/* view.h - the files as an unmodified program sees them: a mount namespace
 *
 *     /usr /bin /lib* /sbin /proc /sys              the station's
 *     /dev                                          a few devices, /dev/shm
 *     /tmp /var/tmp                                 in the scratch directory
 *     what was granted, at its own path             at home, by ckpt-mount
 *     /.ckpt/home /.ckpt/lib                        the mount, libckpt.so
 *
 * In the job's process between fork and exec: a mount namespace of its own, and
 * a user namespace when we are not root.  Nothing of it is seen outside, and
 * the last of the job's processes takes it away.
 */
#ifndef CKPT_SCHEDULER_VIEW_H
#define CKPT_SCHEDULER_VIEW_H

#include "lib/common/err.h"
#include "lib/common/mounted.h"
#include "lib/proto/shadow.h"

#include <stdbool.h>
#include <sys/types.h>

#define VIEW_OWN "/.ckpt"
#define VIEW_HOME CKPT_MOUNTED_HOME
#define VIEW_LIB VIEW_OWN "/lib"

struct view {
    shadow_grants_ok grants;
    const char *scratch;
    uid_t uid; /* who uses it, as the mount knows him */
    gid_t gid;
    int server; /* socket to ckpt-mount */
};

/* Could it be done here?  Tries it in a child.  `scratch` is any directory.
 * -1 with the reason. */
int view_probe(const char *scratch, struct ckpt_err *err);

/* Make the directories that view_enter() needs in the scratch directory. */
int view_prepare(const char *scratch, struct ckpt_err *err);

/* Enter it.  The working directory is / then. */
int view_enter(const struct view *view, struct ckpt_err *err);

/* The two parts of it that others need: namespaces in which to mount, and the
 * mount at `place`, when the server at the other end of the socket is ready. */
int view_namespaces(uid_t uid, gid_t gid, struct ckpt_err *err);
int view_mount(const char *place, uid_t uid, gid_t gid, int server,
               struct ckpt_err *err);

/* A granted path is mounted by itself: it does not lie below another one. */
bool view_mounts(const shadow_grants_ok *grants, unsigned n);

/* In the view, with the right to mount: what to execute for the program `path`
 * of home.  Where that is not at home but the station's, `copy` is put in its
 * place; or is to be executed itself. */
const char *view_program(const char *path, const char *copy);

/* Open the standard streams, as the user.  ENOTSUP for what is neither a file
 * nor /dev/null. */
int view_streams(const struct view *view, bool with_stderr,
                 struct ckpt_err *err);

#endif
