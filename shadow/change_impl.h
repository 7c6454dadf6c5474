/* change_impl.h - what change.c and change_name.c share */
#ifndef CKPT_SHADOW_CHANGE_IMPL_H
#define CKPT_SHADOW_CHANGE_IMPL_H

#include "shadow/change.h"

enum { CHANGE_FS_MAX = 16 };

struct change {
    struct journal *journal;
    struct {
        dev_t dev;
        int fd;          /* a directory on it */
    } fs[CHANGE_FS_MAX]; /* file systems that were changed */
    unsigned fs_count;
    bool fs_more;      /* and others */
    struct note *note; /* or NULL */
    struct ckpt_err err;
    bool failed; /* err tells of a failure of the journal */
};

/* The journal would not take a note: -1, errno as the job is to see it. */
int change_refused(struct change *change, int fd);
/* The change was tried: ends the journal's part; returns rc, errno kept. */
int change_ended(struct change *change, int fd, int rc);

#endif
