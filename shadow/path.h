/* path.h - from the job's names of files to places inside its grants
 *
 * The job uses its home's absolute names.  A name is walked component by
 * component to one without symbolic links; the grant with the longest prefix
 * of that serves it, and one openat2(RESOLVE_BENEATH, no links of any kind)
 * below the grant's directory opens the place.  So `..`, links that lead out,
 * and links that change while we look cannot leave the grants; a link from one
 * grant into another works.
 */
#ifndef CKPT_SHADOW_PATH_H
#define CKPT_SHADOW_PATH_H

#include "lib/common/err.h"
#include "shadow/jobdir.h"
#include "shadow/quota.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct paths;

struct paths *paths_create(void); /* NULL: ENOMEM */
void paths_destroy(struct paths *paths);

/* Grant a directory with everything below it, or one file (its name cannot be
 * removed or replaced then).  The path must exist.  With a limit, what is there
 * is measured. */
int paths_grant(struct paths *paths, const struct jobspec_grant *grant,
                struct ckpt_err *err);
/* Except this directory and everything below it, whatever is granted: the
 * pool's own files. */
int paths_deny(struct paths *paths, const char *path, struct ckpt_err *err);
/* What the n-th grant is for, an open directory or file (O_PATH perhaps), and
 * whether it is writable; -1 after the last. */
int paths_grant_fd(const struct paths *paths, size_t n, bool *write);
/* Its path, without symbolic links; NULL after the last. */
const char *paths_grant_path(const struct paths *paths, size_t n, bool *is_dir,
                             bool *write);

/* Where a name leads. */
struct place {
    int dirfd; /* of the parent directory, O_PATH; -1: see `above` */
    bool close_dirfd;
    bool write; /* the grant allows changes */
    bool fixed; /* the name itself belongs to the grant: cannot be changed */
    bool above; /* only a parent directory of a grant: may be looked at */
    struct quota *quota;     /* of the grant, or NULL */
    char name[NAME_MAX + 1]; /* one component, or "." for a grant itself */
    char path[PATH_MAX];     /* absolute, without symbolic links */
};

/* Find `path`, relative to the absolute directory `base`.  A last component
 * that is a symbolic link is followed when `follow`.  0, or -1 with errno:
 * EACCES outside every grant.  Call place_clear() after success. */
int paths_find(const struct paths *paths, const char *base, const char *path,
               bool follow, struct place *place);
void place_clear(struct place *place);

#endif
