/* calls.h - what each call that changes files will destroy
 *
 * keep_call() notes it in the journal and makes the note durable.
 */
#ifndef CKPT_KEEP_CALLS_H
#define CKPT_KEEP_CALLS_H

#include "lib/common/err.h"
#include "lib/undo/journal.h"

#include <stdint.h>
#include <sys/types.h>

struct keep_call {
    struct journal *journal;
    uint64_t limit; /* of what one segment keeps */
    pid_t tid;
    int nr;
    uint64_t arg[6];
    struct ckpt_err err;
};

/* 0: the call may be made.  -1: what it will destroy could not be noted; `err`
 * says why. */
int keep_call(struct keep_call *call);

/* Everything that can be changed through mappings, now. */
int keep_mapped(struct keep_call *call);

#endif
