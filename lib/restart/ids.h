/* ids.h - the process and thread ids of the image
 *
 * Four ways, the first that is possible:
 *     this process has the id already (the first process of a container, ...)
 *     a child with the id, when all ids of the image are free here
 *     a child in a new pid namespace
 *     the same in a new user namespace, for a program without privileges
 * doc/decisions/0007-ids.md says why, and when none of it is done.
 */
#ifndef CKPT_RESTART_IDS_H
#define CKPT_RESTART_IDS_H

#include "lib/common/err.h"
#include "lib/image/notes.h"
#include "lib/restart/namespace.h"

#include <stdint.h>

enum ckpt_ids_mode {
    CKPT_IDS_AUTO, /* keep them when the program may know them */
    CKPT_IDS_KEEP, /* keep them, or refuse */
    CKPT_IDS_NEW,  /* become the program, whatever the ids are then */
};

/* "auto", "keep" or "new".  0, or -1. */
int ckpt_ids_parse(const char *text, enum ckpt_ids_mode *mode);

/* Become the process that is to become the program: the caller, or a child of
 * it (then the caller's process ends as the child does).  The clocks are
 * shifted at the same time where that is possible; then clocks->flags is 0
 * afterwards.  0, with CKPT_REVIVE_* added to *flags; `notice` (or NULL) is
 * told when a program that may know its ids gets new ones.  -1 with err. */
int ckpt_ids_enter(const struct ckpt_notes *notes, enum ckpt_ids_mode mode,
                   struct ckpt_namespace *clocks, uint32_t *flags,
                   void (*notice)(const char *text), struct ckpt_err *err);

#endif
