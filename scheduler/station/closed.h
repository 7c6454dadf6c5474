/* closed.h - why jobs may not be here, besides the owner's keys
 *
 * Hours that the owner keeps for himself, a graphical session that we cannot
 * see into, and a machine that is short of memory.  While one of them holds
 * the owner counts as present.
 */
#ifndef CKPT_SCHEDULER_CLOSED_H
#define CKPT_SCHEDULER_CLOSED_H

#include "scheduler/core/hours.h"
#include "scheduler/pool/settings.h"
#include "scheduler/station/owner.h"
#include "scheduler/station/sessions.h"

struct closed {
    const struct settings *settings;
    struct sessions sessions;
    double pressure; /* % of the last 10 s in which all waited for memory;
                        negative: not known */
    const char *why; /* NULL: jobs may be here */
};

void closed_open(struct closed *closed, const struct settings *settings);
void closed_look(struct closed *closed, const struct owner *owner);
void closed_end(struct closed *closed);

#endif
