/* calls_impl.h - the handlers of calls.c and calls_name.c, and what they share
 */
#ifndef CKPT_KEEP_CALLS_IMPL_H
#define CKPT_KEEP_CALLS_IMPL_H

#include "lib/keep/calls.h"
#include "lib/keep/target.h"

/* The change cannot be noted; -1. */
int keep_failed(struct keep_call *call, const char *what);

/* Would `more` bytes be too much?  -1 as keep_failed(). */
int keep_over_limit(struct keep_call *call, uint64_t more);

/* The name is to be made, removed or replaced. */
int keep_note_name(struct keep_call *call, const struct keep_place *place);

int keep_on_write(struct keep_call *call);
int keep_on_writev(struct keep_call *call);
int keep_on_pwrite(struct keep_call *call);
int keep_on_pwritev(struct keep_call *call);
int keep_on_sendfile(struct keep_call *call);
int keep_on_splice(struct keep_call *call);
int keep_on_ftruncate(struct keep_call *call);
int keep_on_truncate(struct keep_call *call);
int keep_on_fallocate(struct keep_call *call);
int keep_on_ioctl(struct keep_call *call);
int keep_on_mmap(struct keep_call *call);
int keep_on_open(struct keep_call *call);
int keep_on_openat(struct keep_call *call);
int keep_on_openat2(struct keep_call *call);
int keep_on_creat(struct keep_call *call);

int keep_on_rename(struct keep_call *call);
int keep_on_renameat(struct keep_call *call);
int keep_on_link(struct keep_call *call);
int keep_on_linkat(struct keep_call *call);
int keep_on_unlink(struct keep_call *call);
int keep_on_unlinkat(struct keep_call *call);
int keep_on_make(struct keep_call *call);
int keep_on_makeat(struct keep_call *call);
int keep_on_symlink(struct keep_call *call);
int keep_on_symlinkat(struct keep_call *call);
int keep_on_attr(struct keep_call *call);
int keep_on_lattr(struct keep_call *call);
int keep_on_fattr(struct keep_call *call);
int keep_on_attrat(struct keep_call *call);

#endif
