/* submit_queue.h - what a `queue` line asks for
 *
 *     queue [N]
 *     queue [N] [VAR] in (a, b c)
 *     queue [N] [VAR[, VAR]...] from FILE        a line for each job
 *     queue [N] [VAR[, VAR]...] from ( lines )
 *     queue [N] [VAR] matching [files|dirs] PATTERN...
 *
 * as condor_submit(1) has them, but for slices and commands.
 */
#ifndef CKPT_CLI_SUBMIT_QUEUE_H
#define CKPT_CLI_SUBMIT_QUEUE_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { SUBMIT_QUEUE_MAX = 1000000 };

struct submit_queue {
    uint32_t count;
    bool has_items;
    char **vars;   /* NULL at the end */
    char **values; /* as many for each item as there are vars */
};

/* Parse what follows the word `queue`; `cwd` is where files and patterns are.
 * 0, or -1 with EINVAL, ENOMEM or what open(2) left; *queue is zero then. */
int submit_queue_parse(struct submit_queue *queue, const char *text,
                       const char *cwd, struct ckpt_err *err);
void submit_queue_clear(struct submit_queue *queue);

#endif
