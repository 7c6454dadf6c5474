/* keeper.h - the keeper's own life: from the listener to its end */
#ifndef CKPT_KEEP_KEEPER_H
#define CKPT_KEEP_KEEPER_H

#include "lib/keep/keep.h"
#include "lib/undo/journal.h"

/* Take the listener that arrives on keep->sock and answer until nobody is
 * watched any more.  In a process of its own, which ends afterwards. */
void keep_serve(struct ckpt_keep *keep, struct journal *journal);

#endif
