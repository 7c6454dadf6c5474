/* policies.h - on which nodes the program wants its memory: mbind(2)
 *
 * All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_POLICIES_H
#define CKPT_CAPTURE_POLICIES_H

#include "lib/capture/attributes.h"
#include "lib/capture/memory.h"
#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

enum { CKPT_POLICIES_MAX = 128 };

struct ckpt_policies {
    size_t count;
    struct {
        uint64_t start, end;
        int32_t mode;
        uint64_t nodes[CKPT_NODE_WORDS];
    } list[CKPT_POLICIES_MAX];
};

/* Ask the kernel about each mapping.  0, or -1 with EBUSY when there are too
 * many. */
int ckpt_policies_look(struct ckpt_policies *policies,
                       const struct ckpt_memory *memory, struct ckpt_err *err);

/* Set them again in the revived program; a machine without such nodes is left
 * as it is. */
void ckpt_policies_give(const struct ckpt_policies *policies);

#endif
